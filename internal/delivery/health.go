package delivery

import (
	"strings"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tally"
)

// maxFailureDetail bounds the text that a lane keeps of its last failure.
const maxFailureDetail = 512

// Failure is an attempt that did not deliver, as a lane remembers it: in a bounded
// text without secrets and telephone numbers. What was sent is kept with the call.
type Failure struct {
	At       time.Time
	CallID   string
	Revision int
	// Result is that of the attempt, as in spool.Attempt; Status is 0 where no answer
	// came.
	Result string
	Status int
	Detail string
}

// Health is how the sink of a lane answered lately.
type Health struct {
	// Recent counts the attempts by their result, a quick try as one and a request that
	// could not be rendered too. Its times are those of single requests.
	Recent tally.Counts
	// LastFailure is nil where there was none since the start.
	LastFailure *Failure
	// DeliveredAt is when the sink took a delivery last.
	DeliveredAt time.Time
	// FailingSince is when the first of the attempts failed that followed the last
	// delivery; zero where the last attempt delivered. Failures is how many there were,
	// and Refusals how many of them were for what they are: rejected, or not rendered.
	FailingSince       time.Time
	Failures, Refusals int
}

// health collects the Health of one sink, over reloads too.
type health struct {
	recent *tally.Tally

	mu  sync.Mutex // guards now
	now Health     // without Recent
}

func newHealth() *health {
	kinds := []string{resultRender}
	for _, r := range results() {
		kinds = append(kinds, r.String())
	}
	return &health{recent: tally.New(kinds...)}
}

// Health returns how the sink answered lately.
func (l *Lane) Health() Health {
	recent := l.health.recent.Counts()
	l.health.mu.Lock()
	defer l.health.mu.Unlock()
	out := l.health.now
	out.Recent = recent
	return out
}

// delivered notes that the sink took a delivery.
func (h *health) delivered(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now.DeliveredAt, h.now.FailingSince = at, time.Time{}
	h.now.Failures, h.now.Refusals = 0, 0
}

// failed notes an attempt that did not deliver.
func (h *health) failed(f Failure, refused bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now.LastFailure = &f
	if h.now.FailingSince.IsZero() {
		h.now.FailingSince = f.At
	}
	h.now.Failures++
	if refused {
		h.now.Refusals++
	}
}

// count counts what came of an attempt: its end once, and each try that failed before.
// A step that worked in an attempt that went on is only timed, and what asked the sink
// for nothing is not counted.
func (h *health) count(out outbound.Outcome) {
	for i, t := range out.Tries {
		ended := i == len(out.Tries)-1 && out.Meaning == outbound.Delivered
		if t.Meaning == outbound.Delivered && !ended {
			h.recent.Time(t.Duration)
			continue
		}
		h.recent.Add(t.Meaning.String(), t.Duration)
	}
}

// note keeps what came of an attempt; proven where one that delivered shows that the
// sink is well.
func (l *Lane) note(d *spool.Delivery, out outbound.Outcome, proven bool) {
	l.health.count(out)
	last := outbound.Try{At: time.Now()}
	if n := len(out.Tries); n > 0 {
		last = out.Tries[n-1]
	}
	switch out.Meaning {
	case outbound.BreakerOpen, outbound.Canceled: // it says nothing of the sink
	case outbound.Delivered:
		if proven {
			l.health.delivered(last.At.Add(last.Duration).UTC())
		}
	default:
		f := failureOf(d, last.At, out.Meaning.String(), out.Detail)
		f.Status = last.Status
		l.health.failed(f, out.Meaning == outbound.Rejected)
	}
}

// noteRender keeps that a request of a delivery could not be made, after those tries.
func (l *Lane) noteRender(d *spool.Delivery, tries []outbound.Try, kept spool.Attempt) {
	l.health.count(outbound.Outcome{Tries: tries})
	l.health.recent.Add(resultRender, 0)
	l.health.failed(failureOf(d, kept.At, resultRender, kept.Detail), true)
}

func failureOf(d *spool.Delivery, at time.Time, result, detail string) Failure {
	// Masked before it is cut: half a number would not be known as one. Also those of
	// others: it is shown beside other calls, and no erase reaches it.
	return Failure{
		At: at.UTC(), CallID: strings.Clone(d.Record.ID), Revision: d.Record.Revision, Result: result,
		Detail: strings.Clone(plaintext.Cut(call.MaskText(d.Record.Masker().Text(detail)), maxFailureDetail)),
	}
}

// NotBefore returns the time before which the lane tries nothing, because the sink asked
// for a pause or the breaker is open: the next opinion on the pause or its end, or the
// probe. It is zero where the lane may deliver now. An operator's pause is not in it.
func (l *Lane) NotBefore() time.Time {
	l.mu.Lock()
	wait := l.opinions.wait(l.deps.Store.Now())
	l.mu.Unlock()
	at := l.deps.Client.ReadyAt()
	if rested := time.Now().Add(wait); wait > 0 && rested.After(at) {
		at = rested
	}
	return at
}
