package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/wait"
)

// A file that was taken away while the spool works is still open, with all that
// was acknowledged. It is copied to its path, and the spool goes on with the copy.
// A file that somebody put there is left alone: the copy is made beside it, and the
// spool goes on when that file is moved away.

const (
	// restoreFirst is the wait before the first try: a folder is removed file by
	// file, and what is made meanwhile would be removed too.
	restoreFirst = 500 * time.Millisecond
	// restoreEvery is the wait before the next ones.
	restoreEvery = 2 * time.Second
)

// putBack restores the file, again and again until that succeeds or ctx ends.
func (s *Store) putBack(ctx context.Context) {
	for said, pause := "", restoreFirst; ; pause = restoreEvery {
		if wait.For(ctx, pause) != nil {
			return
		}
		err := s.restore(ctx)
		if err == nil {
			return
		}
		if text := err.Error(); text != said && ctx.Err() == nil {
			said = text
			s.metrics.failed("place")
			s.log.Error("the spool could not be put in its place; it is tried again", "file", s.cfg.Path, "error", err)
		}
	}
}

// restore lets the writer change to the restored file, and wakes all lanes.
func (s *Store) restore(ctx context.Context) error {
	if p := s.site.Load(); s.beside != "" && p.of("") == replaced {
		return s.errInTheWay()
	}
	err := s.writer.replace(s.displaced.Load(), func(open *sqlite.Conn) (*sqlite.Conn, error) {
		return s.restoreFrom(ctx, open)
	})
	if err != nil {
		return err
	}
	s.displaced.Store(nil)
	for _, l := range s.allLanes() {
		l.signal()
	}
	s.log.Warn("the spool is in its place again; callbacks are taken", "file", s.cfg.Path)
	return nil
}

// restoreFrom returns a connection to the file in its place; with an error, the one
// that still has the data, for the next try.
func (s *Store) restoreFrom(ctx context.Context, open *sqlite.Conn) (*sqlite.Conn, error) {
	p := s.site.Load()
	switch {
	case open == nil: // a try of before has closed it
		return s.openAnew(ctx)
	case p.check() == nil: // it was moved back
		return open, s.reopenReaders()
	case p.of("") == there:
		if err := s.emptyLostWAL(open, p); err != nil {
			return open, err
		}
		if err := errors.Join(s.closeReaders(s.displaced.Load()), open.Close()); err != nil {
			return nil, err
		}
		return s.openAnew(ctx)
	}
	if err := s.save(ctx, open, p); err != nil {
		return open, err
	}
	// The new file is open before the old one, which has all the data, is closed.
	conn, err := s.openOrSetAside(ctx, s.remember())
	if err != nil {
		return open, err
	}
	next, err := findSite(s.cfg.Path)
	if err != nil {
		return open, errors.Join(err, conn.Close())
	}
	if err := errors.Join(s.closeReaders(s.displaced.Load()), open.Close()); err != nil {
		s.log.Error("the file that was taken away could not be closed", "error", err)
	}
	s.site.Store(next)
	return conn, s.adopt(conn)
}

// reopenReaders opens those that a try of before has closed.
func (s *Store) reopenReaders() error {
	for _, r := range s.pools() {
		if err := r.reopen(); err != nil {
			return err
		}
	}
	return nil
}

// save copies the open file to its path; the next opening gives it its name, as
// after a salvage. Where another file has the name, the copy is made beside it.
func (s *Store) save(ctx context.Context, open *sqlite.Conn, p *site) error {
	inTheWay := p.of("") == replaced
	if err := p.onItsDevice(); err != nil {
		return err
	}
	if err := dbfile.MakeFolder(filepath.Dir(p.path)); err != nil {
		return fmt.Errorf("spool folder: %w", err)
	}
	to := dbfile.Salvaged(p.path)
	if inTheWay {
		to = p.path + ".saved-" + time.Now().UTC().Format("20060102T150405.000")
	} else if err := s.lock.Renew(p.path); err != nil {
		return err
	}
	fresh := p.path + ".new"
	if err := dbfile.RemoveCompanions(fresh); err != nil {
		return err
	}
	if err := dbfile.CopyInto(ctx, p.path, open, fresh); err != nil {
		return fmt.Errorf("what is open could not be saved: %w", err)
	}
	if err := errors.Join(os.Rename(fresh, to), dbfile.SyncFolder(to)); err != nil {
		return err
	}
	// All of our WAL is in the copy, and it belongs to no other file.
	for _, suffix := range []string{"-wal", "-shm"} {
		if p.of(suffix) == there {
			if err := dbfile.RemoveIfThere(p.path + suffix); err != nil {
				return err
			}
		}
	}
	if inTheWay {
		s.beside = to
		return s.errInTheWay()
	}
	return nil
}

func (s *Store) errInTheWay() error {
	return fmt.Errorf("another file is at %s and is left alone; what was accepted is saved as %s: move the other file away, and the server goes on by itself; or stop it, and put the saved file there", s.cfg.Path, s.beside)
}

// emptyLostWAL moves all of a WAL whose name was taken away into the file, before
// its descriptor is closed. What has its name now is kept under another one: SQLite
// removes the WAL by name.
func (s *Store) emptyLostWAL(open *sqlite.Conn, p *site) error {
	if err := checkpoint(open, "FULL"); err != nil {
		return fmt.Errorf("the WAL could not be moved into the file: %w", err)
	}
	kept := dbfile.DamagedName(p.path)
	for _, suffix := range []string{"-wal", "-shm"} {
		if p.of(suffix) == replaced {
			if err := dbfile.RenameIfThere(p.path+suffix, kept+suffix); err != nil {
				return err
			}
			s.asides.Add(1)
			s.log.Error("a file that had taken the name of a file of the spool was set aside", "file", p.path+suffix, "kept_as", kept+suffix)
		}
	}
	return nil
}

// saveAtEnd keeps what is open at the end of the process.
func (s *Store) saveAtEnd(ctx context.Context, open *sqlite.Conn) error {
	p := s.site.Load()
	if p == nil || p.check() == nil || s.beside != "" && p.of("") == replaced {
		return nil
	}
	if p.of("") == there {
		return s.emptyLostWAL(open, p)
	}
	if err := s.save(ctx, open, p); err != nil {
		return err
	}
	return s.deps.Repair.Finish(p.path)
}
