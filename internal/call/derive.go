package call

import (
	"net/url"
	"strings"
	"time"
)

// The bounds of a plausible time. A unit that was mistaken (seconds for
// milliseconds, or the reverse) lands outside them.
const (
	firstPlausibleYear = 2000
	lastPlausibleYear  = 2099
)

// Plausible says whether a call may have happened at t.
func Plausible(t time.Time) bool {
	y := t.UTC().Year()
	return y >= firstPlausibleYear && y <= lastPlausibleYear
}

// Derive fills what follows from the fields that an adapter has read, and is
// called last: the customer from the direction, and each duration that is still
// absent from the times. It warns of times that are in the wrong order; no
// duration is computed from such a pair.
func (r *Record) Derive() {
	r.deriveCustomer()
	r.warnOfOrder()
	answered := r.AnsweredAt
	if !r.Answered {
		answered = r.EndedAt // the wait ends with the call
	}
	fill(&r.WaitSeconds, r.StartedAt, answered)
	fill(&r.RingSeconds, r.RingingAt, answered)
	if r.Answered {
		fill(&r.TalkSeconds, r.AnsweredAt, r.EndedAt)
	}
	fill(&r.TotalSeconds, r.StartedAt, r.EndedAt)
	fill(&r.Queue.Seconds, r.Queue.EnteredAt, r.Queue.LeftAt)
}

func (r *Record) deriveCustomer() {
	var outside Party
	switch r.Direction {
	case Inbound:
		outside = r.From
	case Outbound:
		outside = r.To
	case Internal, UnknownDirection:
	}
	r.Customer = nil
	if outside != (Party{}) {
		r.Customer = &outside
	}
}

// moment is a time with the name of its field.
type moment struct {
	name string
	at   Time
}

// cutTime is how far a time may be before the one that it follows: vendors cut some
// of their times to seconds and others not.
const cutTime = 2 * time.Second

// warnOfOrder compares each known time with the known one before it.
func (r *Record) warnOfOrder() {
	var last moment
	for _, m := range [...]moment{
		{"started_at", r.StartedAt},
		{"ringing_at", r.RingingAt},
		{"answered_at", r.AnsweredAt},
		{"ended_at", r.EndedAt},
	} {
		if m.at.IsZero() {
			continue
		}
		if last.at.Sub(m.at.Time) >= cutTime {
			r.Warn(m.name + " is before " + last.name)
		}
		last = m
	}
	if !r.Queue.LeftAt.IsZero() && r.Queue.EnteredAt.Sub(r.Queue.LeftAt.Time) >= cutTime {
		r.Warn("queue.left_at is before queue.entered_at")
	}
}

func fill(seconds **int, from, to Time) {
	if *seconds == nil {
		*seconds = SecondsBetween(from, to)
	}
}

// SecondsBetween gives the whole seconds from one time to another, nil when one
// is unknown or they are in the wrong order.
func SecondsBetween(from, to Time) *int {
	if from.IsZero() || to.IsZero() || to.Before(from.Time) {
		return nil
	}
	return new(int(to.Sub(from.Time) / time.Second))
}

// IsWebURL says whether a text is an absolute http or https URL.
func IsWebURL(s string) bool {
	scheme, _, found := strings.Cut(s, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != ""
}
