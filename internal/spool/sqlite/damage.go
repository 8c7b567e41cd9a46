package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// setAside moves a leased delivery whose record cannot be read out of its lane,
// keeps the bytes, and says so.
func (s *Store) setAside(d *delivery, reason string) {
	_ = s.report(&d.Delivery, nil, "set_aside", func(t *tx, d *delivery) error {
		if err := dbfile.KeepBytes(t.conn, t.now, d.Seq, d.lane.id, reason, d.encoded); err != nil {
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

// openOrSetAside opens the file for writing and loads the counters, which reads
// the indexes that delivery needs and so finds damage there. A damaged file is
// set aside, and what can be read of it is copied into a new one.
func (s *Store) openOrSetAside(ctx context.Context, m memory) (*sqlite.Conn, error) {
	path := s.cfg.Path
	if err := s.deps.Repair.Finish(path); err != nil {
		return nil, err
	}
	mark, merr := os.ReadFile(dbfile.SuspectMark(path))
	var conn *sqlite.Conn
	err := s.lookBefore(ctx, string(mark), m)
	if err == nil {
		conn, err = s.openAndLoad(ctx, m, merr == nil)
	}
	if dbfile.IsDamage(err) {
		if err := s.replaceDamaged(ctx, m, err); err != nil {
			return nil, fmt.Errorf("the file is damaged, and what can be read of it could not be saved: %w", err)
		}
		conn, err = s.openAndLoad(ctx, m, false)
	}
	if err != nil {
		return nil, err
	}
	if merr != nil {
		_, merr = os.Stat(dbfile.SuspectMark(path)) // of a salvage just now
	}
	if merr == nil {
		if err := errors.Join(dbfile.RemoveIfThere(dbfile.SuspectMark(path)), dbfile.SyncFolder(path)); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

// replaceDamaged has the damaged file set aside, and one with what can be read of it
// put in its place.
func (s *Store) replaceDamaged(ctx context.Context, m memory, damage error) error {
	if err := s.deps.Repair.SetAside(ctx, dbfile.Damaged{Config: s.present(), Damage: damage, Known: m, Log: s.log, Tell: s.opening}); err != nil {
		return err
	}
	s.asides.Add(1)
	return nil
}

// opening tells what an Open is at that takes its time.
func (s *Store) opening(what string) {
	if s.deps.OnOpening != nil {
		s.deps.OnOpening(what)
	}
}

// lookBefore finds what SQLite would not tell: a file that is gone or empty,
// beside which it throws the WAL away, and a WAL that ends too early. A spool
// that is not there yet is made under another name, so that an empty one is
// damaged for certain.
func (s *Store) lookBefore(ctx context.Context, mark string, m memory) error {
	path := s.cfg.Path
	wal, damage := s.deps.Repair.ReadWAL(path)
	if damage != nil && !dbfile.IsDamage(damage) {
		return damage
	}
	info, err := os.Stat(path)
	switch {
	case strings.HasPrefix(mark, dbfile.MarkSalvage):
		return &dbfile.DamagedError{Found: "an earlier salvage was cut short"}
	case errors.Is(err, os.ErrNotExist) && m.running():
		return &dbfile.DamagedError{Found: "the file is gone"}
	case errors.Is(err, os.ErrNotExist) && !wal:
		s.sayNew()
		return createFile(ctx, s.cfg)
	case errors.Is(err, os.ErrNotExist):
		return &dbfile.DamagedError{Found: "the file is gone, and its WAL is there"}
	case err != nil:
		return err
	case info.Size() == 0:
		return &dbfile.DamagedError{Found: "the file is empty"}
	default:
		return damage
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

// createFile makes a new spool, and names it when it is on the disk.
func createFile(ctx context.Context, cfg spool.Config) error {
	path := cfg.Path
	cfg.Path += ".new"
	if err := dbfile.RemoveCompanions(cfg.Path); err != nil { // of a start that was cut short
		return err
	}
	conn, err := dbfile.OpenWriter(ctx, cfg)
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	if err := os.Rename(cfg.Path, path); err != nil {
		return err
	}
	return dbfile.SyncFolder(path)
}

func (s *Store) openAndLoad(ctx context.Context, m memory, suspected bool) (*sqlite.Conn, error) {
	if err := s.lock.Guard(s.cfg.Path); err != nil {
		return nil, err
	}
	conn, err := dbfile.OpenWriter(ctx, s.present())
	if err != nil {
		return nil, err
	}
	conn.SetInterrupt(ctx.Done())
	err = s.load(conn, m)
	if err == nil && suspected {
		s.opening("the whole file is being checked, because of damage that was met in it")
		err = dbfile.WholeCheck(conn)
	}
	conn.SetInterrupt(nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
