package sqlite

import (
	"context"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	expiredFresh = `SELECT call_seq, since FROM deliveries WHERE lane = ? AND state < 4 AND state = 0 AND due = 0 ORDER BY call_seq`
	expiredTried = `SELECT call_seq, since FROM deliveries WHERE lane = ? AND state < 4 AND state IN (-1, 1, 2) AND since < ?`
)

// Expire buries up to limit deliveries of a lane that were accepted or last
// replayed before the cutoff and that nobody has leased; it returns how many. A
// revision that is held behind an older one ends in a later step.
func (s *Store) Expire(ctx context.Context, sink string, cutoff time.Time, reason spool.Reason, detail string, limit int) (int, error) {
	l := s.lane(sink)
	if l == nil {
		return 0, nil
	}
	var claimed []int64 // the writer's
	var n int           // of the commit
	err := s.writer.waitFor(ctx, op{name: "expire", do: func(t *tx) error {
		l.release(claimed, false) // of a try that another op of its group spoiled
		claimed = nil
		old, err := expired(t.conn, l, cutoff, limit)
		if err != nil {
			return err
		}
		for _, d := range old {
			if !l.claim([]int64{d.Seq}) {
				continue // leased just now by a read of before
			}
			claimed = append(claimed, d.Seq)
			if err := s.bury(t, d, letterRow{id: s.newID(t.now), reason: reason, detail: detail}); err != nil {
				return err
			}
		}
		return nil
	}, done: func(err error) {
		n = len(claimed)
		l.release(claimed, err == nil)
	}})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// expired returns waiting deliveries of a lane from before the cutoff. Fresh ones
// lie in order of acceptance, so that reading stops at the first young one;
// those attempted before are read from the index alone. Held ones are left:
// they are released when the older revision ends, and are found after that.
func expired(c *sqlite.Conn, l *lane, cutoff time.Time, limit int) ([]*delivery, error) {
	var seqs []int64
	collect := func(r *sqlite.Stmt) error {
		if r.ColumnInt64(1) >= dbfile.Millis(cutoff) || len(seqs) == limit {
			return errEnough
		}
		if seq := r.ColumnInt64(0); !l.isLeased(seq) {
			seqs = append(seqs, seq)
		}
		return nil
	}
	err := dbfile.Query(c, expiredFresh, collect, l.id)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	err = dbfile.Query(c, expiredTried, collect, l.id, dbfile.Millis(cutoff))
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return describe(c, l, seqs)
}

// describe reads what a dead letter needs to know.
func describe(c *sqlite.Conn, l *lane, seqs []int64) ([]*delivery, error) {
	var out []*delivery
	for _, seq := range seqs {
		err := dbfile.Query(c, `SELECT c.call_id, c.source, d.tries, d.attempts, d.state FROM deliveries d JOIN calls c ON c.seq = d.call_seq
			WHERE d.call_seq = ? AND d.lane = ?`, func(r *sqlite.Stmt) error {
			out = append(out, &delivery{
				Delivery: spool.Delivery{Sink: l.name, Seq: seq, Tries: r.ColumnInt(2)}, lane: l, attempts: dbfile.Bytes(r, 3), state: state(r.ColumnInt64(4)),
				subject: subject{id: r.ColumnText(0), source: r.ColumnText(1)},
			})
			return nil
		}, seq, l.id)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
