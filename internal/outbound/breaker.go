package outbound

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// State is the state of a breaker.
type State int

// The states.
const (
	// Closed: tries pass.
	Closed State = iota
	// Open: nothing passes.
	Open
	// HalfOpen: one try passes as a probe.
	HalfOpen
)

// String names the state as a metric label.
func (s State) String() string {
	return nameOf(s, "closed", "open", "half_open")
}

const (
	// buckets is how finely the rolling window rolls.
	buckets = 6
	// probeBusy is the wait told to a caller who finds a probe under way.
	probeBusy = 250 * time.Millisecond
)

// evidence is the error that a breaker is given after a try: what the try says
// about the sink. An unwell answer is no error to net/http, so without it the
// breaker would take a 500 for a success.
type evidence struct {
	meaning  Meaning
	delivery string // the Request's
	// excluded: the try is not the last of its exchange, or its delivery is
	// doubtful.
	excluded bool
}

func (e *evidence) Error() string { return "evidence: " + e.meaning.String() }

// breaker is gobreaker with a rolling window and a known time of opening.
//
// Invariant: an exchange is one piece of evidence, however many tries it makes,
// and it takes failures of different deliveries in a row to open the breaker. A
// delivery that fails while others are delivered is none.
type breaker struct {
	cb       *gobreaker.CircuitBreaker[struct{}]
	settings BreakerSettings
	window   time.Duration
	// failing are the deliveries that failed since the last success, unnamed the
	// number of failures without a delivery's name. They are counted here, because
	// gobreaker forgets failures that have left the window: a sink that fails once
	// in a retry interval longer than it would never open. gobreaker's mutex guards
	// both; they are touched only in callbacks that run under it.
	failing map[string]struct{}
	unnamed int
	// readyAt is when the latest open period ends. It is written by
	// OnStateChange, which runs under gobreaker's mutex and so may only record.
	readyAt atomic.Pointer[time.Time]
}

func newBreaker(name string, s Settings) *breaker {
	b := &breaker{failing: map[string]struct{}{}, settings: s.Breaker, window: max(s.Breaker.Window, 2*s.Timeout)}
	b.cb = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:          name,
		MaxRequests:   1,
		Interval:      b.window,
		BucketPeriod:  b.window / buckets,
		Timeout:       s.Breaker.OpenFor,
		ReadyToTrip:   b.tripped,
		IsSuccessful:  b.succeeded,
		IsExcluded:    isNoEvidence,
		OnStateChange: b.record,
	})
	return b
}

func (b *breaker) tripped(c gobreaker.Counts) bool {
	if len(b.failing)+b.unnamed >= b.settings.ConsecutiveFailures {
		return true
	}
	// Requests also counts what is still under way or excluded.
	finished := int64(c.TotalSuccesses) + int64(c.TotalFailures)
	return finished >= int64(b.settings.MinRequests) &&
		float64(c.TotalFailures) >= b.settings.FailureRatio*float64(finished)
}

// succeeded judges the evidence and counts what fails in a row. gobreaker calls
// it once for each result that it counts, before tripped.
func (b *breaker) succeeded(err error) bool {
	if isSuccess(err) {
		clear(b.failing)
		b.unnamed = 0
		return true
	}
	e, ok := errors.AsType[*evidence](err)
	switch {
	case !ok || e.delivery == "":
		b.unnamed++
	case len(b.failing) < b.settings.ConsecutiveFailures: // bounds the memory; more trip it no more
		b.failing[e.delivery] = struct{}{}
	}
	return false
}

func isSuccess(err error) bool {
	e, ok := errors.AsType[*evidence](err)
	return err == nil || ok && !e.meaning.countsAgainst()
}

// isNoEvidence keeps out what says nothing about the sink's health: our own
// shutdown, a pause it asked for, a try that another one follows, a doubtful
// delivery. gobreaker stays half open after such a try and admits the next.
func isNoEvidence(err error) bool {
	e, ok := errors.AsType[*evidence](err)
	return ok && (e.excluded || e.meaning == Canceled || e.meaning == Paused)
}

func (b *breaker) record(_ string, _, to gobreaker.State) {
	if to == gobreaker.StateOpen {
		// gobreaker lets the probe through strictly after the open time.
		at := time.Now().Add(b.settings.OpenFor + time.Millisecond)
		b.readyAt.Store(&at)
	}
}

// do runs the try unless the breaker refuses; false says that it did.
func (b *breaker) do(try func() error) (passed bool) {
	_, err := b.cb.Execute(func() (struct{}, error) { return struct{}{}, try() })
	return !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests)
}

// state is computed now: gobreaker notices the end of the open time only when
// it is asked.
func (b *breaker) state() State {
	switch b.cb.State() {
	case gobreaker.StateOpen:
		return Open
	case gobreaker.StateHalfOpen:
		return HalfOpen
	default:
		return Closed
	}
}

func (b *breaker) ready() time.Time {
	open := b.state() == Open // first: a breaker that opens meanwhile has set readyAt
	at := b.readyAt.Load()
	if !open || at == nil {
		return time.Time{}
	}
	return *at
}

// refusal is the verdict of a breaker that let nothing through.
func (b *breaker) refusal() Verdict {
	v := Verdict{Meaning: BreakerOpen, Wait: probeBusy, Detail: "the breaker is half open and a probe is under way"}
	if at := b.ready(); !at.IsZero() {
		v.Wait = max(time.Until(at), probeBusy)
		v.Detail = "the breaker is open after repeated failures"
	}
	return v
}

// heir is the breaker for a client with other settings that takes this one's
// place. What is open stays open: a reload must not send a herd at a sink that
// is down.
func (b *breaker) heir(fresh *breaker) *breaker {
	if b.settings == fresh.settings && b.window == fresh.window {
		return b
	}
	if b.state() == Closed {
		return fresh
	}
	fresh.unnamed = fresh.settings.ConsecutiveFailures - 1 // nobody else uses it yet
	fresh.do(func() error { return &evidence{meaning: Unwell} })
	return fresh
}
