package sqlite

import (
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	countWaiting = `SELECT count(*) FROM deliveries WHERE lane = ? AND state < 4`
	countDead    = `SELECT count(*) FROM dead_letters WHERE stage = 'delivery' AND lane = ?`
)

// load reads the lanes and counts what each holds: from the partial index and
// the index of dead letters, not from the rows. Lanes that are known already stay
// what they are, with their leases.
func (s *Store) load(c *sqlite.Conn, m memory) error {
	lanes, byID := map[string]*lane{}, map[int64]*lane{}
	err := dbfile.Query(c, `SELECT id, name, give_up, paused_until, paused_by, paused_for FROM lanes`, func(r *sqlite.Stmt) error {
		id, name := r.ColumnInt64(0), r.ColumnText(1)
		l := m.lanes[name]
		if l == nil || l.id != id {
			l = newLane(id, name)
			l.giveUp = time.Duration(r.ColumnInt64(2)) * time.Millisecond
			l.paused = spool.Pause{Until: dbfile.FromMillis(r.ColumnInt64(3)), By: spool.PauseReason(r.ColumnText(4)), Reason: r.ColumnText(5)}
		}
		lanes[name], byID[id] = l, l
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range lanes {
		waiting, err := dbfile.Int(c, countWaiting, l.id)
		if err != nil {
			return err
		}
		dead, err := dbfile.Int(c, countDead, l.id)
		if err != nil {
			return err
		}
		l.waiting.Store(waiting)
		l.dead.Store(dead)
	}
	if err := s.loadTotals(c); err != nil {
		return err
	}
	if err := s.shares.load(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes, s.byID = lanes, byID
	return nil
}

func (s *Store) loadTotals(c *sqlite.Conn) error {
	for _, total := range []struct {
		sql string
		set func(int64)
	}{
		{`SELECT count(*) FROM dead_letters WHERE stage = 'intake'`, s.intakes.Store},
		// What was set aside cannot become less, whatever of that table was lost.
		{`SELECT count(*) FROM set_aside`, func(n int64) { s.asides.Store(max(n, s.asides.Load())) }},
		{dbfile.CountCalls, s.calls.Store},
		{`SELECT ` + dbfile.LastSeq, s.last.Store},
	} {
		n, err := dbfile.Int(c, total.sql)
		if err != nil {
			return err
		}
		total.set(n)
	}
	return nil
}
