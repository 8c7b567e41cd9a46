package spool

import (
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	expiredFresh = `SELECT call_seq, since FROM deliveries WHERE lane = ? AND state < 4 AND state = 0 AND due = 0 ORDER BY call_seq`
	expiredTried = `SELECT call_seq, since FROM deliveries WHERE lane = ? AND state < 4 AND state IN (1, 2) AND since < ?`
)

// expired gives waiting deliveries of a lane from before the cutoff. Fresh ones
// lie in order of acceptance, so that reading stops at the first young one;
// those attempted before are read from the index alone. Held ones are left:
// they are released when the older revision ends, and are found after that.
func expired(c *sqlite.Conn, l *lane, cutoff time.Time, limit int) ([]*Delivery, error) {
	var seqs []int64
	collect := func(r *sqlite.Stmt) error {
		if r.ColumnInt64(1) >= millis(cutoff) || len(seqs) == limit {
			return errEnough
		}
		if seq := r.ColumnInt64(0); !l.isLeased(seq) {
			seqs = append(seqs, seq)
		}
		return nil
	}
	err := query(c, expiredFresh, collect, l.id)
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	err = query(c, expiredTried, collect, l.id, millis(cutoff))
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return describe(c, l, seqs)
}

// describe reads what a dead letter needs to know.
func describe(c *sqlite.Conn, l *lane, seqs []int64) ([]*Delivery, error) {
	var out []*Delivery
	for _, seq := range seqs {
		err := query(c, `SELECT c.call_id, c.source, d.tries, d.attempts, d.state FROM deliveries d JOIN calls c ON c.seq = d.call_seq
			WHERE d.call_seq = ? AND d.lane = ?`, func(r *sqlite.Stmt) error {
			out = append(out, &Delivery{
				Sink: l.name, Seq: seq, lane: l, Tries: r.ColumnInt(2), attempts: columnBytes(r, 3), state: state(r.ColumnInt64(4)),
				Record: &call.Record{ID: r.ColumnText(0), Source: r.ColumnText(1)},
			})
			return nil
		}, seq, l.id)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
