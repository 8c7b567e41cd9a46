package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// sweep is a walk over the calls in order of acceptance that goes on where it
// stopped. After its end it rests ten times as long as its reading took, so that a
// store full of waiting calls is not read over and over for the little that ended.
// Erasing does not count: a fast sender must not find the store full while it rests.
type sweep struct {
	from int64
	took time.Duration // reading
	rest time.Time
}

// rested reports whether the walk may go on.
func (w *sweep) rested(now time.Time) bool { return !now.Before(w.rest) }

// end lets the next walk begin at the first call again, after a rest.
func (w *sweep) end(now time.Time) {
	w.rest = now.Add(10 * w.took)
	w.from, w.took = 0, 0
}

// eraseHistory walks on and erases calls that have nothing waiting and no dead
// letter, and whose last event lies before the cutoff, until it is enough or the
// walk ends; it gives how many.
func (s *Store) eraseHistory(ctx context.Context, w *sweep, cutoff time.Time, enough func() bool) (gone int) {
	if !w.rested(time.Now()) {
		return 0
	}
	for ctx.Err() == nil && !enough() {
		seqs, next, err := s.findHistory(ctx, w, cutoff)
		if err == nil && len(seqs) > 0 {
			var n int
			n, err = s.eraseCalls(ctx, seqs)
			gone += n
		}
		w.from = next
		if err != nil || next == 0 {
			w.end(time.Now())
			return gone
		}
	}
	return gone
}

// history selects calls with the time at which the last delivery ended, or a
// time after all cutoffs where one waits or is a dead letter.
const history = `SELECT seq, received_at, (SELECT ifnull(max(CASE WHEN state IN ` + dbfile.Ended + ` THEN ended_at ELSE 1 << 60 END), 0)
	FROM deliveries d WHERE d.call_seq = c.seq), length(record) FROM calls c WHERE seq > ? ORDER BY seq LIMIT ?`

// findHistory returns calls that may go, and where the walk goes on; next is 0
// when the end, or a call younger than the cutoff, is reached. A call from the
// future was received while the clock ran ahead: it is passed over, or it would
// keep all after it until its time.
func (s *Store) findHistory(ctx context.Context, w *sweep, cutoff time.Time) (seqs []int64, next int64, err error) {
	seen, bytes, future := 0, int64(0), dbfile.Millis(s.clock.now().Add(aheadSlack))
	err = s.houseRd.do(ctx, func(c *sqlite.Conn) error {
		begun := time.Now()
		defer func() { w.took += time.Since(begun) }()
		return dbfile.Query(c, history, func(r *sqlite.Stmt) error {
			received := r.ColumnInt64(1)
			if received >= dbfile.Millis(cutoff) && received <= future {
				next = 0
				return errEnough
			}
			seen++
			next = r.ColumnInt64(0)
			if max(received, r.ColumnInt64(2)) < dbfile.Millis(cutoff) {
				seqs = append(seqs, next)
				bytes += r.ColumnInt64(3)
			}
			if len(seqs) == stepRows || bytes >= stepBytes {
				seen = scanRows
				return errEnough
			}
			return nil
		}, w.from, scanRows)
	})
	if seen < scanRows {
		next = 0
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return seqs, next, err
}

// eraseCalls deletes calls with all that hangs on them, except those that wait
// again because an operator asked for it meanwhile.
func (s *Store) eraseCalls(ctx context.Context, seqs []int64) (n int, err error) {
	return change(ctx, s.writer, op{name: "retention"}, func(t *tx) (n int, err error) {
		for _, seq := range seqs {
			owed, err := dbfile.Int(t.conn, `SELECT count(*) FROM deliveries WHERE call_seq = ? AND state NOT IN `+dbfile.Ended, seq)
			if err != nil {
				return 0, err
			}
			if owed > 0 {
				continue
			}
			if err := bequeath(t.conn, seq); err != nil {
				return 0, err
			}
			if err := eraseCall(t.conn, seq); err != nil {
				return 0, err
			}
			n++
		}
		return n, s.uncount(t, n)
	})
}

// decodeLeniently returns what can be read of a record: a damaged one has no keys.
func decodeLeniently(encoded []byte) *call.Record {
	rec := &call.Record{}
	_ = json.Unmarshal(encoded, rec)
	return rec
}

// eraseLetters purges a step of dead letters from before the cutoff.
func (s *Store) eraseLetters(ctx context.Context, cutoff time.Time) (n int, err error) {
	return change(ctx, s.writer, op{name: "retention"}, func(t *tx) (n int, err error) {
		var ids []string
		bytes := int64(0)
		err = dbfile.Query(t.conn, `SELECT id, ifnull(length(body), 0) FROM dead_letters WHERE id < ? ORDER BY id LIMIT ?`, func(r *sqlite.Stmt) error {
			ids = append(ids, r.ColumnText(0))
			if bytes += r.ColumnInt64(1); bytes >= stepBytes {
				return errEnough
			}
			return nil
		}, ulidAt(cutoff), stepRows)
		if err != nil && !errors.Is(err, errEnough) {
			return 0, err
		}
		did, err := s.purgeLetters(t, ids)
		return did.count, err
	})
}
