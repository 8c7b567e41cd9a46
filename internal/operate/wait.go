package operate

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Wait says what a delivery is waiting for.
type Wait struct {
	// For is the state of the sink that holds it, older_revision, settle, planned, retry,
	// or turn.
	For string `json:"for"`
	// Why says the same in a sentence, with the sink's last failure where that is why.
	Why string `json:"why"`
	// NextTryAt is when it may be tried next; absent where that has no time.
	NextTryAt call.Time `json:"next_try_at,omitzero"`
	// LastFailure is the part of Why that tells of it; empty for none.
	LastFailure string `json:"-"`
}

// What a delivery waits for beside its sink.
const (
	waitOlder = "older_revision"
	waitRetry = "retry"
	// waitSettle: a newer revision of the call may come until then.
	waitSettle = "settle"
	// waitPlanned: it was replayed or sent again at a rate, and its time has not come.
	waitPlanned = "planned"
	waitTurn    = "turn"
)

// explainWaits says of each delivery that waits, why.
func (o *Operator) explainWaits(ctx context.Context, deliveries []DeliveryDetail) error {
	var sinks []Sink
	for i := range deliveries {
		d := &deliveries[i]
		if d.State != "waiting" && d.State != "held" {
			continue
		}
		if sinks == nil {
			var err error
			if sinks, err = o.sinks(ctx, o.deps.Server().Sinks); err != nil {
				return err
			}
		}
		for _, s := range sinks {
			if s.Name == d.Sink {
				d.Wait = waitOf(*d, s, o.deps.Store.Now())
			}
		}
	}
	return nil
}

// waitOf says why a delivery waits for a sink.
func waitOf(d DeliveryDetail, s Sink, now time.Time) *Wait {
	w := &Wait{}
	next := laterOf(s.Paused.heldUntil(), laterOf(d.DueAt.Time, s.NotBefore))
	switch {
	case d.State == "held":
		return &Wait{For: waitOlder, Why: Words("held")}
	case s.Paused.endless(), s.State == sinkNotConfigured:
		return &Wait{For: s.State, Why: Words(s.State)}
	case s.State == sinkPausedByUs:
		w.For = s.State
	case s.State == sinkOpen, s.State == sinkHalfOpen:
		w.For = s.State
	case s.NotBefore.After(now):
		w.For = sinkPausedBySink
	case d.DueAt.After(now) && d.Tries == 0 && !d.DueAt.After(d.Since.Add(s.Settle)):
		w.For = waitSettle
	case d.DueAt.After(now) && d.Tries == 0:
		w.For = waitPlanned
	case d.DueAt.After(now):
		w.For = waitRetry
	default:
		w.For = waitTurn
	}
	w.Why = Words(w.For)
	if next.After(now) {
		w.NextTryAt = call.At(next)
	}
	if f := s.LastFailure; f != nil && s.Troubled() {
		w.LastFailure = f.Words(now)
		w.Why += ". The sink's last failure: " + w.LastFailure
	}
	return w
}
