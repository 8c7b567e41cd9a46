package spool

import (
	"context"

	"zombiezen.com/go/sqlite"
)

// Erased counts what Erase took out of the file, or would.
type Erased struct {
	// Calls counts each revision.
	Calls int `json:"calls"`
	// Deliveries are those of the calls; Waiting are the ones among them that
	// were still owed, and are owed no more.
	Deliveries int `json:"deliveries"`
	Waiting    int `json:"waiting"`
	// DeadLetters are those of both stages.
	DeadLetters int `json:"dead_letters"`
	// SetAside are rows of damaged records.
	SetAside int `json:"set_aside"`
	// Redacted are answers of sinks about other calls: the number was taken out
	// of their text.
	Redacted int `json:"redacted"`
	// InFlight are the ids of calls that stay because an attempt to deliver them
	// was on its way all the time; ask again.
	InFlight []string `json:"in_flight"`
	// Residue says that unused space of the file may still hold the number,
	// because it could not be overwritten; ask again.
	Residue bool `json:"residue"`
	// Files are those set aside beside the spool; they are not searched.
	Files []string `json:"files"`
}

// Erase takes every trace of a number out of the file: the calls that hold it
// anywhere, with all their revisions, deliveries and attempts, dead letters and
// records set aside. In what sinks answered about other calls the number is
// replaced. Calls that come in while it works are not looked at.
//
// A call with an attempt on its way is waited for, up to half a minute; one that
// waits for its next attempt goes at once, undelivered. Work is done in small
// steps between which callbacks and lanes go on. With dry nothing changes.
func (s *Spool) Erase(ctx context.Context, forms NumberForms, dry bool) (Erased, error) {
	e := &eraser{Spool: s, match: newMatcher(forms), dry: dry, out: Erased{InFlight: []string{}, Files: s.besides()}}
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
func (s *Spool) besides() []string {
	return beside(s.cfg.Path, ".damaged-*", ".salvaged*", ".saved-*")
}

// eraser is one Erase.
type eraser struct {
	*Spool
	match *matcher
	dry   bool
	from  int64    // the calls up to here were looked at
	busy  []string // ids of calls with an attempt on its way
	out   Erased
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
		if Stage(r.ColumnText(1)) == StageIntake {
			if e.match.text(columnBytes(r, 3), nil) || e.match.text(columnBytes(r, 4), nil) || e.match.text([]byte(r.ColumnText(2)), nil) {
				gone = append(gone, id)
			}
		} else if detail, hit := e.match.redact(r.ColumnText(2)); hit {
			details[id] = detail
		}
		return id
	}, func() error {
		defer func() { gone, details = nil, map[string]string{} }()
		return e.eraseLetterStep(gone, details)
	})
}

func (e *eraser) eraseLetterStep(gone []string, details map[string]string) error {
	if !e.dry && len(gone) > 0 {
		if _, err := e.Purge(gone); err != nil {
			return err
		}
	}
	if !e.dry && len(details) > 0 {
		err := e.writer.wait("erase", func(t *tx) error {
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
		defer func() { ids = nil }()
		e.out.SetAside += len(ids)
		if e.dry || len(ids) == 0 {
			return nil
		}
		return e.writer.wait("erase", func(t *tx) error {
			for _, id := range ids {
				if err := execute(t.conn, `DELETE FROM set_aside WHERE id = ?`, id); err != nil {
					return err
				}
			}
			t.then(func() { e.asides.Add(-int64(len(ids))) })
			return nil
		})
	})
}
