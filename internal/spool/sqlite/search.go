package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// pageBytes bounds the records of one page, but for the last one: a record may
	// hold 1 MiB. What is made of a page takes a few times as much.
	pageBytes = 2 << 20
	// clockSlack is how far received_at may lag behind the order of acceptance:
	// callbacks overtake each other, and clocks are set.
	clockSlack = time.Hour
)

const (
	callsBetween   = callColumns + `WHERE seq < ? AND seq > ? ORDER BY seq DESC`
	callsAscending = callColumns + `WHERE seq < ? AND seq > ? ORDER BY seq`
	callBySeq      = callColumns + `WHERE seq = ?`
	callFrom       = `SELECT seq, received_at FROM calls WHERE seq >= ? ORDER BY seq LIMIT 1`
)

// SearchCalls lists calls, one entry a revision. Time and memory
// of a page are bounded however many calls there are: a filter that passes over
// many returns a short, even empty page with a cursor to go on from. Calls that come
// in meanwhile do not move a page.
func (s *Store) SearchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string) (spool.CallPage, error) {
	return s.searchCalls(ctx, f, limit, cursor, time.Now)
}

// searchCalls is SearchCalls by a clock.
func (s *Store) searchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string, now func() time.Time) (page spool.CallPage, err error) {
	q := callSearch{store: s, filter: f, limit: limit, high: math.MaxInt64}
	if err := q.goOn(cursor); err != nil {
		return page, err
	}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		q.conn, q.pace = c, paceOf(now)
		err := q.run()
		page = q.page
		return err
	})
	return page, err
}

// callSearch reads one page of calls with a seq between low and high, both
// excluded.
type callSearch struct {
	store     *Store
	conn      *sqlite.Conn
	filter    spool.CallFilter
	limit     int
	low, high int64
	end       int64 // the newest call of a listing that has the oldest first
	pace      pace
	number    *wanted
	looking   bool // calls are asked for their numbers

	buffer []byte // of the record that is looked at
	bytes  int    // of the page
	last   int64  // all calls from here on were looked at; 0 for none
	page   spool.CallPage
}

// goOn reads the cursor of the page before: the last call that was looked at, and, where
// the oldest come first, the newest one of the listing.
func (q *callSearch) goOn(cursor string) error {
	if cursor == "" {
		return nil
	}
	last, end, both := strings.Cut(cursor, ".")
	at, err := strconv.ParseInt(last, 10, 64)
	if err == nil && both {
		q.end, err = strconv.ParseInt(end, 10, 64)
	}
	if err != nil || both != q.filter.OldestFirst {
		return fmt.Errorf("%w: %q is not one that a page of calls gave", spool.ErrBadCursor, cursor)
	}
	if both {
		q.low, q.high = at, q.end+1
	} else {
		q.high = at
	}
	return nil
}

func (q *callSearch) run() error {
	err := q.bound()
	switch q.number = newWanted(q.filter.Number, q.store.deps.Readings); {
	case err != nil:
	case q.number != nil:
		err = q.byNumber()
	case q.filter.ByDelivery():
		err = q.byDelivery()
	default:
		err = q.between(q.low)
	}
	if err != nil || q.page.Next == "" {
		return err
	}
	return dbfile.Query(q.conn, callFrom, func(r *sqlite.Stmt) error {
		q.page.Reached = dbfile.FromMillis(r.ColumnInt64(1))
		return nil
	}, q.last)
}

// enough reports whether the page ends here, with a cursor to go on from. Each page
// looks at one call at least.
func (q *callSearch) enough() bool {
	if len(q.page.Calls) < q.limit && q.bytes <= pageBytes && (!q.pace.over() || q.last == 0) {
		return false
	}
	q.page.Next = strconv.FormatInt(q.last, 10)
	if q.filter.OldestFirst {
		q.page.Next += "." + strconv.FormatInt(q.end, 10)
	}
	return true
}

// bound turns the times of the filter into seqs, so that a page does not walk
// over everything that is younger or older.
func (q *callSearch) bound() (err error) {
	if q.filter.OldestFirst && q.end == 0 {
		if q.end, err = dbfile.Int(q.conn, `SELECT ifnull(max(seq), 0) FROM calls`); err != nil {
			return err
		}
		q.high = q.end + 1
	}
	if !q.filter.Since.IsZero() {
		seq, err := q.firstSince(q.filter.Since.Add(-clockSlack))
		if err != nil {
			return err
		}
		q.low = max(q.low, seq-1)
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

// between reads the calls after one, and up to q.high.
func (q *callSearch) between(after int64) error {
	if q.filter.OldestFirst {
		return q.read(callsAscending, q.high, after)
	}
	return q.read(callsBetween, q.high, after)
}

func (q *callSearch) read(sql string, args ...any) error {
	err := dbfile.Query(q.conn, sql, q.row, args...)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func (q *callSearch) row(r *sqlite.Stmt) error {
	if q.enough() {
		return errEnough
	}
	q.last = r.ColumnInt64(0)
	at := dbfile.FromMillis(r.ColumnInt64(5))
	f := q.filter
	if f.Source != "" && f.Source != r.ColumnText(3) || f.Outcome != "" && f.Outcome != r.ColumnText(4) ||
		!f.Since.IsZero() && at.Before(f.Since) || !f.Until.IsZero() && !at.Before(f.Until) {
		return nil
	}
	q.buffer = slices.Grow(q.buffer[:0], r.ColumnLen(6))
	record := q.buffer[:r.ColumnBytes(6, q.buffer[:r.ColumnLen(6)])]
	q.pace.read(len(record))
	if !f.MatchesRecord(record) || q.looking && !slices.ContainsFunc(dbfile.NumberKeys(decodeLeniently(record)), q.number.matches) {
		return nil
	}
	deliveries, err := q.store.sinkStates(q.conn, q.last)
	if err != nil || f.ByDelivery() && !slices.ContainsFunc(deliveries, f.MatchesDelivery) {
		return err
	}
	q.bytes += len(record)
	q.page.Calls = append(q.page.Calls, spool.FoundCall{CallSummary: spool.CallSummary{
		ID: r.ColumnText(1), Revision: r.ColumnInt(2), ReceivedAt: call.At(at), Record: bytes.Clone(record),
	}, Deliveries: deliveries})
	return nil
}

// sinkStates returns where the deliveries of a call stand.
func (s *Store) sinkStates(c *sqlite.Conn, seq int64) (out []spool.SinkState, err error) {
	err = dbfile.Query(c, `SELECT lane, state FROM deliveries WHERE call_seq = ?`, func(r *sqlite.Stmt) error {
		if l := s.laneByID(r.ColumnInt64(0)); l != nil {
			out = append(out, spool.SinkState{Sink: l.name, State: state(r.ColumnInt64(1)).String()})
		}
		return nil
	}, seq)
	return out, err
}
