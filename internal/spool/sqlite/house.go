package sqlite

import (
	"context"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// measureEvery is how often the space in use is measured.
	measureEvery = 200 * time.Millisecond
	// retainEvery is how often retention looks for work.
	retainEvery = time.Minute
	// stepRows bounds the rows that one housekeeping transaction touches, so
	// that no callback waits long behind it.
	stepRows = 200
	// stepBytes bounds what one of them erases, beyond the first row: all of its pages
	// go through the WAL, for which the reserve of a full disk has room.
	stepBytes = 1 << 20
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
func (s *Store) keepHouse(ctx context.Context) {
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

// retain erases what is older than the retention times, in small steps, and tells
// whether it has more to do.
func (s *Store) retain(ctx context.Context, old *sweep) (more bool) {
	steps := 0
	enough := func() bool { steps++; return steps > retainSteps }
	s.eraseHistory(ctx, old, s.clock.now().Add(-s.limits.Load().Retention), enough)
	for ctx.Err() == nil && !enough() {
		now, limits := s.clock.now(), s.limits.Load()
		letters, err := s.eraseLetters(ctx, now.Add(-limits.DeadLetterRetention))
		events, eerr := s.eraseEvents(ctx, now.Add(-max(limits.Retention, limits.DeadLetterRetention)))
		if err != nil || eerr != nil || letters+events == 0 {
			s.vacuum(ctx)
			return false
		}
	}
	return true
}

// vacuum returns free pages back to the file system, in small steps.
func (s *Store) vacuum(ctx context.Context) {
	for range 64 {
		more, err := change(ctx, s.writer, op{name: "vacuum"}, func(t *tx) (more bool, err error) {
			free, err := dbfile.Int(t.conn, `PRAGMA freelist_count`)
			if err != nil || free < 1000 {
				return false, err
			}
			return true, dbfile.Execute(t.conn, `PRAGMA incremental_vacuum(200)`)
		})
		if err != nil || !more {
			return
		}
	}
}

// endOrphans buries what has waited too long for a sink that is no longer
// configured.
func (s *Store) endOrphans(ctx context.Context) {
	select {
	case <-s.lanesSet:
	default:
		return // nobody has told yet which sinks there are
	}
	defer s.eraseGone(ctx)
	for _, l := range s.allLanes() {
		for ctx.Err() == nil && l.waiting.Load() > 0 {
			giveUp, orphan := l.orphan()
			if !orphan {
				break
			}
			n, err := s.Expire(ctx, l.name, s.clock.now().Add(-giveUp), spool.SinkRemoved, "the sink is no longer configured", stepRows)
			if err != nil || n == 0 {
				break
			}
			if s.deps.OnSinkRemoved != nil {
				s.deps.OnSinkRemoved(l.name, n)
			}
		}
	}
}

// ulidAt is the least ULID of a moment.
func ulidAt(t time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(t)) // fails after the year 10889 only
	return id.String()
}
