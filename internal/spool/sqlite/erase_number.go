package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Erase takes every trace of a number out of the file: the calls that hold it
// anywhere, with all their revisions, deliveries and attempts, dead letters and
// records set aside. In what sinks answered about other calls the number is
// replaced. Calls that come in while it works are not looked at.
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
	for _, step := range []func(context.Context) error{e.calls, e.waitForBusy, e.letters, e.calls, e.waitForBusy, e.setAsides} {
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
	return beside(s.cfg.Path, ".damaged-*", ".salvaged*", ".saved-*")
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
			return query(c, sql, func(r *sqlite.Stmt) error {
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

// letters erases what stage intake keeps, and takes the number out of the
// answers that stand with other dead letters.
func (e *eraser) letters(ctx context.Context) error {
	var gone []string
	details := map[string]string{}
	return e.walk(ctx, `SELECT id, stage, detail, body, request FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?`, "", func(r *sqlite.Stmt) any {
		id := r.ColumnText(0)
		if spool.Stage(r.ColumnText(1)) == spool.StageIntake {
			if e.match.text(columnBytes(r, 3), nil) || e.match.text(columnBytes(r, 4), nil) || e.match.text([]byte(r.ColumnText(2)), nil) {
				gone = append(gone, id)
			}
		} else if detail, hit := e.match.redact(r.ColumnText(2)); hit {
			details[id] = detail
		}
		return id
	}, func() error {
		defer func() { gone, details = nil, map[string]string{} }()
		return e.eraseLetterStep(ctx, gone, details)
	})
}

func (e *eraser) eraseLetterStep(ctx context.Context, gone []string, details map[string]string) error {
	if !e.dry && len(gone) > 0 {
		if _, err := e.Purge(ctx, gone); err != nil {
			return err
		}
	}
	if !e.dry && len(details) > 0 {
		err := e.writer.wait(ctx, "erase", func(t *tx) error {
			for id, detail := range details {
				if err := execute(t.conn, `UPDATE dead_letters SET detail = ? WHERE id = ?`, detail, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	e.out.DeadLetters += len(gone)
	e.out.Redacted += len(details)
	return nil
}

// setAsides erases records that could not be read.
func (e *eraser) setAsides(ctx context.Context) error {
	var ids []int64
	return e.walk(ctx, `SELECT id, bytes FROM set_aside WHERE id > ? ORDER BY id LIMIT ?`, 0, func(r *sqlite.Stmt) any {
		id := r.ColumnInt64(0)
		if e.match.text(columnBytes(r, 1), nil) {
			ids = append(ids, id)
		}
		return id
	}, func() error {
		gone := ids
		ids = nil
		e.out.SetAside += len(gone)
		if e.dry || len(gone) == 0 {
			return nil
		}
		return e.writer.wait(ctx, "erase", func(t *tx) error {
			for _, id := range gone {
				if err := execute(t.conn, `DELETE FROM set_aside WHERE id = ?`, id); err != nil {
					return err
				}
			}
			t.then(func() { e.asides.Add(-int64(len(gone))) })
			return nil
		})
	})
}
