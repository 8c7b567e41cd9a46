package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Erase takes every trace of a number out of the file: the calls that hold it
// anywhere, with all their revisions, deliveries and attempts, dead letters,
// records set aside, and the events that name one of the calls. In what sinks answered
// about other calls, and in other events, the number is replaced. Calls that come in while it works are not looked at.
//
// A call with an attempt on its way is waited for, up to half a minute; one that
// waits for its next attempt goes at once, undelivered. Work is done in small
// steps between which callbacks and lanes go on. With dry nothing changes.
func (s *Store) Erase(ctx context.Context, forms spool.NumberForms, dry bool) (spool.Erased, error) {
	e := &eraser{Store: s, match: newMatcher(forms), dry: dry, out: spool.Erased{InFlight: []string{}, Files: s.besides()}}
	if len(e.match.forms) == 0 {
		return e.out, nil
	}
	// A dead letter of stage intake that is replayed meanwhile becomes a call
	// behind the first walk over the calls, hence the second.
	for _, step := range []func(context.Context) error{e.calls, e.waitForBusy, e.letters, e.calls, e.waitForBusy, e.setAsides, e.events} {
		if err := step(ctx); err != nil {
			return e.out, err
		}
	}
	e.out.InFlight = append(e.out.InFlight, e.busy...)
	if dry {
		return e.out, nil
	}
	return e.out, e.overwrite(ctx)
}

// besides lists the files set aside beside the spool.
func (s *Store) besides() []string {
	return dbfile.Beside(s.cfg.Path, ".damaged-*", ".salvaged*", ".saved-*")
}

// eraser is one Erase.
type eraser struct {
	*Store
	match *matcher
	dry   bool
	from  int64    // the calls up to here were looked at
	busy  []string // ids of calls with an attempt on its way
	out   spool.Erased
}

// walk reads rows in steps and calls then after each. A statement's parameters
// are the key that the last row gave and the number of rows.
func (e *eraser) walk(ctx context.Context, sql string, from any, row func(*sqlite.Stmt) (key any), then func() error) error {
	for n := stepRows; n == stepRows; {
		n = 0
		err := e.listRd.do(ctx, func(c *sqlite.Conn) error {
			return dbfile.Query(c, sql, func(r *sqlite.Stmt) error {
				n++
				from = row(r)
				return nil
			}, from, stepRows)
		})
		if err != nil {
			return err
		}
		if err := then(); err != nil {
			return err
		}
	}
	return nil
}
