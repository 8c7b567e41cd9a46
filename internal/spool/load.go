package spool

import (
	"time"

	"zombiezen.com/go/sqlite"
)

const (
	countWaiting = `SELECT count(*) FROM deliveries WHERE lane = ? AND state < 4`
	countDead    = `SELECT count(*) FROM dead_letters WHERE stage = 'delivery' AND lane = ?`
)

// load reads the lanes and counts what each holds: from the partial index and
// the index of dead letters, not from the rows.
func (s *Spool) load(c *sqlite.Conn) error {
	s.lanes, s.byID = map[string]*lane{}, map[int64]*lane{} // of a file that turned out to be damaged
	err := query(c, `SELECT id, name, give_up, paused_until, paused_by FROM lanes`, func(r *sqlite.Stmt) error {
		l := newLane(r.ColumnInt64(0), r.ColumnText(1))
		l.giveUp = time.Duration(r.ColumnInt64(2)) * time.Millisecond
		l.pausedUntil, l.pausedBy = fromMillis(r.ColumnInt64(3)), PauseReason(r.ColumnText(4))
		s.addLane(l)
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range s.allLanes() {
		waiting, err := readInt(c, countWaiting, l.id)
		if err != nil {
			return err
		}
		dead, err := readInt(c, countDead, l.id)
		if err != nil {
			return err
		}
		l.waiting.Store(waiting)
		l.dead.Store(dead)
	}
	return s.loadTotals(c)
}

func (s *Spool) loadTotals(c *sqlite.Conn) error {
	for _, total := range []struct {
		sql string
		set func(int64)
	}{
		{`SELECT count(*) FROM dead_letters WHERE stage = 'intake'`, s.intakes.Store},
		{`SELECT count(*) FROM set_aside`, s.asides.Store},
		{countCalls, s.calls.Store},
	} {
		n, err := readInt(c, total.sql)
		if err != nil {
			return err
		}
		total.set(n)
	}
	return nil
}
