package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	countReasons    = `SELECT reason, count(*) FROM dead_letters WHERE stage = 'delivery' AND lane = ? GROUP BY reason`
	lettersOfSource = `SELECT id FROM dead_letters WHERE source = ? AND body_hash IS NOT NULL ORDER BY id DESC LIMIT ?`
)

// LettersByReason counts the dead letters of a sink by their reason.
func (s *Store) LettersByReason(ctx context.Context, sink string) (map[spool.Reason]int64, error) {
	out := map[spool.Reason]int64{}
	l := s.lane(sink)
	if l == nil {
		return out, nil
	}
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return dbfile.Query(c, countReasons, func(r *sqlite.Stmt) error {
			out[spool.Reason(r.ColumnText(0))] = r.ColumnInt64(1)
			return nil
		}, l.id)
	})
	return out, err
}

// LettersOfSource returns the newest callbacks of a source that could not be
// understood.
func (s *Store) LettersOfSource(ctx context.Context, source string, limit int) (out []spool.DeadLetter, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		var ids []string
		err := dbfile.Query(c, lettersOfSource, func(r *sqlite.Stmt) error {
			ids = append(ids, r.ColumnText(0))
			return nil
		}, source, limit)
		if err == nil {
			out, err = s.lettersByID(c, ids)
		}
		return err
	})
	return out, err
}
