package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Replay puts dead letters of stage delivery back into their lanes, with the
// same message ids, behind live traffic; give_up_after and the retry schedule
// begin anew. With a rate above 0 they come due one after the other at that rate each second,
// beginning at start. Dead letters of stage intake are not touched: their ids
// come back in intake, for the caller to convert and Accept again. An id that
// is not there is passed over, so that a repeated replay does no harm.
func (s *Store) Replay(ctx context.Context, ids []string, start time.Time, perSecond float64) (done int, intake []string, err error) {
	type outcome struct {
		done   int
		intake []string
	}
	out, err := change(ctx, s.writer, op{name: "replay"}, func(t *tx) (out outcome, err error) {
		var did touched
		for _, id := range ids {
			due := spool.ReplayDue(start, out.done, perSecond)
			d, stage, err := s.takeLetter(t, id)
			switch {
			case err != nil:
				return out, err
			case stage == spool.StageIntake:
				out.intake = append(out.intake, id)
			case stage == spool.StageDelivery:
				out.done++
				did.add(d.lane, d.seq)
				if err := s.requeue(t, d, due); err != nil {
					return out, err
				}
			}
		}
		return out, t.noted(ctx, did)
	})
	return out.done, out.intake, err
}

// place names a delivery.
type place struct {
	seq      int64
	lane     *lane
	callID   string
	revision int
}

// takeLetter removes a dead letter of stage delivery and returns its delivery.
func (s *Store) takeLetter(t *tx, id string) (place, spool.Stage, error) {
	var p place
	var stage spool.Stage
	id = strings.ToUpper(id)
	err := dbfile.Query(t.conn, `SELECT d.stage, d.lane, ifnull(d.call_seq, 0), d.call_id, ifnull(c.revision, 0)
		FROM dead_letters d LEFT JOIN calls c ON c.seq = d.call_seq WHERE d.id = ?`, func(r *sqlite.Stmt) error {
		stage = spool.Stage(r.ColumnText(0))
		p = place{lane: s.laneByID(r.ColumnInt64(1)), seq: r.ColumnInt64(2), callID: r.ColumnText(3), revision: r.ColumnInt(4)}
		return nil
	}, id)
	if err != nil || stage != spool.StageDelivery {
		return p, stage, err
	}
	t.then(func() { p.lane.dead.Add(-1) })
	return p, stage, dbfile.Execute(t.conn, `DELETE FROM dead_letters WHERE id = ?`, id)
}

// requeue makes a delivery that had ended pending again; it is held where an older
// revision waits, and holds newer ones.
func (s *Store) requeue(t *tx, p place, due time.Time) error {
	st, err := holdBehindOlder(t.conn, p.callID, p.revision, p.lane.id)
	if err != nil {
		return err
	}
	if st == ready {
		st = replayed
	}
	newer, err := s.holdNewer(t, p)
	if err != nil {
		return err
	}
	t.then(func() {
		p.lane.waiting.Add(1)
		p.lane.signal()
	})
	return dbfile.Execute(t.conn, `UPDATE deliveries SET state = ?, due = ?, since = ?, ended_at = 0, successor = ?, spent = 0, doubts = 0, failed_at = 0 WHERE call_seq = ? AND lane = ?`,
		st, dbfile.Millis(due), dbfile.Millis(t.now), newer, p.seq, p.lane.id)
}

// holdNewer holds the waiting newer revisions of the call and returns 1 where
// there are any. One that is on its way goes on; should it fail, it is held.
func (s *Store) holdNewer(t *tx, p place) (int, error) {
	var newer []int64
	err := dbfile.Query(t.conn, `SELECT d.call_seq FROM calls c JOIN deliveries d ON d.call_seq = c.seq
		WHERE c.call_id = ? AND c.revision > ? AND d.lane = ? AND d.state <= 3`, func(r *sqlite.Stmt) error {
		newer = append(newer, r.ColumnInt64(0))
		return nil
	}, p.callID, p.revision, p.lane.id)
	if err != nil {
		return 0, err
	}
	for _, seq := range newer {
		if err := dbfile.Execute(t.conn, `UPDATE deliveries SET state = ? WHERE call_seq = ? AND lane = ?`, held, seq, p.lane.id); err != nil {
			return 0, err
		}
	}
	return min(len(newer), 1), nil
}

// Purge erases dead letters and returns how many there were. It waits for the disk
// until ctx ends.
func (s *Store) Purge(ctx context.Context, ids []string) (done int, err error) {
	return change(ctx, s.writer, op{name: "purge"}, func(t *tx) (int, error) {
		did, err := s.purgeLetters(t, ids)
		if err != nil {
			return 0, err
		}
		return did.count, t.noted(ctx, did)
	})
}

func (s *Store) purgeLetters(t *tx, ids []string) (did touched, err error) {
	for _, id := range ids {
		if err := s.purgeLetter(t, id, &did); err != nil {
			return touched{}, err
		}
	}
	return did, nil
}

func (s *Store) purgeLetter(t *tx, id string, did *touched) error {
	p, stage, err := s.takeLetter(t, id)
	switch {
	case err != nil:
		return err
	case stage == spool.StageIntake:
		did.add(nil, 0)
		return s.dropLetter(t, strings.ToUpper(id))
	case stage == spool.StageDelivery:
		did.add(p.lane, p.seq)
		if err := dropDead(t, p); err != nil {
			return err
		}
		return s.loosen(t, p.seq)
	default:
		return nil
	}
}

// dropDead removes a delivery whose dead letter is gone. One whose attempts remembered
// something stays: a later revision of the call would be written a second time.
func dropDead(t *tx, p place) error {
	err := dbfile.Execute(t.conn, `DELETE FROM deliveries WHERE call_seq = ? AND lane = ? AND remembered = ''`, p.seq, p.lane.id)
	if err != nil {
		return err
	}
	return dbfile.Execute(t.conn, `UPDATE deliveries SET state = ?, attempts = NULL, ended_at = ? WHERE call_seq = ? AND lane = ?`,
		purged, dbfile.Millis(t.now), p.seq, p.lane.id)
}

// Resend owes the newest revisions of calls to sinks once more, in one transaction.
func (s *Store) Resend(ctx context.Context, r spool.Resend) (spool.Resent, error) {
	return change(ctx, s.writer, op{name: "resend"}, func(t *tx) (spool.Resent, error) {
		out, did, start := spool.Resent{BySink: map[string]int{}}, touched{}, r.Start
		if start.IsZero() {
			start = t.now
		}
		for _, id := range r.CallIDs {
			p, err := newestOf(t.conn, id)
			if err != nil {
				return out, err
			}
			if p.seq == 0 {
				out.Missing++
				continue
			}
			again, err := sentBy(ctx, t, p.seq)
			if err != nil {
				return out, err
			}
			if again {
				continue
			}
			to, err := s.resendTo(t, p, r.Sinks, spool.ReplayDue(start, out.Calls, r.PerSecond))
			if err != nil {
				return out, err
			}
			for _, sink := range to {
				out.BySink[sink]++
				did.add(s.lane(sink), p.seq)
			}
			if len(to) > 0 {
				out.Calls++
			}
		}
		did.count = out.Calls
		return out, t.noted(ctx, did)
	})
}

// newestOf returns the newest revision of a call; its seq is 0 where there is none.
func newestOf(c *sqlite.Conn, id string) (place, error) {
	p := place{callID: id}
	err := dbfile.Query(c, newestRevision, func(r *sqlite.Stmt) error {
		p.seq, p.revision = r.ColumnInt64(0), r.ColumnInt(1)
		return nil
	}, id)
	return p, err
}

// resendTo returns the sinks for which the call did not wait already.
func (s *Store) resendTo(t *tx, p place, sinks []string, due time.Time) (to []string, err error) {
	for _, sink := range sinks {
		sent, err := s.resend(t, p, sink, due)
		if err != nil {
			return nil, err
		}
		if sent {
			to = append(to, sink)
		}
	}
	return to, nil
}

// sentBy reports whether the event of a change has sent the call again already: the
// filter of a work in parts may select several of its revisions.
func sentBy(ctx context.Context, t *tx, seq int64) (bool, error) {
	e, ok := spool.EventOf(ctx)
	if !ok || e.CallID != "" {
		return false, nil
	}
	n, err := dbfile.Int(t.conn, `SELECT count(*) FROM event_calls WHERE call_seq = ? AND event = ?`, seq, e.ID)
	return n > 0, err
}

const newestRevision = `SELECT seq, revision FROM calls WHERE call_id = ? ORDER BY revision DESC LIMIT 1`

// resend returns false where the call waits for the sink already.
func (s *Store) resend(t *tx, p place, sink string, due time.Time) (bool, error) {
	p.lane = s.lane(sink)
	if p.lane == nil || !p.lane.status(t.now).Configured {
		return false, fmt.Errorf("%w: %w: no sink %q", errRefused, spool.ErrNotFound, sink)
	}
	st := aside
	err := dbfile.Query(t.conn, `SELECT state FROM deliveries WHERE call_seq = ? AND lane = ?`, func(r *sqlite.Stmt) error {
		st = state(r.ColumnInt64(0))
		return nil
	}, p.seq, p.lane.id)
	if err != nil || st.waits() {
		return false, err
	}
	if err := s.chargeCall(t, looseSize, p.seq, 1); err != nil {
		return false, err
	}
	err = dbfile.Execute(t.conn, `INSERT OR IGNORE INTO deliveries(call_seq, lane, state, due, since) VALUES (?, ?, ?, 0, 0)`, p.seq, p.lane.id, st)
	if err != nil {
		return false, err
	}
	err = dbfile.Execute(t.conn, `DELETE FROM dead_letters WHERE call_seq = ? AND lane = ?`, p.seq, p.lane.id)
	if err != nil {
		return false, err
	}
	if t.conn.Changes() > 0 {
		t.then(func() { p.lane.dead.Add(-1) })
	}
	return true, s.requeue(t, p, due)
}
