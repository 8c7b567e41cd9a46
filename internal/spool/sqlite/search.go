package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// scanMax bounds the calls that one page looks at, so that a filter that matches
	// nothing answers in bounded time, with a cursor to go on from.
	scanMax = 20_000
	// lookCalls bounds the calls that one page of a search by number looks at.
	lookCalls = 5000
	// pageBytes bounds the records of one page, but for the last one: a record may
	// hold 1 MiB. What is made of a page takes a few times as much.
	pageBytes = 2 << 20
	// clockSlack is how far received_at may lag behind the order of acceptance:
	// callbacks overtake each other, and clocks are set.
	clockSlack = time.Hour
)

const (
	callsBetween = callColumns + `WHERE seq < ? AND seq > ? ORDER BY seq DESC`
	callBySeq    = callColumns + `WHERE seq = ?`
	callFrom     = `SELECT seq, received_at FROM calls WHERE seq >= ? ORDER BY seq LIMIT 1`
)

// SearchCalls lists calls, newest first, one entry a revision. Time and memory
// of a page are bounded however many calls there are: a filter that passes over
// many returns a short, even empty page with a cursor to go on from; next is empty
// after the last page. Calls that come in meanwhile do not move a page.
func (s *Store) SearchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string) (page []spool.FoundCall, next string, err error) {
	before := int64(math.MaxInt64)
	if cursor != "" {
		if before, err = strconv.ParseInt(cursor, 10, 64); err != nil {
			return nil, "", fmt.Errorf("%w: %q is not one that a page of calls gave", spool.ErrBadCursor, cursor)
		}
	}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		q := callSearch{conn: c, filter: f, limit: limit, high: before, rows: scanMax, readings: s.deps.Readings}
		if err := q.run(); err != nil {
			return err
		}
		page, next = q.page, q.next
		for i := range page {
			if err := s.sinkStates(c, q.seqs[i], &page[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return page, next, err
}

func (s *Store) sinkStates(c *sqlite.Conn, seq int64, f *spool.FoundCall) error {
	return dbfile.Query(c, `SELECT lane, state FROM deliveries WHERE call_seq = ?`, func(r *sqlite.Stmt) error {
		if l := s.laneByID(r.ColumnInt64(0)); l != nil {
			f.Deliveries = append(f.Deliveries, spool.SinkState{Sink: l.name, State: state(r.ColumnInt64(1)).String()})
		}
		return nil
	}, seq)
}

// callSearch reads one page of calls with a seq between low and high, both
// excluded.
type callSearch struct {
	conn      *sqlite.Conn
	filter    spool.CallFilter
	limit     int
	low, high int64
	rows      int // how many calls the page may look at
	readings  func(typed string) []string
	number    *wanted
	looking   bool // calls are asked for their numbers

	seen, bytes int
	last        int64
	page        []spool.FoundCall
	seqs        []int64 // of the page
	next        string
}

func (q *callSearch) run() error {
	if err := q.bound(); err != nil {
		return err
	}
	if q.number = newWanted(q.filter.Number, q.readings); q.number != nil {
		return q.byNumber()
	}
	return q.read(callsBetween, q.high, q.low)
}

// bound turns the times of the filter into seqs, so that a page does not walk
// over everything that is younger or older.
func (q *callSearch) bound() error {
	if !q.filter.Since.IsZero() {
		seq, err := q.firstSince(q.filter.Since.Add(-clockSlack))
		if err != nil {
			return err
		}
		q.low = seq - 1
	}
	if !q.filter.Until.IsZero() {
		seq, err := q.firstSince(q.filter.Until.Add(clockSlack))
		if err != nil {
			return err
		}
		q.high = min(q.high, seq)
	}
	return nil
}

// firstSince finds by halving the first call received at a time or later, or
// what follows the last call.
func (q *callSearch) firstSince(t time.Time) (int64, error) {
	low, err := dbfile.Int(q.conn, `SELECT ifnull(min(seq), 0) FROM calls`)
	if err != nil {
		return 0, err
	}
	high, err := dbfile.Int(q.conn, `SELECT ifnull(max(seq), 0) + 1 FROM calls`)
	for err == nil && low < high {
		middle := low + (high-low)/2
		var seq, at int64
		err = dbfile.Query(q.conn, callFrom, func(r *sqlite.Stmt) error {
			seq, at = r.ColumnInt64(0), r.ColumnInt64(1)
			return nil
		}, middle)
		if seq == 0 || seq >= high || at >= t.UnixMilli() {
			high = middle
		} else {
			low = seq + 1
		}
	}
	return high, err
}

func (q *callSearch) read(sql string, args ...any) error {
	err := dbfile.Query(q.conn, sql, q.row, args...)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (q *callSearch) row(r *sqlite.Stmt) error {
	if len(q.page) == q.limit || q.seen == q.rows || q.bytes > pageBytes {
		q.next = strconv.FormatInt(q.last, 10)
		return errEnough
	}
	q.seen++
	q.last = r.ColumnInt64(0)
	at := dbfile.FromMillis(r.ColumnInt64(5))
	f := q.filter
	if f.Source != "" && f.Source != r.ColumnText(3) || f.Outcome != "" && f.Outcome != r.ColumnText(4) ||
		!f.Since.IsZero() && at.Before(f.Since) || !f.Until.IsZero() && !at.Before(f.Until) {
		return nil
	}
	record := dbfile.Bytes(r, 6)
	if q.looking && !slices.ContainsFunc(dbfile.NumberKeys(decodeLeniently(record)), q.number.matches) {
		return nil
	}
	q.bytes += len(record)
	q.seqs = append(q.seqs, q.last)
	q.page = append(q.page, spool.FoundCall{CallSummary: spool.CallSummary{
		ID: r.ColumnText(1), Revision: r.ColumnInt(2), ReceivedAt: call.At(at), Record: record,
	}})
	return nil
}
