package sqlite

import (
	"errors"
	"os"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// reserve is a file beside the spool that keeps room on the disk. To erase history,
// SQLite writes its pages to the WAL first, and to empty the WAL the file may have
// to grow: a disk without any room left could never get some again. The file is
// removed when the disk refuses a write, and made again when there is room for more
// than it takes; callbacks never get that room.
type reserve struct {
	path string
	size int64
	// none says that the file system cannot allocate; the room is kept in the
	// reckoning only.
	none bool
}

// newReserve is large enough for a WAL that is moved into the file, and a step of
// erasing.
func newReserve(cfg spool.Config) reserve {
	return reserve{path: cfg.Path + ".reserve", size: dbfile.WalPages(cfg)*dbfile.PageSize + probeBytes}
}

func (r *reserve) held() bool { return sizeOf(r.path) >= r.size }

// hold makes the file. The disk must have room for it.
func (r *reserve) hold() (err error) {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, dbfile.RemoveIfThere(r.path))
		}
	}()
	return dbfile.Allocate(f, r.size)
}

// isFull reports whether an error says that the disk has no room.
func isFull(err error) bool { return sqlite.ErrCode(err).ToPrimary() == sqlite.ResultFull }

// releaseReserve returns its room to the erasing of history.
func (s *Store) releaseReserve() {
	if !s.reserve.held() {
		return
	}
	if err := dbfile.RemoveIfThere(s.reserve.path); err != nil {
		s.log.Error("the reserve on the disk could not be released", "file", s.reserve.path, "error", err)
		return
	}
	s.log.Warn("the disk is full: its reserve is used to erase delivered history", "bytes", s.reserve.size)
}

// holdReserve makes it where there is room for twice as much.
func (s *Store) holdReserve() {
	free, err := s.free()
	if err != nil || s.inPlace() != nil || s.reserve.none || free < 2*s.reserve.size || s.reserve.held() {
		return
	}
	switch err := s.reserve.hold(); {
	case errors.Is(err, errors.ErrUnsupported):
		s.reserve.none = true
	case err != nil:
		s.log.Debug("the reserve on the disk could not be made", "error", err)
	}
}
