package sqlite

import (
	"context"
	"math"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// mendEvery is how often work is looked for that was dated while the clock ran
	// ahead.
	mendEvery = 10 * time.Second
	// aheadSlack is what counts as a clock that was set back: the longest pause
	// that a sink can ask for.
	aheadSlack = time.Hour
)

const (
	aheadScheduled = `SELECT call_seq FROM deliveries WHERE lane = ? AND state < 4 AND state IN (-1, 1) AND due > ? LIMIT ?`
	aheadReplayed  = `SELECT call_seq FROM deliveries WHERE lane = ? AND state < 4 AND state = 2 AND due > ? AND since > ? LIMIT ?`
	aheadFresh     = `SELECT call_seq FROM deliveries WHERE lane = ? AND state < 4 AND state = 0 AND due = 0 AND call_seq > ? AND since > ? ORDER BY call_seq LIMIT ?`
	mendScheduled  = `UPDATE deliveries SET due = ?1, since = min(since, ?1) WHERE lane = ?2 AND call_seq = ?3 AND state IN (-1, 1)`
	mendReplayed   = `UPDATE deliveries SET due = ?1 + due - since, since = ?1 WHERE lane = ?2 AND call_seq = ?3 AND state = 2`
	mendFresh      = `UPDATE deliveries SET since = ?1 WHERE lane = ?2 AND call_seq = ?3 AND state = 0`
)

// mendClock lets go what would wait until the clock is again where it once ran
// ahead: what is scheduled later than any schedule can mean becomes due, and a
// replay of the future begins now, at its rate. What was replayed at a low rate
// may well be due in days; only the time of its replay tells. What was never
// attempted counts from now, or it would not expire, nor would all that lies
// behind it.
func (s *Store) mendClock(ctx context.Context) {
	for _, l := range s.allLanes() {
		l.mu.Lock()
		longest := max(aheadSlack, l.longest)
		l.mu.Unlock()
		mended := 0
		for ctx.Err() == nil && l.waiting.Load() > 0 {
			n, err := s.mendLane(ctx, l, longest)
			mended += n
			if err != nil || n == 0 {
				break
			}
			l.signal()
		}
		if mended > 0 {
			s.log.Warn("deliveries of a time when the clock ran ahead are dated anew", "sink", l.name, "deliveries", mended)
		}
	}
}

// mendLane mends one step of a lane and gives how many deliveries it had.
func (s *Store) mendLane(ctx context.Context, l *lane, longest time.Duration) (int, error) {
	now := s.clock.now()
	var late, again, fresh []int64
	err := s.houseRd.do(ctx, func(c *sqlite.Conn) (err error) {
		if late, err = dbfile.Ints(c, aheadScheduled, l.id, dbfile.Millis(now.Add(longest)), stepRows); err != nil {
			return err
		}
		future := dbfile.Millis(now.Add(aheadSlack))
		if again, err = dbfile.Ints(c, aheadReplayed, l.id, future, future, stepRows); err != nil {
			return err
		}
		fresh, err = dbfile.Ints(c, aheadFresh, l.id, l.dated, future, stepRows)
		return err
	})
	if err != nil {
		return 0, err
	}
	// What is accepted from now on is dated by this clock.
	dated := int64(math.MaxInt64)
	if len(fresh) == stepRows {
		dated = fresh[stepRows-1]
	}
	n := len(late) + len(again) + len(fresh)
	if n == 0 {
		l.dated = dated
		return 0, nil
	}
	err = s.writer.wait(ctx, "clock", func(t *tx) error {
		for _, mend := range []struct {
			sql  string
			seqs []int64
		}{{mendScheduled, late}, {mendReplayed, again}, {mendFresh, fresh}} {
			for _, seq := range mend.seqs {
				if err := dbfile.Execute(t.conn, mend.sql, dbfile.Millis(now), l.id, seq); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	l.dated = dated
	return n, nil
}
