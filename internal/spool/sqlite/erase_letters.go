package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// letters erases what stage intake keeps, and takes the number out of the
// answers that stand with other dead letters.
func (e *eraser) letters(ctx context.Context) error {
	var gone []string
	details := map[string]string{}
	return e.walk(ctx, `SELECT id, stage, detail, body, request FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?`, "", func(r *sqlite.Stmt) any {
		id := r.ColumnText(0)
		if spool.Stage(r.ColumnText(1)) == spool.StageIntake {
			if e.match.text(dbfile.Bytes(r, 3), nil) || e.match.text(dbfile.Bytes(r, 4), nil) || e.match.text([]byte(r.ColumnText(2)), nil) {
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
	if err := e.rewrite(ctx, `UPDATE dead_letters SET detail = ? WHERE id = ?`, details); err != nil {
		return err
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
		if e.match.text(dbfile.Bytes(r, 1), nil) {
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
				if err := dbfile.Execute(t.conn, `DELETE FROM set_aside WHERE id = ?`, id); err != nil {
					return err
				}
			}
			t.then(func() { e.asides.Add(-int64(len(gone))) })
			return nil
		})
	})
}
