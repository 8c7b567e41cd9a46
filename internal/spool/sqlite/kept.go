package sqlite

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// The table kept holds small values that a sink must find again after a reload or
// a restart, such as a refresh token that was handed out; what they mean, and
// whether they are encrypted, is the sink's business. They are erased when their
// sink has not been configured for its last give_up_after: by then nothing is owed
// to it any more.

const (
	eraseKept = `DELETE FROM kept WHERE gone > 0
		AND gone + ifnull(nullif((SELECT give_up FROM lanes WHERE id = lane), 0), ?) <= ?`
)

// Keep keeps a value of a sink under a name, in the place of the one before; nil
// removes it. It returns when that is on the disk. Where ctx ends before, the error
// says so, and the value is written as soon as the disk takes it.
func (s *Store) Keep(ctx context.Context, sink, name string, value []byte) error {
	l := s.lane(sink)
	if l == nil {
		return fmt.Errorf("%w: no sink %q", spool.ErrNotFound, sink)
	}
	written := make(chan error, 1)
	err := s.writer.submit(&op{name: "keep", lazy: true, done: func(err error) { written <- err }, do: func(t *tx) error {
		if value == nil {
			return dbfile.Execute(t.conn, dbfile.ForgetNamed, l.id, name)
		}
		return dbfile.Execute(t.conn, dbfile.KeepNamed, l.id, name, value)
	}})
	if err != nil {
		return err
	}
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Kept returns the value of a sink that is kept under a name; nil where there is
// none.
func (s *Store) Kept(ctx context.Context, sink, name string) (value []byte, err error) {
	l := s.lane(sink)
	if l == nil {
		return nil, nil
	}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return dbfile.Query(c, dbfile.ReadNamed, func(r *sqlite.Stmt) error {
			value = dbfile.Bytes(r, 0)
			return nil
		}, l.id, name)
	})
	return value, err
}

// markGone notes since when the values of sinks that are not configured are
// nobody's.
func markGone(t *tx, configured []int64) error {
	ids, err := plainjson.Marshal(configured)
	if err != nil {
		return err
	}
	if err := dbfile.Execute(t.conn, `UPDATE kept SET gone = 0 WHERE gone > 0 AND lane IN (SELECT value FROM json_each(?))`, string(ids)); err != nil {
		return err
	}
	return dbfile.Execute(t.conn, `UPDATE kept SET gone = ? WHERE gone = 0 AND lane NOT IN (SELECT value FROM json_each(?))`, dbfile.Millis(t.now), string(ids))
}

// eraseGone erases what is kept for sinks that are gone for good.
func (s *Store) eraseGone(ctx context.Context) {
	err := s.writer.wait(ctx, "keep", func(t *tx) error {
		return dbfile.Execute(t.conn, eraseKept, defaultGiveUp.Milliseconds(), dbfile.Millis(t.now))
	})
	if err != nil {
		s.log.Debug("what is kept for sinks that are gone could not be erased", "error", err)
	}
}
