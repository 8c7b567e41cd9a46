package operate

import (
	"context"
	"log/slog"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Store is what operators read and change; the spool's comments are the contract.
type Store interface {
	spool.Searcher
	spool.Operator
	spool.Journal
	Lanes(ctx context.Context) ([]spool.LaneStatus, error)
	SetPause(ctx context.Context, sink string, p spool.Pause) error
	NextDue(ctx context.Context, sink string, withDoubtful bool) (time.Time, error)
	// Now is the time by which the store compares, whatever the wall clock says.
	Now() time.Time
}

// Deps are what an Operator works with. Redeem, Replayed, NumberForms, Explain and Test
// may be nil where nobody asks for what they do.
type Deps struct {
	Store Store
	// Server returns what only the whole knows: version, sources, breakers.
	Server func() Server
	// Redeem reads a dead letter of stage intake again, with today's adapter,
	// source and rules. After nil the call is kept and the letter gone. A
	// *call.NotACall says that it is an event that nobody would keep today, an
	// error that is ErrUnavailable that the store takes nothing now, any other one
	// why the letter stays.
	Redeem func(context.Context, spool.DeadLetterDetail) error
	// Replayed counts dead letters put back into a sink's lane.
	Replayed func(sink string, n int)
	// NumberForms returns the spellings of a number as typed; its error is for the
	// operator.
	NumberForms func(typed string) (spool.NumberForms, error)
	// Explain says what would become of a callback at a source; its error says that
	// there is no such source.
	Explain func(ctx context.Context, source string, callback []byte) (*explain.Explanation, error)
	// Test sends a sample call to a sink. Its error is ErrNotFound where there is no
	// such sink.
	Test func(ctx context.Context, sink string) (SinkTest, error)
	Log  *slog.Logger
}

// Operator does what operators ask for.
type Operator struct {
	deps Deps
	via  string       // the surface
	log  *slog.Logger // of changes
}

// New returns an Operator for a surface: api, page or server, as the log and the events
// name it.
func New(via string, d Deps) *Operator {
	return &Operator{deps: d, via: via, log: d.Log.With("via", via)}
}

// Explains reports whether callbacks are explained here.
func (o *Operator) Explains() bool { return o.deps.Explain != nil }

// Explain says what would become of a callback at a source; nothing is kept or sent.
// Its error says that there is no such source.
func (o *Operator) Explain(ctx context.Context, source string, callback []byte) (*Explanation, error) {
	return o.deps.Explain(ctx, source, callback)
}

// The types of the spool that are a part of what operators see.
type (
	// CallFilter selects calls; what is empty selects all.
	CallFilter = spool.CallFilter
	// LetterFilter selects dead letters; what is empty selects all.
	LetterFilter = spool.LetterFilter
	// DeadLetter is one in a listing.
	DeadLetter = spool.DeadLetter
	// Attempt is one try to make a delivery.
	Attempt = spool.Attempt
	// Reason is why a dead letter was made.
	Reason = spool.Reason
	// SinkState is the state of a delivery of a call, in a listing.
	SinkState = spool.SinkState
	// Event is something that an operator did.
	Event = spool.Event
	// EventFilter selects events; what is empty selects all.
	EventFilter = spool.EventFilter
	// Explanation is what would become of a callback.
	Explanation = explain.Explanation
)

// The errors of the spool that operators are told.
var (
	// ErrNotFound is the error for what is not there.
	ErrNotFound = spool.ErrNotFound
	// ErrBadCursor is the error for a cursor that no listing returned.
	ErrBadCursor = spool.ErrBadCursor
	// ErrUnavailable is the error of a store that takes no changes now.
	ErrUnavailable = spool.ErrUnavailable
)

// InputError says what is wrong with what an operator asked for.
type InputError struct{ Problem string }

func (e *InputError) Error() string { return e.Problem }

// Page is one page of a listing.
type Page[T any] struct {
	Items []T `json:"items"`
	// NextCursor is empty on the last page.
	NextCursor string `json:"next_cursor"`
	// ReachedAt is how far a page came that is not the last one: when the oldest call
	// that it looked at was received, or the oldest dead letter of its groups was made.
	ReachedAt call.Time `json:"reached_at,omitzero"`
}

func newPage[T any](items []T, next string) Page[T] {
	if items == nil {
		items = []T{}
	}
	return Page[T]{Items: items, NextCursor: next}
}
