package sqlite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// SetLanes tells the spool which sinks are configured now. Lanes of other sinks
// keep what they hold and are marked as not configured. It waits for the disk
// until ctx ends. Every start does it, so that on a full disk it uses the reserve, and
// writes nothing where nothing has changed. It is tried again, since what had no room
// may have been another op of its group.
func (s *Store) SetLanes(ctx context.Context, configs []spool.LaneConfig) error {
	err := s.setLanes(ctx, configs)
	if isFull(err) {
		s.releaseReserve()
		err = s.setLanes(ctx, configs)
	}
	return err
}

func (s *Store) setLanes(ctx context.Context, configs []spool.LaneConfig) error {
	return s.writer.wait(ctx, "lanes", func(t *tx) error {
		byName := map[string]spool.LaneConfig{}
		ids := []int64{}
		for _, c := range configs {
			byName[c.Sink] = c
			l, err := s.laneIn(t, c.Sink)
			if err != nil {
				return err
			}
			ids = append(ids, l.id)
			if err := dbfile.Execute(t.conn, `UPDATE lanes SET give_up = ?1 WHERE id = ?2 AND give_up IS NOT ?1`, c.GiveUpAfter.Milliseconds(), l.id); err != nil {
				return err
			}
		}
		if err := markGone(t, ids); err != nil {
			return err
		}
		t.then(func() {
			s.lanesOnce.Do(func() { close(s.lanesSet) })
			for _, l := range s.allLanes() {
				c, ok := byName[l.name]
				l.mu.Lock()
				l.configured = ok
				if ok {
					l.giveUp, l.longest, l.settle = c.GiveUpAfter, c.LongestWait, c.Settle
				}
				l.mu.Unlock()
			}
		})
		return nil
	})
}

// SetPause rests a lane until the given time, durably; the zero Pause ends it.
// What the sink asks for changes nothing of an operator's pause that holds; without an end it
// ends the sink's own. It waits for the disk until ctx ends.
func (s *Store) SetPause(ctx context.Context, sink string, p spool.Pause) error {
	if p.By == spool.ByOperator && p.Until.IsZero() {
		p.Until = spool.Forever()
	}
	l := s.lane(sink)
	if l == nil {
		return fmt.Errorf("%w: no sink %q", spool.ErrNotFound, sink)
	}
	asked := p.By
	if p.Until.IsZero() {
		p.By = ""
	}
	return s.writer.wait(ctx, "pause", func(t *tx) error {
		err := dbfile.Execute(t.conn, `UPDATE lanes SET paused_until = ?, paused_by = ?, paused_for = ? WHERE id = ? AND NOT (paused_by = 'operator' AND paused_until > ? AND ? = 'sink')`,
			dbfile.Millis(p.Until), string(p.By), p.Reason, l.id, dbfile.Millis(t.now), string(asked))
		if err != nil || t.conn.Changes() == 0 {
			return err
		}
		t.then(func() { l.pause(p) })
		return t.noted(ctx, touched{count: 1, sinks: []string{sink}})
	})
}

func (l *lane) pause(p spool.Pause) {
	l.mu.Lock()
	l.paused = p
	l.mu.Unlock()
	l.signal()
}

// PauseOf returns the lane's pause, which may be over.
func (s *Store) PauseOf(sink string) spool.Pause {
	l := s.lane(sink)
	if l == nil {
		return spool.Pause{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.paused
}

// Waiting returns how many deliveries wait for a sink.
func (s *Store) Waiting(sink string) int64 {
	if l := s.lane(sink); l != nil {
		return l.waiting.Load()
	}
	return 0
}

// Work returns a channel that receives when the lane may have something new to
// lease, or its pause has changed.
func (s *Store) Work(sink string) <-chan struct{} {
	if l := s.lane(sink); l != nil {
		return l.wake
	}
	return nil
}

// Lanes returns the status of each lane that is configured or holds something,
// by name.
func (s *Store) Lanes(ctx context.Context) ([]spool.LaneStatus, error) {
	var out []spool.LaneStatus
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		for _, l := range s.allLanes() {
			st := l.status(s.clock.now())
			if !st.Configured && st.Waiting == 0 && st.DeadLetters == 0 {
				continue
			}
			if err := readStatus(c, l.id, &st); err != nil {
				return err
			}
			out = append(out, st)
		}
		return nil
	})
	return out, err
}

const (
	countDoubtful  = `SELECT count(*) FROM deliveries WHERE lane = ? AND state < 4 AND state = -1`
	oldestFresh    = `SELECT since FROM deliveries WHERE lane = ? AND state < 4 AND state = 0 AND due = 0 ORDER BY call_seq LIMIT 1`
	oldestTried    = `SELECT ifnull(min(since), 0) FROM deliveries WHERE lane = ? AND state < 4 AND state IN (1, 2, 3)`
	oldestDoubtful = `SELECT ifnull(min(since), 0) FROM deliveries WHERE lane = ? AND state < 4 AND state = -1`
)

// readStatus adds what only the file tells: one row for fresh deliveries, and the index
// alone for those that were attempted.
func readStatus(c *sqlite.Conn, lane int64, st *spool.LaneStatus) error {
	var fresh, tried, doubtful int64
	for _, v := range []struct {
		into *int64
		sql  string
	}{{&fresh, oldestFresh}, {&tried, oldestTried}, {&doubtful, oldestDoubtful}, {&st.Doubtful, countDoubtful}} {
		var err error
		if *v.into, err = dbfile.Int(c, v.sql, lane); err != nil {
			return err
		}
	}
	st.Fresh = fresh > 0
	st.OldestSure = dbfile.FromMillis(earlier(fresh, tried))
	st.Oldest = dbfile.FromMillis(earlier(earlier(fresh, tried), doubtful))
	return nil
}

// earlier returns the earlier of two times, of which 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (l *lane) status(now time.Time) spool.LaneStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := spool.LaneStatus{Sink: l.name, Configured: l.configured, Waiting: l.waiting.Load(), DeadLetters: l.dead.Load()}
	if l.paused.Active(now) {
		s.Pause = l.paused
	}
	return s
}

// settles returns how long after its acceptance a delivery comes due; 0 for at once.
func (l *lane) settles() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settle
}

// orphan reports whether the sink is no longer configured, and when to give up then.
func (l *lane) orphan() (giveUp time.Duration, orphan bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.giveUp == 0 {
		return defaultGiveUp, !l.configured
	}
	return l.giveUp, !l.configured
}

// lane returns a lane by name, nil when there is none.
func (s *Store) lane(name string) *lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lanes[name]
}

func (s *Store) laneByID(id int64) *lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

func (s *Store) allLanes() []*lane {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Values(s.lanes), func(a, b *lane) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
}

func (s *Store) addLane(l *lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes[l.name], s.byID[l.id] = l, l
}

// laneIn returns the lane of a sink inside a transaction, and makes it where the
// sink is new. The id is the file's; should the transaction fail, the same name
// gets its id again at the next try.
func (s *Store) laneIn(t *tx, sink string) (*lane, error) {
	if l := s.lane(sink); l != nil {
		return l, nil
	}
	if l := t.fresh[sink]; l != nil {
		return l, nil
	}
	if err := dbfile.Execute(t.conn, `INSERT OR IGNORE INTO lanes(name) VALUES (?)`, sink); err != nil {
		return nil, err
	}
	id, err := dbfile.Int(t.conn, `SELECT id FROM lanes WHERE name = ?`, sink)
	if err != nil {
		return nil, err
	}
	l := newLane(id, sink)
	if t.fresh == nil {
		t.fresh = map[string]*lane{}
	}
	t.fresh[sink] = l
	t.then(func() { s.addLane(l) })
	return l, nil
}
