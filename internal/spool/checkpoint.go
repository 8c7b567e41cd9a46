package spool

import (
	"context"

	"zombiezen.com/go/sqlite"
)

// checkpointEvery is after how many changes the WAL is moved into the file by
// itself. SQLite would do it within the commit that finds the WAL too long
// (boundWAL), and everybody who waits for that commit would wait for it too; so
// that this finds little left to do, most of it is done beside the commits.
const checkpointEvery = 1000

// moveWAL copies the WAL into the file whenever enough was written, on a
// connection of its own: a passive checkpoint stops neither the writer nor a
// reader. It ends with ctx.
func (s *Spool) moveWAL(ctx context.Context) {
	for {
		select {
		case <-s.writer.long:
		case <-ctx.Done():
			return
		}
		err := s.houseRd.do(ctx, func(c *sqlite.Conn) error { return execute(c, `PRAGMA wal_checkpoint(PASSIVE)`) })
		if err != nil && ctx.Err() == nil {
			s.log.Debug("the WAL could not be moved", "error", err)
		}
	}
}

// grew counts changes that were committed, and calls moveWAL.
func (w *writer) grew(changes int) {
	if w.written += changes; w.written < checkpointEvery {
		return
	}
	w.written = 0
	select {
	case w.long <- struct{}{}:
	default:
	}
}

// emptyWAL moves the WAL into the file and truncates it, unless a reader is in
// the way: the writer must not wait for one.
func (s *Spool) emptyWAL() {
	err := s.writer.between(func(c *sqlite.Conn) error {
		c.SetBusyTimeout(0)
		defer c.SetBusyTimeout(busyTimeout)
		return execute(c, `PRAGMA wal_checkpoint(TRUNCATE)`)
	})
	if err != nil {
		s.log.Debug("the WAL could not be emptied", "error", err)
	}
}
