package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// scanMax bounds the rows that one page of a listing looks at, so that a filter
// that matches nothing answers in bounded time, with a cursor to go on from.
const scanMax = 20_000

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
	return execute(t.conn, `INSERT INTO dead_letters(id, stage, lane, source, call_id, reason, detail, tries, created_at, call_seq)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, string(spool.StageDelivery), r.lane.id, r.source, r.callID, string(r.reason), r.detail, r.tries, millis(t.now), r.seq)
}

// dropLetter removes the redeemed dead letter of stage intake.
func (s *Store) dropLetter(t *tx, id string) error {
	if id == "" {
		return nil
	}
	return query(t.conn, `DELETE FROM dead_letters WHERE id = ? AND stage = 'intake' RETURNING source, ifnull(length(body), 0)`, func(r *sqlite.Stmt) error {
		s.charge(t, r.ColumnText(0), -sizeOnDisk(r.ColumnInt64(1)))
		t.then(func() { s.intakes.Add(-1) })
		return nil
	}, id)
}

const (
	letterColumns  = `SELECT id, stage, lane, source, call_id, reason, detail, tries, created_at FROM dead_letters `
	lettersBetween = letterColumns + `WHERE id < ? AND id >= ? ORDER BY id DESC`
)

// letterLister collects one page of dead letters, in whichever order they come.
type letterLister struct {
	spool  *Store
	filter spool.LetterFilter
	limit  int
	seen   int
	last   string
	page   []spool.DeadLetter
	next   string
}

func (l *letterLister) read(c *sqlite.Conn, sql string, args ...any) error {
	err := query(c, sql, l.row, args...)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (l *letterLister) row(r *sqlite.Stmt) error {
	if len(l.page) == l.limit || l.seen == scanMax {
		l.next = l.last
		return errEnough
	}
	l.seen++
	d := l.spool.scanLetter(r)
	l.last = d.ID
	if selects(l.filter, d) {
		l.page = append(l.page, d)
	}
	return nil
}

func (s *Store) scanLetter(r *sqlite.Stmt) spool.DeadLetter {
	d := spool.DeadLetter{
		ID: r.ColumnText(0), Stage: spool.Stage(r.ColumnText(1)), Source: r.ColumnText(3), CallID: r.ColumnText(4),
		Reason: spool.Reason(r.ColumnText(5)), Detail: r.ColumnText(6), Attempts: r.ColumnInt(7),
		CreatedAt: call.At(fromMillis(r.ColumnInt64(8))),
	}
	if l := s.laneByID(r.ColumnInt64(2)); l != nil {
		d.Sink = l.name
	}
	return d
}

// selects reports whether a filter selects a dead letter, its times aside.
func selects(f spool.LetterFilter, d spool.DeadLetter) bool {
	return (f.Stage == "" || f.Stage == d.Stage) && (f.Sink == "" || f.Sink == d.Sink) && (f.Reason == "" || f.Reason == d.Reason)
}

// DeadLetter gives one dead letter with what it holds, or ErrNotFound.
func (s *Store) DeadLetter(ctx context.Context, id string) (spool.DeadLetterDetail, error) {
	var out spool.DeadLetterDetail
	found := false
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		var seq, lane int64
		err := query(c, `SELECT id, stage, lane, source, call_id, reason, detail, tries, created_at, ifnull(call_seq, 0), body, request
			FROM dead_letters WHERE id = ?`, func(r *sqlite.Stmt) error {
			found = true
			out.DeadLetter = s.scanLetter(r)
			seq, lane = r.ColumnInt64(9), r.ColumnInt64(2)
			out.Body = columnBytes(r, 10)
			_ = json.Unmarshal(columnBytes(r, 11), &out.Request) // none, or damaged: the body speaks for itself
			return nil
		}, strings.ToUpper(id))
		if err != nil || seq == 0 {
			return err
		}
		return query(c, `SELECT c.record, d.attempts FROM calls c JOIN deliveries d ON d.call_seq = c.seq
			WHERE c.seq = ? AND d.lane = ?`, func(r *sqlite.Stmt) error {
			out.Record = columnBytes(r, 0)
			out.Log = decodeAttempts(columnBytes(r, 1))
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
