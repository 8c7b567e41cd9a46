package spool

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"zombiezen.com/go/sqlite"
)

const (
	// measureEvery is how often the space in use is measured.
	measureEvery = 200 * time.Millisecond
	// retainEvery is how often retention looks for work.
	retainEvery = time.Minute
	// stepRows bounds the rows that one housekeeping transaction touches, so
	// that no callback waits long behind it.
	stepRows = 200
	// retainSteps is how many such steps retention makes before the space and the
	// disk are looked at again.
	retainSteps = 16
	// scanRows bounds the calls that one step of a sweep looks at.
	scanRows = 2000
	// defaultGiveUp ends what is owed to a sink of which nothing is known.
	defaultGiveUp = 72 * time.Hour
)

// keepHouse watches the space, tries a broken disk again, applies retention and
// ends what is owed to sinks that are gone.
func (s *Spool) keepHouse(ctx context.Context) {
	var room, old sweep
	measure, mend, retain := time.NewTicker(measureEvery), time.NewTicker(mendEvery), time.NewTicker(retainEvery)
	defer measure.Stop()
	defer mend.Stop()
	defer retain.Stop()
	for retaining := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-measure.C:
			s.clock.watch(s.log)
			s.watchSpace(ctx, &room)
			if retaining {
				retaining = s.retain(ctx, &old)
			}
		case <-mend.C:
			s.mendClock(ctx)
		case <-retain.C:
			retaining = s.retain(ctx, &old)
			s.endOrphans(ctx)
		}
	}
}

// watchSpace measures, makes room near max_bytes, and probes a disk that
// refused the last commit.
func (s *Spool) watchSpace(ctx context.Context, room *sweep) {
	s.writer.probe(writeMuch)
	used, limit := s.measure(ctx), int64(s.limits.Load().MaxBytes)
	if used > limit/10*9 && room.rested(time.Now()) {
		s.makeRoom(ctx, room, limit/10*8)
		used = s.measure(ctx)
	}
	if used >= limit {
		s.emptyWAL()
		used = s.measure(ctx)
	}
	// Once full, it stays so until some room is gained, so that the state does
	// not change with every delivery, nor with the WAL, which comes and goes.
	s.setFull(used >= limit || s.full.Load() && used >= min(limit/100*97, limit-s.limits.Load().walPages()*pageSize))
}

func (s *Spool) setFull(full bool) {
	switch was := s.full.Swap(full); {
	case full && !was:
		s.log.Error("spool.max_bytes is filled by waiting calls and dead letters; callbacks are answered 503", "max_bytes", s.limits.Load().MaxBytes)
	case !full && was:
		s.log.Info("the spool has room again")
	}
}

// makeRoom erases delivered history, oldest first, until no more than target
// bytes are in use or no history is left.
func (s *Spool) makeRoom(ctx context.Context, room *sweep, target int64) {
	s.emptyWAL() // the WAL counts too
	gone := s.eraseHistory(ctx, room, forever(), func() bool { return s.measure(ctx) <= target })
	if gone == 0 {
		return
	}
	s.log.Warn("delivered history was erased to stay below spool.max_bytes", "calls", gone)
	if s.deps.OnHistoryPurged != nil {
		s.deps.OnHistoryPurged(gone)
	}
}

// retain erases what is older than the retention times, in small steps, and tells
// whether it has more to do.
func (s *Spool) retain(ctx context.Context, old *sweep) (more bool) {
	steps := 0
	enough := func() bool { steps++; return steps > retainSteps }
	s.eraseHistory(ctx, old, s.clock.now().Add(-s.limits.Load().Retention), enough)
	for ctx.Err() == nil && !enough() {
		n, err := s.eraseLetters(s.clock.now().Add(-s.limits.Load().DeadLetterRetention))
		if err != nil || n == 0 {
			s.vacuum()
			return false
		}
	}
	return true
}

// vacuum gives free pages back to the file system, in small steps.
func (s *Spool) vacuum() {
	for range 64 {
		var more bool
		err := s.writer.wait("vacuum", func(t *tx) error {
			free, err := readInt(t.conn, `PRAGMA freelist_count`)
			if err != nil || free < 1000 {
				return err
			}
			more = true
			return execute(t.conn, `PRAGMA incremental_vacuum(200)`)
		})
		if err != nil || !more {
			return
		}
	}
}

// endOrphans buries what has waited too long for a sink that is no longer
// configured.
func (s *Spool) endOrphans(ctx context.Context) {
	select {
	case <-s.lanesSet:
	default:
		return // nobody has told yet which sinks there are
	}
	defer s.eraseGone()
	for _, l := range s.allLanes() {
		for ctx.Err() == nil && l.waiting.Load() > 0 {
			giveUp, orphan := l.orphan()
			if !orphan {
				break
			}
			n, err := s.Expire(l.name, s.clock.now().Add(-giveUp), SinkRemoved, "the sink is no longer configured", stepRows)
			if err != nil || n == 0 {
				break
			}
			if s.deps.OnSinkRemoved != nil {
				s.deps.OnSinkRemoved(l.name, n)
			}
		}
	}
}

// measure reads the bytes in use: pages with content, and the WAL.
func (s *Spool) measure(ctx context.Context) int64 {
	var pages, free, size int64
	err := s.houseRd.do(ctx, func(c *sqlite.Conn) (err error) {
		if pages, err = readInt(c, `PRAGMA page_count`); err != nil {
			return err
		}
		if free, err = readInt(c, `PRAGMA freelist_count`); err != nil {
			return err
		}
		size, err = readInt(c, `PRAGMA page_size`)
		return err
	})
	if err != nil {
		return s.used.Load()
	}
	used := (pages - free) * size
	if st, err := os.Stat(s.cfg.Path + "-wal"); err == nil {
		used += st.Size()
	}
	s.used.Store(used)
	return used
}

// FreeBytes is the room on the file system of the spool.
func (s *Spool) FreeBytes() (int64, error) { return freeBytes(filepath.Dir(s.cfg.Path)) }

// ulidAt is the least ULID of a moment.
func ulidAt(t time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(t)) // fails after the year 10889 only
	return id.String()
}
