package sqlite

import (
	"context"
	"errors"
	"os"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// checkMost is the size up to which every start compares all indexes with their
	// tables, some seconds of one core beside the work. Damage of an index or of the
	// key of a row shows nowhere else: a call would be taken twice, or not be found.
	// A larger file is only read, and after an unclean stop only.
	checkMost = 1 << 30
	// checkEvery spaces out the checks that unreadable records ask for.
	checkEvery = 10 * time.Minute
)

// checkInBackground reads the whole file while the spool already works; not before
// SetLanes, which must not fail because the check is so quick. A check that a stop
// cuts short is made at the next start. unclean says that the process before did
// not end the orderly way, or owed a check.
func (s *Store) checkInBackground(ctx context.Context, unclean bool) {
	check := s.checkFor(unclean)
	if check == nil {
		return
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	s.stopCheck.Store(&end)
	if err := dbfile.CreatePrivate(dbfile.UncheckedMark(s.cfg.Path)); err != nil {
		s.log.Warn("the spool file could not be checked", "error", err)
		return
	}
	select {
	case <-s.lanesSet:
	case <-ctx.Done():
		return
	}
	conn, err := dbfile.OpenReader(s.cfg.Path)
	if err == nil {
		conn.SetInterrupt(ctx.Done())
		if err = check(conn); err == nil {
			err = s.recount(ctx, conn)
		}
		err = errors.Join(err, conn.Close())
	}
	switch {
	case ctx.Err() != nil: // closing, or damage was met otherwise
	case dbfile.IsDamage(err):
		s.noticeDamage(err)
		s.checked()
	case err != nil:
		s.log.Warn("the spool file could not be checked", "error", err)
	default:
		s.checked()
	}
}

// checkFor returns the check that the file is due, nil for none.
func (s *Store) checkFor(unclean bool) func(*sqlite.Conn) error {
	info, err := os.Stat(s.cfg.Path)
	switch {
	case err == nil && info.Size() <= checkMost:
		return dbfile.WholeCheck
	case unclean:
		return dbfile.QuickCheck
	default:
		return nil
	}
}

// endCheck ends the check that is being made: what it looks for was found.
func (s *Store) endCheck() {
	if end := s.stopCheck.Load(); end != nil {
		(*end)()
	}
}

// suspectFile has the file checked because one of its records cannot be read: what
// damaged that may have met the tables beside it.
func (s *Store) suspectFile() {
	select {
	case s.doubt <- struct{}{}:
	default:
	}
}

// checkAgain checks the file, unless that was just done.
func (s *Store) checkAgain(ctx context.Context) {
	if s.damaged.Load() || time.Since(s.lastCheck) < checkEvery {
		return
	}
	s.lastCheck = time.Now()
	s.checkInBackground(ctx, true)
}

// checked takes the mark away.
func (s *Store) checked() {
	if err := os.Remove(dbfile.UncheckedMark(s.cfg.Path)); err != nil {
		s.log.Warn("the spool file will be checked again at the next start", "error", err)
	}
}

// isUnchecked reports whether the process before did not end the orderly way, which
// alone takes the WAL away, or was stopped before its check was over.
func isUnchecked(path string) bool {
	_, wal := os.Stat(path + "-wal")
	_, owed := os.Stat(dbfile.UncheckedMark(path))
	return wal == nil || owed == nil
}
