package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/wait"
)

// A file that turns out to be damaged while the spool works is opened anew, by
// the same way as at a start: it is checked, set aside, and what can be read of
// it is saved. The lanes stay, and so does what they have leased or reported: a
// delivery on its way is not made twice, and its report is committed to the new
// file.

const (
	// reopenMost is how often a file may be replaced in reopenSpan. A disk that
	// damages one file after the other is not mended by making more of them.
	reopenMost = 5
	reopenSpan = 24 * time.Hour
	// reopenFirst and reopenLongest bound the wait before the second and later
	// tries; each waits four times as long.
	reopenFirst   = 10 * time.Second
	reopenLongest = 15 * time.Minute
)

// reopenings spaces out how often the file is opened anew. A try that fails
// because the disk has no room replaces nothing: it counts for the wait only.
type reopenings struct {
	last     time.Time
	tries    int
	replaced int
}

// next returns the wait before the next try; false when it was done too often.
func (r *reopenings) next(now time.Time) (wait time.Duration, ok bool) {
	if now.Sub(r.last) > reopenSpan {
		*r = reopenings{}
	}
	if r.replaced == reopenMost {
		return 0, false
	}
	if r.tries > 0 {
		wait = min(reopenFirst<<(2*min(r.tries-1, 8)), reopenLongest)
	}
	r.last = now
	r.tries++
	return wait, true
}

// noticeDamage marks the spool as damaged: it takes no calls until its file is
// opened anew, which tend does. Should the process end before, the next start
// looks at the whole file.
func (s *Store) noticeDamage(err error) {
	if s.damaged.Swap(true) {
		return
	}
	s.endCheck()
	s.log.Error("damage was met in the spool file; callbacks are answered 503 until it is set aside", "file", s.cfg.Path, "error", err)
	if err := dbfile.WriteMark(s.cfg.Path, dbfile.MarkCheck); err != nil {
		s.log.Error("the next start will not know of the damage", "error", err)
	}
	s.hurt <- struct{}{} // has room: who set damaged is alone
}

// tend opens the file anew whenever damage was met in it, unless that happens too
// often, puts it back into its place, and checks it where a record could not be
// read, until ctx ends.
func (s *Store) tend(ctx context.Context) {
	var r reopenings
	for {
		select {
		case <-s.hurt:
			s.replaceFile(ctx, &r)
		case <-s.lost:
			s.putBack(ctx)
		case <-s.doubt:
			s.checkAgain(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// replaceFile opens the file anew, again and again until that succeeds.
func (s *Store) replaceFile(ctx context.Context, r *reopenings) {
	for {
		pause, ok := r.next(time.Now())
		if !ok {
			s.hopeless.Store(true)
			s.log.Error("the spool file was damaged again and again; it is left as it is until a restart", "times", reopenMost)
			return
		}
		if wait.For(ctx, pause) != nil {
			return
		}
		err := s.reopen(ctx)
		if err == nil {
			r.replaced++
			return
		}
		s.metrics.failed("reopen")
		s.log.Error("the damaged spool file could not be replaced; it is tried again", "error", err)
	}
}

// reopen lets the writer change files, and wakes all lanes.
func (s *Store) reopen(ctx context.Context) error {
	err := s.writer.replace(errDamaged, func(old *sqlite.Conn) (*sqlite.Conn, error) {
		err := s.closeReaders(errDamaged)
		if old != nil {
			err = errors.Join(err, old.Close())
		}
		if err != nil {
			return nil, err
		}
		return s.openAnew(ctx)
	})
	if err != nil {
		return err
	}
	for _, l := range s.allLanes() {
		l.signal()
	}
	s.log.Warn("the spool works again after damage")
	return nil
}

// openAnew opens the file for writer and readers; nobody has it open.
func (s *Store) openAnew(ctx context.Context) (*sqlite.Conn, error) {
	conn, err := s.openOrSetAside(ctx, s.remember())
	if err != nil {
		return nil, err
	}
	p, err := findSite(s.cfg.Path)
	if err == nil {
		s.site.Store(p)
		err = s.adopt(conn)
	}
	if err != nil {
		return nil, errors.Join(err, s.closeReaders(errDamaged), conn.Close())
	}
	return conn, nil
}

// adopt goes on with the leases and the readers in a file that was opened anew.
func (s *Store) adopt(conn *sqlite.Conn) error {
	for _, l := range s.allLanes() {
		lost, err := l.keepLeases(conn)
		s.giveRoom(lost)
		if err != nil {
			return err
		}
	}
	if err := s.reopenReaders(); err != nil {
		return err
	}
	s.damaged.Store(false)
	return nil
}

// present returns the configuration as Configure left it, for the file that is open.
func (s *Store) present() spool.Config {
	cfg := s.bounded()
	cfg.Path = s.cfg.Path
	return cfg
}

// memory is what a spool that works knows without its file. At a start there is
// none.
type memory struct {
	lanes map[string]*lane
	last  int64 // the highest seq that was given out
}

func (s *Store) remember() memory {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return memory{lanes: maps.Clone(s.lanes), last: s.last.Load()}
}

func (m memory) running() bool { return m.lanes != nil }

// Write puts it into a new file, before what is saved of the damaged one: lanes
// keep their numbers, and no call gets a seq that a lane has in its hands.
func (m memory) Write(c *sqlite.Conn) error {
	for _, l := range m.lanes {
		l.mu.Lock()
		giveUp, p := l.giveUp, l.paused
		l.mu.Unlock()
		if err := dbfile.Execute(c, `INSERT OR IGNORE INTO lanes(id, name, give_up, paused_until, paused_by, paused_for) VALUES (?, ?, ?, ?, ?, ?)`,
			l.id, l.name, giveUp.Milliseconds(), dbfile.Millis(p.Until), string(p.By), p.Reason); err != nil {
			return err
		}
	}
	if m.last == 0 {
		return nil
	}
	// A salvage that was cut short has written it already.
	if err := dbfile.Execute(c, `UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'calls'`, m.last); err != nil || c.Changes() > 0 {
		return err
	}
	return dbfile.Execute(c, `INSERT INTO sqlite_sequence(name, seq) VALUES ('calls', ?)`, m.last)
}

// WriteLeases writes what lanes have in their hands where its row was lost, so that
// an attempt that fails is made again. It is held: untangle lets go what waits for
// no older revision.
func (m memory) WriteLeases(c *sqlite.Conn) error {
	for _, l := range m.lanes {
		if err := l.keepLeased(c); err != nil {
			return err
		}
	}
	return nil
}

func (l *lane) keepLeased(c *sqlite.Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = false // what is being leased would be missing here
	for seq, d := range l.leased {
		if d == nil {
			continue
		}
		if err := dbfile.Execute(c, `INSERT OR IGNORE INTO deliveries(call_seq, lane, state, due, since, tries, attempts, spent, doubts, failed_at, remembered) VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)`,
			seq, l.id, held, dbfile.Millis(d.Since), d.Tries, d.attempts, d.History.Spent, d.History.Doubts, dbfile.Millis(d.History.FailedAt), encodeRemembered(d.Remembered)); err != nil {
			return err
		}
	}
	return nil
}

const stillWaits = `SELECT count(*) FROM deliveries WHERE call_seq = ? AND lane = ? AND state < 4`

// keepLeases ends the leases of deliveries that wait no more in a file that was
// opened anew: what is reported of them says nothing about it. Claims of the spool
// stay; who made them ends them.
func (l *lane) keepLeases(c *sqlite.Conn) (lost []*delivery, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading = false // what is being leased was read from the file before
	l.cursor = 0      // a row of before may be ready again: an older page is what could be read
	for seq, d := range l.leased {
		if d == nil {
			continue
		}
		n, err := dbfile.Int(c, stillWaits, seq, l.id)
		if err != nil {
			return lost, err
		}
		if n == 0 {
			delete(l.leased, seq)
			lost = append(lost, d)
		}
	}
	return lost, nil
}

// replace lets f change the connection between two groups. From now on until it
// has given one, callbacks are refused and reports wait. f gets nil where there is
// no connection, and what it returns is used, with an error too.
func (w *writer) replace(why error, f func(*sqlite.Conn) (*sqlite.Conn, error)) error {
	outcome := make(chan error, 1)
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed
	}
	refused := w.urgent
	w.away, w.urgent = why, nil
	w.swap = func() {
		conn, err := f(w.conn)
		w.mu.Lock()
		w.conn = conn
		if conn != nil {
			w.away = nil
		}
		if err == nil {
			w.broken = nil
		}
		w.mu.Unlock()
		outcome <- err
	}
	w.signal()
	w.mu.Unlock()
	w.refuseAll(refused, why)
	return <-outcome
}

// refuseAll ends urgent ops that were not tried.
func (w *writer) refuseAll(ops []*op, why error) {
	for _, o := range ops {
		w.metrics.failed(o.name)
		o.done(fmt.Errorf("%w: %w", spool.ErrUnavailable, why))
	}
}
