package sqlite

import (
	"context"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// checkpointEvery is after how many changes the WAL is moved into the file by
// itself. SQLite would do it within the commit that finds the WAL too long
// (boundWAL), and everybody who waits for that commit would wait for it too; so
// that this finds little left to do, most of it is done beside the commits.
const checkpointEvery = 1000

// stuckEvery is how often a WAL that could not be moved is tried again.
const stuckEvery = time.Second

// stuckMost is how many times its usual length the WAL may have while it cannot be
// moved; then callbacks are refused.
const stuckMost = 4

// stuckLooks is how many times its usual length the WAL has when it is looked at
// whether it can be moved at all.
const stuckLooks = 2

// moveWAL copies the WAL into the file whenever enough was written, on a
// connection of its own: a passive checkpoint stops neither the writer nor a
// reader. It ends with ctx.
func (s *Store) moveWAL(ctx context.Context) {
	again := time.NewTicker(stuckEvery)
	defer again.Stop()
	for {
		select {
		case <-s.writer.long:
		case <-again.C:
			if !s.stuck.Load() {
				continue
			}
		case <-ctx.Done():
			return
		}
		err := s.houseRd.do(ctx, func(c *sqlite.Conn) error { return checkpoint(c, "PASSIVE") })
		if ctx.Err() == nil {
			s.noteMove(err)
		}
	}
}

// errBeingRead says that a reader or another checkpoint kept a part of the WAL where it
// is. Whether the file can be written is not known then.
var errBeingRead = errors.New("the WAL was not moved as a whole: it is being read")

// checkpoint moves the WAL into the file.
func checkpoint(c *sqlite.Conn, mode string) error {
	whole := false
	err := dbfile.Query(c, `PRAGMA wal_checkpoint(`+mode+`)`, func(r *sqlite.Stmt) error {
		whole = r.ColumnInt(0) == 0 && r.ColumnInt(1) == r.ColumnInt(2)
		return nil
	})
	if err == nil && !whole {
		return errBeingRead
	}
	return err
}

// noteMove notes whether the WAL could be moved. A reader in the way is no failure.
func (s *Store) noteMove(err error) {
	switch code := sqlite.ErrCode(err).ToPrimary(); {
	case err == nil:
		if s.stuck.Swap(false) {
			s.log.Info("the WAL is moved into the file again")
		}
	case errors.Is(err, errBeingRead), errors.Is(err, spool.ErrUnavailable), code == sqlite.ResultBusy, code == sqlite.ResultLocked: // no connection, or a reader
	default:
		s.metrics.failed("checkpoint")
		if !s.stuck.Swap(true) {
			s.log.Error("the WAL cannot be moved into the file and grows; callbacks are answered 503 when it is too long", "file", s.cfg.Path, "error", err)
		}
	}
}

// boundStuckWAL refuses callbacks while a WAL that cannot be moved is too long: it
// would fill the disk, and take ever longer to read at the next start.
func (s *Store) boundStuckWAL(d disk) {
	usual, stuck := s.usualWAL(d), s.stuck.Load()
	if !stuck && d.wal > stuckLooks*usual {
		s.writer.lengthened() // SQLite tells nobody that its own checkpoints fail
	}
	s.clogged.Store(stuck && d.wal > stuckMost*usual)
}

// grew counts changes that were committed, and calls moveWAL. What the disk has room
// for is looked at after every commit.
func (w *writer) grew(changes int) {
	w.most = w.keepRoom(w.conn)
	if w.written += changes; w.written < checkpointEvery {
		return
	}
	w.written = 0
	w.lengthened()
}

// lengthened calls moveWAL.
func (w *writer) lengthened() { nudge(w.long) }

// emptyWAL moves the WAL into the file and truncates it, unless a reader is in
// the way: the writer must not wait for one.
func (s *Store) emptyWAL(ctx context.Context) {
	if err := s.writer.between(ctx, s.truncateWAL); ctx.Err() == nil {
		s.noteMove(err)
	}
}

// truncateWAL uses the room of the reserve where the file needs it.
func (s *Store) truncateWAL(c *sqlite.Conn) error {
	c.SetBusyTimeout(0)
	defer c.SetBusyTimeout(dbfile.BusyTimeout)
	err := checkpoint(c, "TRUNCATE")
	if isFull(err) {
		s.releaseReserve()
		err = checkpoint(c, "TRUNCATE")
	}
	return err
}
