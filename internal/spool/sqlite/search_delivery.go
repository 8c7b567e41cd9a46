package sqlite

import (
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	deliveriesBetween   = `SELECT call_seq, lane, state FROM deliveries WHERE call_seq < ? AND call_seq > ? ORDER BY call_seq DESC`
	deadBetween         = `SELECT call_seq, lane, 5 FROM dead_letters WHERE call_seq < ? AND call_seq > ? ORDER BY call_seq DESC`
	deliveriesAscending = `SELECT call_seq, lane, state FROM deliveries WHERE call_seq < ? AND call_seq > ? ORDER BY call_seq`
	deadAscending       = `SELECT call_seq, lane, 5 FROM dead_letters WHERE call_seq < ? AND call_seq > ? ORDER BY call_seq`
)

// byDelivery walks over the deliveries, which are smaller than the calls, and reads
// the calls of those that are selected. Of dead ones there are few: they are found by
// their dead letters.
func (q *callSearch) byDelivery() error {
	sql := deliveriesBetween
	switch dead := q.filter.State == spool.Dead; {
	case dead && q.filter.OldestFirst:
		sql = deadAscending
	case dead:
		sql = deadBetween
	case q.filter.OldestFirst:
		sql = deliveriesAscending
	}
	var here, read int64 // the call that the walk is at, and the one that was read
	err := dbfile.Query(q.conn, sql, func(r *sqlite.Stmt) error {
		seq := r.ColumnInt64(0)
		if seq != here {
			if q.last = here; q.enough() {
				return errEnough
			}
			here = seq
		}
		l := q.store.laneByID(r.ColumnInt64(1))
		if seq == read || l == nil || !q.filter.MatchesDelivery(spool.SinkState{Sink: l.name, State: state(r.ColumnInt64(2)).String()}) {
			return nil
		}
		read = seq
		if err := q.read(callBySeq, seq); err != nil {
			return err
		}
		if q.page.Next != "" {
			return errEnough
		}
		return nil
	}, q.high, q.low)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
