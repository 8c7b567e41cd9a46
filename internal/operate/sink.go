package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Sink is one configured sink, or one that is gone and is still owed something.
type Sink struct {
	Name string `json:"name"`
	// Kind is webhook or slack; empty for a sink that is gone.
	Kind       string `json:"kind"`
	Configured bool   `json:"configured"`
	// State is one of SinkStates; Summary says the same in a sentence, with the last
	// failure, the next try and how many wait.
	State   string `json:"state"`
	Summary string `json:"summary"`
	// Breaker is closed, open or half_open; empty for a sink that is gone.
	Breaker string `json:"breaker"`
	// RetryAt is when an open breaker lets the next attempt through.
	RetryAt call.Time `json:"retry_at,omitzero"`
	Paused  *Paused   `json:"paused,omitempty"`
	Pending int64     `json:"pending"`
	// InFlight is the number of attempts on their way.
	InFlight        int       `json:"in_flight"`
	OldestPendingAt call.Time `json:"oldest_pending_at,omitzero"`
	// NextTryAt is when something that waits is tried next: the probe of the breaker, the
	// end of a pause, the next attempt that is planned. It is absent where nothing waits,
	// where an operator's pause holds, and where the next one goes out at once.
	NextTryAt   call.Time `json:"next_try_at,omitzero"`
	DeadLetters int64     `json:"dead_letters"`
	// DeadLettersByReason is counted for one sink and for the list of sinks only.
	DeadLettersByReason map[spool.Reason]int64 `json:"dead_letters_by_reason,omitempty"`
	// Doubtful is how many of the pending ones fail while the sink takes others.
	Doubtful        int64        `json:"doubtful"`
	LastDeliveredAt call.Time    `json:"last_delivered_at,omitzero"`
	LastFailure     *SinkFailure `json:"last_failure,omitempty"`
	// FailingSince is when the first attempt failed since the last delivery, Failures how
	// many did.
	FailingSince call.Time `json:"failing_since,omitzero"`
	Failures     int       `json:"consecutive_failures"`
	// Recent counts the attempts, each quick try as one.
	Recent *Recent `json:"recent,omitempty"`

	// NotFound is what lookups did not find, the latest first; for one sink only.
	NotFound []NotFound `json:"not_found,omitempty"`
	// Lookups returns NotFound; nil where the sink has no lookups.
	Lookups func() []NotFound `json:"-"`

	// Refusals are those of Failures that were refused for what they are.
	Refusals int `json:"-"`
	// NotBefore is when the breaker, or a pause that the sink asked for, lets the lane
	// try again.
	NotBefore time.Time `json:"-"`
	// fresh: some of the pending ones were never attempted, and wait for no time.
	fresh bool
	// PerSecond is the configured rate; 0 for none.
	PerSecond float64 `json:"-"`
	// Settle is how long a call waits for a newer revision of it; 0 for not at all.
	Settle time.Duration `json:"-"`
}

// SinkFailure is the last attempt at a sink that did not deliver. Telephone numbers are
// masked; the call shows them.
type SinkFailure struct {
	At       call.Time `json:"at"`
	CallID   string    `json:"call_id"`
	Revision int       `json:"revision"`
	Result   string    `json:"result"`
	Status   int       `json:"status,omitempty"`
	// Detail is what the sink answered, or the error.
	Detail string `json:"detail"`
	// Request is what was sent, and Headers are those of the answer that help, as long as
	// the call is kept; for one sink and for the list of sinks only.
	Request *spool.Sent       `json:"request,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// NotFound is something that a lookup of a sink did not find since the start.
type NotFound struct {
	// Step is the lookup. Number is masked; Agent is an address, a name or an id.
	Step   string `json:"step"`
	Number string `json:"number,omitempty"`
	Agent  string `json:"agent,omitempty"`
	// CallID is the latest call it was asked for, At when, Times how often.
	CallID string    `json:"call_id"`
	At     call.Time `json:"at"`
	Times  int       `json:"times"`
}

// Paused is a pause that holds.
type Paused struct {
	By string `json:"by"`
	// Until is absent for an operator's pause without an end.
	Until call.Time `json:"until,omitzero"`
	// Reason is why an operator made it.
	Reason string `json:"reason,omitempty"`
}

// ByOperator reports whether an operator made the pause.
func (p *Paused) ByOperator() bool { return p != nil && p.By == string(spool.ByOperator) }

// endless reports whether the pause holds until an operator ends it.
func (p *Paused) endless() bool { return p.ByOperator() && p.Until.IsZero() }

// heldUntil is when an operator's pause ends; zero without one. That of a sink may end
// before its time, which the lane knows.
func (p *Paused) heldUntil() time.Time {
	if !p.ByOperator() {
		return time.Time{}
	}
	return p.Until.Time
}

// The states of a sink.
const (
	sinkWell          = "well"
	sinkIdle          = "idle"
	sinkPartly        = "failing_for_some"
	sinkFailing       = "failing_for_all"
	sinkRefusing      = "refusing"
	sinkOpen          = "breaker_open"
	sinkHalfOpen      = "breaker_half_open"
	sinkPausedByUs    = "paused_by_operator"
	sinkPausedBySink  = "paused_by_sink"
	sinkNotConfigured = "not_configured"
)

// SinkStates lists the states of a sink.
func SinkStates() []string {
	return []string{
		sinkWell, sinkIdle, sinkPartly, sinkFailing, sinkRefusing, sinkOpen, sinkHalfOpen, sinkPausedByUs, sinkPausedBySink, sinkNotConfigured,
	}
}

// unwellAfter is how many attempts fail one after the other until a sink is not well,
// even if it took others before.
const unwellAfter = 5

// state says how the sink is.
func (s *Sink) state() string {
	switch recent, some := s.Recent.shortest(); {
	case !s.Configured:
		return sinkNotConfigured
	case s.Paused.ByOperator():
		return sinkPausedByUs
	case s.Breaker == "open":
		return sinkOpen
	case s.Breaker == "half_open":
		return sinkHalfOpen
	case s.Paused != nil:
		return sinkPausedBySink
	case s.Failures >= unwellAfter, s.Failures > 0 && some && recent.Results["delivered"] == 0:
		if s.Refusals == s.Failures {
			return sinkRefusing
		}
		return sinkFailing
	case s.Doubtful > 0:
		return sinkPartly
	case !some && s.Recent != nil && s.Pending == 0:
		return sinkIdle
	default:
		return sinkWell
	}
}

// Troubled reports whether the last failure says why the sink is in its state.
func (s *Sink) Troubled() bool {
	return !slices.Contains([]string{sinkWell, sinkIdle, sinkPausedByUs, sinkNotConfigured}, s.State)
}

// summary says in a sentence how the sink is.
func (s *Sink) summary(now time.Time) string {
	var b strings.Builder
	b.WriteString(Words(s.State))
	if f := s.LastFailure; f != nil && s.Troubled() {
		b.WriteString(": " + f.Words(now))
	}
	if s.State == sinkPausedByUs && s.Paused.Reason != "" {
		b.WriteString(": " + s.Paused.Reason)
	}
	if !s.NextTryAt.IsZero() {
		b.WriteString("; next try " + Ago(s.NextTryAt.Time, now))
	}
	if s.Pending > 0 {
		fmt.Fprintf(&b, "; %d wait", s.Pending)
	}
	return b.String()
}

// Words says what the sink answered, and how long ago.
func (f *SinkFailure) Words(now time.Time) string {
	why := f.Detail
	if why == "" {
		why = Words(f.Result)
	}
	return why + ", " + Ago(f.At.Time, now)
}

// complete fills what follows from what the server and the spool know of the sink.
// due is when the next attempt is planned, zero for none.
func (s *Sink) complete(now, due time.Time) {
	if s.Configured && s.Pending > 0 && !s.Paused.endless() {
		if next := laterOf(s.Paused.heldUntil(), laterOf(s.NotBefore, due)); next.After(now) {
			s.NextTryAt = call.At(next)
		}
	}
	s.State = s.state()
	s.Summary = s.summary(now)
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Sinks returns all sinks, with what is kept of their last failures.
func (o *Operator) Sinks(ctx context.Context) (Page[Sink], error) {
	status, err := o.Status(ctx)
	if err != nil {
		return newPage[Sink](nil, ""), err
	}
	for i := range status.Sinks {
		if err := o.look(ctx, &status.Sinks[i]); err != nil {
			return newPage[Sink](nil, ""), err
		}
	}
	return newPage(status.Sinks, ""), nil
}

// Sink returns one sink.
func (o *Operator) Sink(ctx context.Context, name string) (Sink, error) {
	status, err := o.Status(ctx)
	if err != nil {
		return Sink{}, err
	}
	i := slices.IndexFunc(status.Sinks, func(s Sink) bool { return s.Name == name })
	if i < 0 {
		return Sink{}, fmt.Errorf("%w: no sink %q", ErrNotFound, name)
	}
	s := &status.Sinks[i]
	if s.Lookups != nil {
		s.NotFound = s.Lookups()
	}
	err = o.look(ctx, s)
	return *s, err
}

// look adds what the spool keeps of a sink's dead letters and of its last failure.
func (o *Operator) look(ctx context.Context, s *Sink) (err error) {
	if s.DeadLettersByReason, err = o.deps.Store.LettersByReason(ctx, s.Name); err != nil {
		return err
	}
	if s.LastFailure == nil || s.LastFailure.CallID == "" {
		return nil
	}
	f := *s.LastFailure // the server's stays as it is
	s.LastFailure = &f
	c, err := o.deps.Store.Call(ctx, f.CallID)
	switch {
	case errors.Is(err, ErrNotFound): // it is not kept any more
		return nil
	case err != nil:
		return err
	}
	f.show(c, s.Name)
	return nil
}

// show adds what the call keeps of the attempt, without its numbers.
func (f *SinkFailure) show(c spool.CallDetail, sink string) {
	var masker call.Masker
	for _, r := range c.Revisions {
		if r.Revision == f.Revision {
			masker = RecordOf(r.Record).Masker()
		}
	}
	for _, d := range c.Deliveries {
		if d.Sink != sink || d.Revision != f.Revision {
			continue
		}
		for _, a := range slices.Backward(d.Attempts) {
			if a.Request == nil || a.At.After(f.At.Add(time.Millisecond)) {
				continue
			}
			f.Request = &spool.Sent{Method: a.Request.Method, URL: masker.Text(a.Request.URL), Body: masker.Body(a.Request.Body)}
			for name, value := range a.Headers {
				if f.Headers == nil {
					f.Headers = map[string]string{}
				}
				f.Headers[name] = masker.Text(value)
			}
			return
		}
	}
}
