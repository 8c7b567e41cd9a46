package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
)

// setAside moves a leased delivery whose record cannot be read out of its lane,
// keeps the bytes, and says so.
func (s *Spool) setAside(d *Delivery, reason string) {
	s.report(d, "set_aside", func(t *tx) error {
		if err := keepBytes(t.conn, t.now, d.Seq, d.lane.id, reason, d.encoded); err != nil {
			return err
		}
		t.then(func() {
			s.asides.Add(1)
			s.log.Error("a record cannot be read and was set aside; its bytes are in the table set_aside", "sink", d.Sink, "seq", d.Seq, "reason", reason)
		})
		return s.end(t, d, aside, d.Tries, d.attempts)
	})
}

func keepBytes(c *sqlite.Conn, at time.Time, seq, lane int64, reason string, b []byte) error {
	return execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason, bytes) VALUES (?, ?, ?, ?, ?)`, millis(at), seq, lane, reason, b)
}

// noticeDamage marks the spool as damaged: it is no longer ready, and the next
// start checks the whole file, sets it aside and saves what can be read.
func (s *Spool) noticeDamage(err error) {
	if s.damaged.Swap(true) {
		return
	}
	s.asides.Add(1)
	s.log.Error("the spool file is damaged; restart to set it aside and save what can be read", "file", s.cfg.Path, "error", err)
	if err := createPrivate(suspectMark(s.cfg.Path)); err != nil {
		s.log.Error("the next start will not know of the damage", "error", err)
	}
}

// suspectMark is a file that asks the next start for a whole check.
func suspectMark(path string) string { return path + ".suspect" }

// checkInBackground reads the whole file after an unclean stop, while the spool
// already works.
func (s *Spool) checkInBackground(ctx context.Context) {
	conn, err := openReader(s.cfg.Path)
	if err == nil {
		conn.SetInterrupt(ctx.Done())
		err = errors.Join(quickCheck(conn), conn.Close())
	}
	switch {
	case ctx.Err() != nil: // closing
	case isDamage(err):
		s.noticeDamage(err)
	case err != nil:
		s.log.Warn("the spool file could not be checked", "error", err)
	}
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

// openOrSetAside opens the file for writing and loads the counters, which reads
// the indexes that delivery needs and so finds damage there. A damaged file is
// set aside, and what can be read of it is copied into a new one.
func (s *Spool) openOrSetAside() (*sqlite.Conn, error) {
	path := s.cfg.Path
	if err := finishSalvage(path, damagedName(path)); err != nil {
		return nil, err
	}
	_, unsuspected := os.Stat(suspectMark(path))
	conn, err := s.openAndLoad(unsuspected == nil)
	if isDamage(err) {
		if err := s.replaceDamaged(err); err != nil {
			return nil, fmt.Errorf("the file is damaged, and what can be read of it could not be saved: %w", err)
		}
		conn, err = s.openAndLoad(false)
	}
	if err != nil {
		return nil, err
	}
	if err := removeIfThere(suspectMark(path)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (s *Spool) openAndLoad(suspected bool) (*sqlite.Conn, error) {
	conn, err := openWriter(s.cfg)
	if err != nil {
		return nil, err
	}
	err = s.load(conn)
	if err == nil && suspected {
		err = quickCheck(conn)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
