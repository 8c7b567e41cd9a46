package sqlite

import (
	"log/slog"
	"time"
)

// leastStep is the least difference to the wall clock that is told.
const leastStep = 5 * time.Second

// clock is the time by which everything in the file is dated, due and too old:
// the wall clock as it stood when the spool was opened, and what has passed
// since. A wall clock that is set while the spool is open changes nothing; the
// next Open goes by it.
type clock struct {
	start time.Time
	told  time.Duration // only the housekeeping uses it
}

func newClock() *clock { return &clock{start: time.Now()} }

// now has no monotonic reading, so that it compares with times of the file.
func (c *clock) now() time.Time { return c.start.Add(time.Since(c.start)).Round(0) }

// watch logs that the wall clock was set.
func (c *clock) watch(log *slog.Logger) {
	if off := time.Now().Round(0).Sub(c.now()); (off - c.told).Abs() >= leastStep {
		c.told = off
		log.Warn("the wall clock was set; schedules, pauses and retention go on by the time that passes, until the next start", "ahead", off.Round(time.Second))
	}
}

// Now is the spool's time: what Lease, Expire and the pauses compare with.
func (s *Store) Now() time.Time { return s.clock.now() }
