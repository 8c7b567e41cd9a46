package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// groupBytes bounds what the ops of one transaction bring, beyond the first one.
	groupBytes = 4 << 20
	// groupBytesTight bounds it where the disk is nearly full. The reserve has room
	// for two such groups of the largest callbacks: one in the WAL, and its pages in
	// the file.
	groupBytesTight = 512 << 10
)

// keepRoom runs after every commit, on the connection of the writer, and returns how
// many bytes the next group may bring. It keeps this true: by how much the file will
// grow when the WAL is moved into it is free beside the reserve. A sender that fills
// the disk faster than watchSpace looks would otherwise leave a WAL that has no room
// in the file, and nothing can be erased without moving the WAL.
func (s *Store) keepRoom(c *sqlite.Conn) (most int) {
	d := s.lookAtDisk()
	s.boundStuckWAL(d)
	if d.total == 0 || d.free >= d.wal+2*groupBytes {
		return groupBytes // the file grows by no more than the WAL holds
	}
	pages, empty, err := countPages(c)
	if err != nil {
		return groupBytesTight
	}
	if growth := pages*dbfile.PageSize - d.file; growth > 0 && growth >= d.free {
		s.noteMove(s.truncateWAL(c))
		d = s.lookAtDisk()
	}
	if d.used(pages, empty) >= d.limit {
		s.setFull(true) // watchSpace erases history and takes it back
	}
	return groupBytesTight
}
