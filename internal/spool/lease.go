package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
)

// reportsMax is the number of uncommitted reports at which leasing stops: on a
// disk that takes no reports, going on would repeat ever more deliveries after
// a crash.
const reportsMax = 4096

// Delivery is one call record owed to one sink, leased to its lane. It ends
// with exactly one of Settle, Retry, Bury or Release.
type Delivery struct {
	Sink   string
	Record *call.Record
	// MessageID is the same for every try, on every replica, at every replay.
	MessageID string
	// Since is the acceptance or the last replay; give_up_after counts from it.
	Since time.Time
	// Tries is how many attempts have been made so far.
	Tries int
	// RecentTries is how many of them were made since Since; the retry schedule
	// counts these, so that a replay begins it anew.
	RecentTries int
	// Seq is the store's handle of the call.
	Seq int64
	// Trace is that of the Acceptance.
	Trace string

	lane     *lane
	state    state
	attempts []byte
	content  []byte // the hash; with encoded only between reading and decoding
	encoded  []byte
}

// Lease gives up to limit deliveries of a lane whose time has come. Those that
// failed before take at most half of the places while fresh ones wait, over two
// leases where the limit is odd; replayed ones get what the others leave.
//
// While the disk takes no reports and many of them wait, Lease gives nothing and
// no error: what it gave would be repeated after a crash. A lane whose time has
// come and that gets nothing asks again after a moment.
func (s *Spool) Lease(ctx context.Context, sink string, limit int) ([]*Delivery, error) {
	l := s.lane(sink)
	if l == nil || limit < 1 || s.writer.backlog() >= reportsMax {
		return nil, nil
	}
	l.leasing.Lock()
	defer l.leasing.Unlock()
	cursor, leased := l.beginRead()
	r := leaseReader{lane: l, now: millis(s.clock.now()), limit: limit, margin: leased}
	err := s.lanesRd.do(ctx, func(c *sqlite.Conn) error {
		r.conn = c
		return r.read(cursor)
	})
	if err != nil {
		l.endRead(nil, 0)
		if isDamage(err) {
			s.noticeDamage(err)
		}
		return nil, fmt.Errorf("lease for %s: %w", sink, err)
	}
	return s.decode(l.endRead(r.found, limit)), nil
}

// decode makes the records of what was leased and sets aside what has none.
func (s *Spool) decode(leased []*Delivery) []*Delivery {
	out := leased[:0]
	for _, d := range leased {
		if err := d.decode(); err != nil {
			s.setAside(d, err.Error())
			continue
		}
		d.content, d.encoded = nil, nil
		out = append(out, d)
	}
	return out
}

func (d *Delivery) decode() error {
	var content call.ContentHash
	rec := &call.Record{}
	if err := json.Unmarshal(d.encoded, rec); err != nil {
		return err
	}
	if copy(content[:], d.content) != len(content) || rec.Schema != call.SchemaID {
		return errors.New("not a record of " + call.SchemaID)
	}
	d.Record, d.MessageID = rec, call.MessageID(rec.ID, content, d.Sink)
	return nil
}

// leaseReader collects the deliveries that a lane may lease.
type leaseReader struct {
	conn   *sqlite.Conn
	lane   *lane
	now    int64
	limit  int
	margin int // rows that are leased already and will be met again
	found  []*Delivery
}

const (
	leaseColumns = `SELECT d.call_seq, d.state, d.since, d.tries, d.attempts, c.content, c.record, c.trace, d.tries_before
	FROM deliveries d JOIN calls c ON c.seq = d.call_seq WHERE d.lane = ? AND d.state < 4 AND `
	leaseFresh     = leaseColumns + `d.state = 0 AND d.due = 0 AND d.call_seq > ? ORDER BY d.call_seq LIMIT ?`
	leaseScheduled = leaseColumns + `d.state = 1 AND d.due <= ? ORDER BY d.due, d.call_seq LIMIT ?`
	leaseReplayed  = leaseColumns + `d.state = 2 AND d.due <= ? ORDER BY d.due, d.call_seq LIMIT ?`
)

// read takes the due ones, the fresh ones and, where places are left, the
// replayed ones, and shares the places out between them.
func (r *leaseReader) read(cursor int64) error {
	tried, err := r.rows(leaseScheduled, r.now, r.limit)
	if err != nil {
		return err
	}
	fresh, err := r.rows(leaseFresh, cursor, r.limit)
	if err != nil {
		return err
	}
	places := r.limit - len(fresh)
	if len(tried) > places && len(fresh) > 0 {
		places = max(places, r.lane.half(r.limit))
	}
	r.found = append(tried[:min(len(tried), places)], fresh...)
	if left := r.limit - len(r.found); left > 0 {
		again, err := r.rows(leaseReplayed, r.now, left)
		if err != nil {
			return err
		}
		r.found = append(r.found, again...)
	}
	return nil
}

// rows reads up to limit deliveries that are not leased.
func (r *leaseReader) rows(sql string, from int64, limit int) (out []*Delivery, err error) {
	err = query(r.conn, sql, func(s *sqlite.Stmt) error {
		seq := s.ColumnInt64(0)
		switch {
		case len(out) == limit:
			return errEnough
		case r.lane.isLeased(seq):
			return nil
		}
		out = append(out, &Delivery{
			Sink: r.lane.name, Seq: seq, lane: r.lane, state: state(s.ColumnInt64(1)),
			Since: fromMillis(s.ColumnInt64(2)), Tries: s.ColumnInt(3), attempts: columnBytes(s, 4),
			content: columnBytes(s, 5), encoded: columnBytes(s, 6), Trace: s.ColumnText(7),
			RecentTries: s.ColumnInt(3) - s.ColumnInt(8),
		})
		return nil
	}, r.lane.id, from, limit+r.margin)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

const nextDue = `SELECT call_seq, due FROM deliveries WHERE lane = ? AND state < 4 AND state = ? ORDER BY due, call_seq LIMIT ?`

// NextDue tells when the lane's next delivery that was attempted or replayed is
// due; the zero time when none is scheduled.
func (s *Spool) NextDue(ctx context.Context, sink string) (time.Time, error) {
	l := s.lane(sink)
	if l == nil {
		return time.Time{}, nil
	}
	var next int64
	err := s.lanesRd.do(ctx, func(c *sqlite.Conn) error {
		for _, st := range []state{scheduled, replayed} {
			err := query(c, nextDue, func(r *sqlite.Stmt) error {
				if due := r.ColumnInt64(1); !l.isLeased(r.ColumnInt64(0)) && (next == 0 || due < next) {
					next = due
				}
				return nil
			}, l.id, st, l.leasedCount()+1)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fromMillis(next), err
}
