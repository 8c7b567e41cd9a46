package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// SQLite goes on through its descriptors when the names of its files are taken
// away, and what it commits then ends with the process. So device and inode behind
// each name are compared with those that were opened: after each commit, before
// anybody is told of it, so that no call is acknowledged that a removal of before
// has lost; and watchEvery, so that a spool that rests notices too.

// watchEvery is how often the place and the disk are looked at.
const watchEvery = 500 * time.Millisecond

// site is where the open files have their names.
type site struct {
	path   string
	folder fs.FileInfo
	files  map[string]fs.FileInfo // by suffix
}

// standing is what became of a name.
type standing int

const (
	there    standing = iota // or nothing can be told
	gone                     // removed or moved
	replaced                 // it is the name of another file now
)

// findSite notes where the files are that SQLite has opened just now.
func findSite(path string) (*site, error) {
	p := &site{path: path, files: map[string]fs.FileInfo{}}
	var err error
	if p.folder, err = os.Stat(filepath.Dir(path)); err != nil {
		return nil, err
	}
	for _, suffix := range dbfile.Companions() {
		if p.files[suffix], err = os.Stat(path + suffix); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// of says what became of one name.
func (p *site) of(suffix string) standing {
	switch now, err := os.Stat(p.path + suffix); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return gone
	case err == nil && !os.SameFile(now, p.files[suffix]):
		return replaced
	default:
		return there
	}
}

// check returns an error where a file is not in its place any more.
func (p *site) check() error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		switch p.of(suffix) {
		case gone:
			return &displacedError{file: p.path + suffix, what: "was removed or moved while it was open"}
		case replaced:
			return &displacedError{file: p.path + suffix, what: "is another file now: the one that is open was replaced"}
		case there:
		}
	}
	return nil
}

// displacedError is why nothing is taken while a file is not in its place.
type displacedError struct{ file, what string }

func (e *displacedError) Error() string {
	return fmt.Sprintf("%s %s; what is open is saved, and calls are taken when it is in its place", e.file, e.what)
}

// onItsDevice returns an error where the folder of the spool would be made on
// another file system: its volume is not there.
func (p *site) onItsDevice() error {
	folder, err := dbfile.Existing(filepath.Dir(p.path))
	if err != nil {
		return err
	}
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	was, wasKnown := p.folder.Sys().(*syscall.Stat_t)
	now, nowKnown := info.Sys().(*syscall.Stat_t)
	if wasKnown && nowKnown && was.Dev != now.Dev {
		return fmt.Errorf("the volume of %s is not mounted: mount it again", filepath.Dir(p.path))
	}
	return nil
}

// inPlace returns an error where the open file is not in its place, which tend then
// puts right.
func (s *Store) inPlace() error {
	p := s.site.Load()
	if p == nil {
		return nil
	}
	err := p.check()
	if found := (*displacedError)(nil); errors.As(err, &found) {
		s.noticeDisplaced(found)
	}
	return err
}

// watch looks at the place of the file while nothing is committed, until ctx ends.
func (s *Store) watch(ctx context.Context) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.writer.watchDisk()
			_ = s.inPlace() // has told of it
		case <-ctx.Done():
			return
		}
	}
}

// noticeDisplaced lets the spool take no calls until its file is in its place.
func (s *Store) noticeDisplaced(found *displacedError) {
	if !s.displaced.CompareAndSwap(nil, found) {
		return
	}
	s.endCheck()
	s.metrics.failed("place")
	s.log.Error("a file of the spool is not in its place; callbacks are answered 503 until what is open is saved there", "file", found.file, "error", found.what,
		"remedy", "leave the files of a running server alone; if another file is there, move it away")
	nudge(s.lost)
}
