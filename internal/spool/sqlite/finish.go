package sqlite

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Settle ends a delivery as delivered. Like Retry and Bury it returns at once;
// the report is committed with the next group, and again and again where the
// disk refuses it. One process owns the file, so no lease is ever lost to another.
func (s *Store) Settle(d *spool.Delivery, attempts []spool.Attempt) error {
	return s.report(d, attempts, "settle", func(t *tx, d *delivery) error { return s.end(t, d, delivered) })
}

// Postpone schedules the next attempt of a delivery whose attempt does not count:
// its History stays.
func (s *Store) Postpone(d *spool.Delivery, attempts []spool.Attempt, due time.Time) error {
	return s.Retry(d, attempts, due, d.History)
}

// Retry schedules the next attempt of a delivery and keeps its new History. Where
// an operator has replayed an older revision of the call meanwhile, it is held
// behind that.
func (s *Store) Retry(d *spool.Delivery, attempts []spool.Attempt, due time.Time, h spool.History) error {
	if n := len(attempts); n > 0 {
		attempts[n-1].NextAt = &due
	}
	return s.report(d, attempts, "retry", func(t *tx, d *delivery) error {
		st := scheduled
		if h.Doubtful {
			st = doubtful
		}
		if d.subject.revision > 1 {
			behind, err := holdBehindOlder(t.conn, d.subject.id, d.subject.revision, d.lane.id)
			if err != nil {
				return err
			}
			if behind == held {
				st = held
			}
		}
		return dbfile.Execute(t.conn, `UPDATE deliveries SET state = ?, due = ?, tries = ?, attempts = ?, since = min(since, ?),
			spent = ?, doubts = ?, failed_at = ?, remembered = coalesce(nullif(?, ''), remembered) WHERE call_seq = ? AND lane = ?`,
			st, dbfile.Millis(due), d.Tries, d.attempts, dbfile.Millis(t.now), h.Spent, h.Doubts, dbfile.Millis(h.FailedAt),
			encodeRemembered(d.Remembered), d.Seq, d.lane.id)
	})
}

// Amend changes the plan of a delivery that was given to Postpone and waits: what
// its attempt meant was known only later.
func (s *Store) Amend(sink string, seq int64, due time.Time, h spool.History) {
	l := s.lane(sink)
	if l == nil {
		return
	}
	err := s.writer.submit(&op{name: "amend", lazy: true, done: func(error) {}, do: func(t *tx) error {
		t.then(l.signal)
		return dbfile.Execute(t.conn, `UPDATE deliveries SET due = ?, spent = ?, doubts = ?, failed_at = ? WHERE call_seq = ? AND lane = ? AND state IN (-1, 1)`,
			dbfile.Millis(due), h.Spent, h.Doubts, dbfile.Millis(h.FailedAt), seq, l.id)
	}})
	if err != nil {
		s.log.Warn("a report came after the spool was closed; its plan stays", "sink", sink, "seq", seq)
	}
}

// Bury ends a delivery as a dead letter.
func (s *Store) Bury(d *spool.Delivery, attempts []spool.Attempt, reason spool.Reason, detail string) error {
	id := s.newID(s.clock.now())
	return s.report(d, attempts, "bury", func(t *tx, d *delivery) error {
		return s.bury(t, d, letterRow{id: id, reason: reason, detail: detail})
	})
}

// bury makes the dead letter of a delivery that waits.
func (s *Store) bury(t *tx, d *delivery, r letterRow) error {
	if err := s.end(t, d, dead); err != nil {
		return err
	}
	r.tries, r.lane, r.seq, r.source, r.callID = d.Tries, d.lane, d.Seq, d.subject.source, d.subject.id
	return s.insertLetter(t, r)
}

// Supersede ends a delivery because a newer revision of its call waits.
func (s *Store) Supersede(d *spool.Delivery) error {
	return s.report(d, nil, "supersede", func(t *tx, d *delivery) error { return s.end(t, d, superseded) })
}

// Release returns a delivery back as it was: no attempt is spent. It wakes the
// delivery's lane, which may be the one that released it: a lane that must not
// go on yet has to find that out by itself before it leases again.
func (s *Store) Release(d *spool.Delivery) {
	if own := s.leased(d); own != nil {
		s.giveRoom([]*delivery{own})
		own.lane.giveBack(own.Seq, own)
	}
}

// leased returns what the store knows of a delivery that is leased; nil where its
// row was lost meanwhile.
func (s *Store) leased(d *spool.Delivery) *delivery {
	if l := s.lane(d.Sink); l != nil {
		return l.lease(d)
	}
	return nil
}

// report queues what became of a leased delivery. do gets the delivery with its
// new log of attempts and without its record, except for what identifies the call:
// reports may wait long for a disk.
func (s *Store) report(leased *spool.Delivery, attempts []spool.Attempt, name string, do func(*tx, *delivery) error) error {
	own := s.leased(leased)
	if own == nil {
		return nil // its row was lost, and the salvage told of it
	}
	log, tries := own.addAttempts(attempts)
	d := own.lane.slim(own, log, tries)
	s.giveRoom([]*delivery{own})
	reported := func(t *tx) error {
		if !d.lane.holds(d) {
			return nil // its row was lost since
		}
		return do(t, d)
	}
	err := s.writer.submit(&op{
		name: name, lazy: true, bytes: len(d.attempts) + len(d.encoded), do: reported, done: func(error) { d.lane.unlease(d.Seq, d) },
	})
	if err != nil { // closed: the delivery is repeated at the next start
		s.log.Warn("a report came after the spool was closed; its delivery will be repeated", "sink", d.Sink, "seq", d.Seq)
	}
	return nil
}

// end moves a delivery out of the waiting ones and lets its successor go on.
func (s *Store) end(t *tx, d *delivery, to state) error {
	found, successor := false, false
	err := dbfile.Query(t.conn, `UPDATE deliveries SET state = ?, tries = ?, attempts = ?, ended_at = ?, due = 0, remembered = coalesce(nullif(?, ''), remembered)
		WHERE call_seq = ? AND lane = ? AND state < 4 RETURNING successor`, func(r *sqlite.Stmt) error {
		found, successor = true, r.ColumnBool(0)
		return nil
	}, to, d.Tries, d.attempts, dbfile.Millis(t.now), encodeRemembered(d.Remembered), d.Seq, d.lane.id)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("delivery of call %d to %s does not wait", d.Seq, d.Sink)
	}
	t.then(func() { d.lane.waiting.Add(-1) })
	if to != dead {
		if err := s.loosen(t, d.Seq); err != nil {
			return err
		}
	}
	if successor {
		return releaseSuccessor(t, d.lane, d.Seq)
	}
	return nil
}

// nextHeld returns the oldest revision that waits in the lane where it is held, and
// 0 where it is not: a replayed one may be older than what ended.
const nextHeld = `SELECT CASE d.state WHEN 3 THEN d.call_seq ELSE 0 END FROM calls this JOIN calls c ON c.call_id = this.call_id
	JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = ? AND d.lane = ? AND d.state <= 3 ORDER BY c.revision LIMIT 1`

// releaseSuccessor schedules the next revision of the call in the lane, unless an
// older one than that waits.
func releaseSuccessor(t *tx, l *lane, seq int64) error {
	next, err := dbfile.Int(t.conn, nextHeld, seq, l.id)
	if err != nil || next == 0 {
		return err
	}
	t.then(l.signal)
	return dbfile.Execute(t.conn, `UPDATE deliveries SET state = ?1, due = max(?2, min(since, ?2) + ?5), since = min(since, ?2) WHERE call_seq = ?3 AND lane = ?4`,
		scheduled, dbfile.Millis(t.now), next, l.id, l.settles().Milliseconds())
}
