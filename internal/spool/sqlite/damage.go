package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// setAside moves a leased delivery whose record cannot be read out of its lane,
// keeps the bytes, and says so.
func (s *Store) setAside(d *delivery, reason string) {
	_ = s.report(&d.Delivery, nil, "set_aside", func(t *tx, d *delivery) error {
		if err := keepBytes(t.conn, t.now, d.Seq, d.lane.id, reason, d.encoded); err != nil {
			return err
		}
		t.then(func() {
			s.asides.Add(1)
			s.log.Error("a record cannot be read and was set aside; its bytes are in the table set_aside", "sink", d.Sink, "seq", d.Seq, "reason", reason)
			s.suspectFile()
		})
		return s.end(t, d, aside)
	})
}

func keepBytes(c *sqlite.Conn, at time.Time, seq, lane int64, reason string, b []byte) error {
	return execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason, bytes) VALUES (?, ?, ?, ?, ?)`, millis(at), seq, lane, reason, b)
}

// suspectMark is a file that tells the next start to look closer.
func suspectMark(path string) string { return path + ".suspect" }

// What the mark asks for.
const (
	markCheck   = "check\n"   // read the whole file
	markSalvage = "salvage\n" // finish what was begun; the name to keep the file by follows
)

// writeMark is whole or does not happen: a mark that a power cut emptied would
// ask for less.
func writeMark(path, text string) error {
	part := suspectMark(path) + ".new"
	if err := os.WriteFile(part, []byte(text), 0o600); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, suspectMark(path)); err != nil {
		return err
	}
	return syncFolder(path)
}

// damagedError is what a whole check found.
type damagedError struct{ found string }

func (e *damagedError) Error() string { return e.found }

// quickCheck reads the whole file.
func quickCheck(c *sqlite.Conn) error {
	return query(c, `PRAGMA quick_check(1)`, func(r *sqlite.Stmt) error {
		if found := r.ColumnText(0); found != "ok" {
			return &damagedError{found: found}
		}
		return nil
	})
}

// wholeCheck reads the whole file and compares each table with its indexes.
func wholeCheck(c *sqlite.Conn) error {
	return query(c, `PRAGMA integrity_check(1)`, func(r *sqlite.Stmt) error {
		if found := r.ColumnText(0); found != "ok" {
			return &damagedError{found: found}
		}
		return nil
	})
}

// openOrSetAside opens the file for writing and loads the counters, which reads
// the indexes that delivery needs and so finds damage there. A damaged file is
// set aside, and what can be read of it is copied into a new one.
func (s *Store) openOrSetAside(ctx context.Context, m memory) (*sqlite.Conn, error) {
	path := s.cfg.Path
	if err := finishSalvage(path, damagedName(path)); err != nil {
		return nil, err
	}
	mark, merr := os.ReadFile(suspectMark(path))
	var conn *sqlite.Conn
	err := s.lookBefore(ctx, string(mark), m)
	if err == nil {
		conn, err = s.openAndLoad(ctx, m, merr == nil)
	}
	if isDamage(err) {
		if err := s.replaceDamaged(ctx, m, err); err != nil {
			return nil, fmt.Errorf("the file is damaged, and what can be read of it could not be saved: %w", err)
		}
		conn, err = s.openAndLoad(ctx, m, false)
	}
	if err != nil {
		return nil, err
	}
	if merr != nil {
		_, merr = os.Stat(suspectMark(path)) // of a salvage just now
	}
	if merr == nil {
		if err := errors.Join(removeIfThere(suspectMark(path)), syncFolder(path)); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// lookBefore finds what SQLite would not tell: a file that is gone or empty,
// beside which it throws the WAL away, and a WAL that ends too early. A spool
// that is not there yet is made under another name, so that an empty one is
// damaged for certain.
func (s *Store) lookBefore(ctx context.Context, mark string, m memory) error {
	path := s.cfg.Path
	w, err := readWAL(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case strings.HasPrefix(mark, markSalvage):
		return &damagedError{found: "an earlier salvage was cut short"}
	case errors.Is(err, os.ErrNotExist) && m.running():
		return &damagedError{found: "the file is gone"}
	case errors.Is(err, os.ErrNotExist) && w == nil:
		s.sayNew()
		return createFile(ctx, s.cfg)
	case errors.Is(err, os.ErrNotExist):
		return &damagedError{found: "the file is gone, and its WAL is there"}
	case err != nil:
		return err
	case info.Size() == 0:
		return &damagedError{found: "the file is empty"}
	default:
		return w.damage()
	}
}

// sayNew tells of a spool that is made, and loudly of one that was there before.
func (s *Store) sayNew() {
	if len(s.left) == 0 {
		s.log.Info("there was no spool; a new one is made", "file", s.cfg.Path)
		return
	}
	s.log.Warn("the spool is missing: a spool was here before and its file is gone; a new one is made, and calls that waited in the old one are not delivered",
		"file", s.cfg.Path, "left", s.left, "remedy", "if its volume is not mounted or the file was moved: stop the server, put it back, start again")
}

// createFile makes a new spool and gives it its name when it is on the disk.
func createFile(ctx context.Context, cfg spool.Config) error {
	path := cfg.Path
	cfg.Path += ".new"
	if err := removeCompanions(cfg.Path); err != nil { // of a start that was cut short
		return err
	}
	conn, err := openWriter(ctx, cfg)
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	if err := os.Rename(cfg.Path, path); err != nil {
		return err
	}
	return syncFolder(path)
}

func (s *Store) openAndLoad(ctx context.Context, m memory, suspected bool) (*sqlite.Conn, error) {
	if err := s.lock.guard(s.cfg.Path); err != nil {
		return nil, err
	}
	conn, err := openWriter(ctx, s.present())
	if err != nil {
		return nil, err
	}
	conn.SetInterrupt(ctx.Done())
	err = s.load(conn, m)
	if err == nil && suspected {
		s.opening("the whole file is being checked, because of damage that was met in it")
		err = wholeCheck(conn)
	}
	conn.SetInterrupt(nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
