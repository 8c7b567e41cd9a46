package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// letterRow is what Bury and its kin write.
type letterRow struct {
	id, source, callID string
	lane               *lane
	seq                int64
	reason             spool.Reason
	detail             string
	tries              int
}

func (s *Store) insertLetter(t *tx, r letterRow) error {
	t.then(func() { r.lane.dead.Add(1) })
	return dbfile.Execute(t.conn, `INSERT INTO dead_letters(id, stage, lane, source, call_id, reason, detail, tries, created_at, call_seq)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, string(spool.StageDelivery), r.lane.id, r.source, r.callID, string(r.reason), r.detail, r.tries, dbfile.Millis(t.now), r.seq)
}

// dropLetter removes the redeemed dead letter of stage intake.
func (s *Store) dropLetter(t *tx, id string) error {
	if id == "" {
		return nil
	}
	return dbfile.Query(t.conn, `DELETE FROM dead_letters WHERE id = ? AND stage = 'intake' RETURNING source, ifnull(length(body), 0)`, func(r *sqlite.Stmt) error {
		s.charge(t, r.ColumnText(0), -sizeOnDisk(r.ColumnInt64(1)))
		t.then(func() { s.intakes.Add(-1) })
		return nil
	}, id)
}

func (s *Store) scanLetter(r *sqlite.Stmt) spool.DeadLetter {
	d := spool.DeadLetter{
		ID: r.ColumnText(0), Stage: spool.Stage(r.ColumnText(1)), Source: r.ColumnText(3), CallID: r.ColumnText(4),
		Reason: spool.Reason(r.ColumnText(5)), Detail: r.ColumnText(6), Attempts: r.ColumnInt(7),
		CreatedAt: call.At(dbfile.FromMillis(r.ColumnInt64(8))),
	}
	if l := s.laneByID(r.ColumnInt64(2)); l != nil {
		d.Sink = l.name
	}
	return d
}

// DeadLetter returns one dead letter with what it holds, or ErrNotFound.
func (s *Store) DeadLetter(ctx context.Context, id string) (spool.DeadLetterDetail, error) {
	var out spool.DeadLetterDetail
	found := false
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		var seq, lane int64
		err := dbfile.Query(c, `SELECT id, stage, lane, source, call_id, reason, detail, tries, created_at, ifnull(call_seq, 0), body, request
			FROM dead_letters WHERE id = ?`, func(r *sqlite.Stmt) error {
			found = true
			out.DeadLetter = s.scanLetter(r)
			seq, lane = r.ColumnInt64(9), r.ColumnInt64(2)
			out.Body = dbfile.Bytes(r, 10)
			_ = json.Unmarshal(dbfile.Bytes(r, 11), &out.Request) // none, or damaged: the body speaks for itself
			return nil
		}, strings.ToUpper(id))
		if err != nil || seq == 0 {
			return err
		}
		return dbfile.Query(c, `SELECT c.record, d.attempts, d.remembered FROM calls c JOIN deliveries d ON d.call_seq = c.seq
			WHERE c.seq = ? AND d.lane = ?`, func(r *sqlite.Stmt) error {
			out.Record = dbfile.Bytes(r, 0)
			out.Log = decodeAttempts(dbfile.Bytes(r, 1))
			out.Remembered = decodeRemembered(r.ColumnText(2))
			return nil
		}, seq, lane)
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: no dead letter %q", spool.ErrNotFound, id)
	}
	return out, err
}

func hashBody(body []byte) []byte {
	sum := sha256.Sum256(body)
	return sum[:]
}
