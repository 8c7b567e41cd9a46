package admin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Store is what the API reads and changes; the spool's comments are the contract.
type Store interface {
	SearchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string) ([]spool.FoundCall, string, error)
	Call(ctx context.Context, id string) (spool.CallDetail, error)
	LettersOfCall(ctx context.Context, callID string) ([]spool.CallLetter, error)
	Resend(callID string, sinks []string) ([]string, error)

	SearchLetters(ctx context.Context, f spool.LetterFilter, limit int, cursor string) ([]spool.DeadLetter, string, error)
	DeadLetter(ctx context.Context, id string) (spool.DeadLetterDetail, error)
	LettersByID(ctx context.Context, ids []string) ([]spool.DeadLetter, error)
	LastLetter(ctx context.Context) (string, error)
	WalkLetters(ctx context.Context, f spool.LetterFilter, after, upto string, limit int) ([]spool.DeadLetter, string, error)
	Replay(ids []string, start time.Time, perSecond float64) (done int, intake []string, err error)
	Purge(ids []string) (int, error)
	NoteLetter(id, detail string) error

	Lanes(ctx context.Context) ([]spool.LaneStatus, error)
	SetPause(sink string, p spool.Pause) error
	Erase(ctx context.Context, forms spool.NumberForms, dry bool) (spool.Erased, error)
	Totals() spool.Totals
	// Now is the time by which the store compares, whatever the wall clock says.
	Now() time.Time
}

// Deps are what the handlers work with.
type Deps struct {
	Store Store
	// Metrics answers /metrics.
	Metrics http.Handler
	// Ready gives nil when callbacks are taken, else why not.
	Ready func() error
	// Server tells what only the whole knows: version, sources, breakers.
	Server func() ServerStatus
	// Reload reads the configuration again; nil where there is none to read.
	Reload func(context.Context) error
	// Redeem reads a dead letter of stage intake again, with today's adapter,
	// source and rules. After nil the call is kept and the letter gone. A
	// *call.NotACall says that it is an event that nobody would keep today, an
	// error that is spool.ErrUnavailable that the store takes nothing now, any
	// other one why the letter stays.
	Redeem func(context.Context, spool.DeadLetterDetail) error
	// Replayed counts dead letters put back into a sink's lane; may be nil.
	Replayed func(sink string, n int)
	// WrongToken counts requests with a wrong token; may be nil.
	WrongToken func()
	// NumberForms gives the spellings of a number as typed; its error is for the
	// operator.
	NumberForms func(typed string) (spool.NumberForms, error)
	// Explain says what would become of a callback at a source, as something that
	// can be written as JSON; its error says that there is no such source. nil
	// where nothing can be explained.
	Explain func(ctx context.Context, source string, callback []byte) (any, error)
	// Page answers all paths but the API's, health and metrics, behind the same
	// doors; nil for a list of the paths in its place.
	Page http.Handler
	Log  *slog.Logger
}
