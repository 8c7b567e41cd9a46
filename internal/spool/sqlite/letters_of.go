package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	countReasons    = `SELECT reason, count(*) FROM dead_letters WHERE stage = 'delivery' AND lane = ? GROUP BY reason`
	lettersOfSource = letterColumns + `WHERE stage = 'intake' AND lane = 0 AND reason = 'undecodable' ORDER BY id DESC LIMIT ?`
)

// sourceLetters bounds the callbacks among which those of a source are looked for.
const sourceLetters = 1000

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
// understood, of the latest thousand of all sources.
func (s *Store) LettersOfSource(ctx context.Context, source string, limit int) (out []spool.DeadLetter, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		err := dbfile.Query(c, lettersOfSource, func(r *sqlite.Stmt) error {
			if l := s.scanLetter(r); l.Source == source {
				out = append(out, l)
			}
			if len(out) == limit {
				return errEnough
			}
			return nil
		}, sourceLetters)
		if errors.Is(err, errEnough) {
			return nil
		}
		return err
	})
	return out, err
}
