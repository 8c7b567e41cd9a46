package sqlite

import (
	"context"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const callColumns = `SELECT seq, call_id, revision, source, outcome, received_at, record FROM calls `

const (
	// detailRecords and detailLogs bound the records and the logs of attempts of one
	// call: a platform may push new content of a call a thousand times.
	detailRecords = 2 << 20
	detailLogs    = 2 << 20
)

const revisionsOfCall = `SELECT seq, revision, received_at, ifnull(length(record), 0), rules FROM calls WHERE call_id = ? ORDER BY revision DESC`

// Call returns a call with its deliveries and attempts, or ErrNotFound. The record
// of the newest revision is always there, and so are those of the revisions before
// it up to some megabytes; older ones are listed without. The same goes for the
// logs of attempts.
func (s *Store) Call(ctx context.Context, id string) (spool.CallDetail, error) {
	out := spool.CallDetail{ID: id}
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		var seqs []int64
		var lengths []int
		err := dbfile.Query(c, revisionsOfCall, func(r *sqlite.Stmt) error {
			seqs = append(seqs, r.ColumnInt64(0))
			out.Revisions = append(out.Revisions, spool.CallSummary{
				ID: id, Revision: r.ColumnInt(1), ReceivedAt: call.At(dbfile.FromMillis(r.ColumnInt64(2))), Rules: linesOf(r.ColumnText(4)),
			})
			lengths = append(lengths, r.ColumnInt(3))
			return nil
		}, id)
		if err != nil {
			return err
		}
		records, logs := 0, 0
		for i := range out.Revisions {
			rev := &out.Revisions[i]
			if records += lengths[i]; i == 0 || records <= detailRecords {
				if rev.Record, err = readRecord(c, seqs[i]); err != nil {
					return err
				}
			}
			if err := s.deliveriesOf(c, seqs[i], rev.Revision, &logs, &out); err != nil {
				return err
			}
		}
		slices.Reverse(out.Revisions)
		slices.SortStableFunc(out.Deliveries, func(a, b spool.DeliveryStatus) int { return a.Revision - b.Revision })
		return nil
	})
	if err == nil && len(out.Revisions) == 0 {
		err = fmt.Errorf("%w: no call %q", spool.ErrNotFound, id)
	}
	return out, err
}

// readRecord returns the encoded record of a call, nil where there is none.
func readRecord(c *sqlite.Conn, seq int64) (record []byte, err error) {
	err = dbfile.Query(c, `SELECT record FROM calls WHERE seq = ?`, func(r *sqlite.Stmt) error {
		record = dbfile.Bytes(r, 0)
		return nil
	}, seq)
	return record, err
}

// deliveriesOf adds the deliveries of a revision. logs counts the bytes of their
// logs.
func (s *Store) deliveriesOf(c *sqlite.Conn, seq int64, revision int, logs *int, out *spool.CallDetail) error {
	return dbfile.Query(c, `SELECT lane, state, due, since, tries, attempts, ended_at, remembered FROM deliveries WHERE call_seq = ?`, func(r *sqlite.Stmt) error {
		l := s.laneByID(r.ColumnInt64(0))
		if l == nil {
			return nil
		}
		st := state(r.ColumnInt64(1))
		d := spool.DeliveryStatus{
			Sink: l.name, Revision: revision, State: st.String(), Doubtful: st == doubtful, Since: call.At(dbfile.FromMillis(r.ColumnInt64(3))),
			EndedAt: call.At(dbfile.FromMillis(r.ColumnInt64(6))), Tries: r.ColumnInt(4),
			Remembered: decodeRemembered(r.ColumnText(7)),
		}
		if st.waits() {
			d.DueAt = call.At(dbfile.FromMillis(r.ColumnInt64(2)))
		}
		if *logs += r.ColumnLen(5); *logs <= detailLogs {
			d.Attempts = decodeAttempts(dbfile.Bytes(r, 5))
		}
		out.Deliveries = append(out.Deliveries, d)
		return nil
	}, seq)
}
