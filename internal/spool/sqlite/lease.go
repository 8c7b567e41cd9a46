package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/share"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// reportsMax and reportsBytes are the uncommitted reports at which leasing stops:
// on a disk that takes no reports, going on would repeat ever more deliveries after
// a crash, and reports hold the logs of attempts.
const (
	reportsMax   = 4096
	reportsBytes = 4 << 20
)

// delivery is a Delivery with what only the store knows of it.
type delivery struct {
	spool.Delivery
	lane     *lane
	subject  subject // once it is reported
	cost     int64   // what it takes of the room, until it is reported
	state    state
	attempts []byte
	content  []byte // the hash; with encoded only between reading and decoding
	encoded  []byte
	sum      int64 // over both, or unsummed
}

// subject is what a report needs to know of a record.
type subject struct {
	id, source string
	revision   int
}

// Lease returns deliveries of a lane whose time has come, in the order of
// places.go; replayed ones get what the others leave.
//
// While the disk takes no reports and many of them wait, Lease gives nothing and
// no error: what it gave would be repeated after a crash. The same goes for a lane
// whose share of the memory is used up (cost.go): Work tells it when there is some
// again. A lane whose time has come and that gets nothing asks again after a moment.
func (s *Store) Lease(ctx context.Context, sink string, want spool.Places) ([]*spool.Delivery, error) {
	l := s.lane(sink)
	if l == nil || want.Limit < 1 || s.writer.crowded() {
		return nil, nil
	}
	l.leasing.Lock()
	defer l.leasing.Unlock()
	cursor := l.beginRead()
	r := leaseReader{lane: l, recent: s.recent, room: s.room, now: dbfile.Millis(s.clock.now()), want: want}
	err := s.lanesRd.do(ctx, func(c *sqlite.Conn) error {
		r.conn = c
		return r.read(cursor)
	})
	if err != nil {
		l.endRead(nil, 0)
		s.giveRoom(r.found)
		return nil, fmt.Errorf("lease for %s: %w", sink, err)
	}
	leased := l.endRead(r.found, want.Limit)
	s.giveRoom(without(r.found, leased))
	return s.decode(leased), nil
}

// without returns the deliveries that are not among those that were leased, which
// are in the same order.
func without(found, leased []*delivery) (rest []*delivery) {
	for _, d := range found {
		if len(leased) > 0 && leased[0] == d {
			leased = leased[1:]
			continue
		}
		rest = append(rest, d)
	}
	return rest
}

// decode makes the records of what was leased and sets aside what has none.
func (s *Store) decode(leased []*delivery) []*spool.Delivery {
	out := make([]*spool.Delivery, 0, len(leased))
	for _, d := range leased {
		if d.Record == nil {
			if err := d.decode(); err != nil {
				s.setAside(d, err.Error())
				continue
			}
			d.content, d.encoded = nil, nil
		}
		out = append(out, &d.Delivery)
	}
	return out
}

// decode makes the record.
func (d *delivery) decode() error {
	rec, content, err := dbfile.DecodeRecord(d.content, d.encoded, d.sum)
	if err == nil {
		d.Record, d.MessageID = rec, call.MessageID(rec.ID, content, d.Sink)
	}
	return err
}

// leaseReader collects the deliveries that a lane may lease.
type leaseReader struct {
	conn   *sqlite.Conn
	lane   *lane
	recent *recent
	room   *share.Room[*lane]
	now    int64
	want   spool.Places
	found  []*delivery
}

// No LIMIT here: SQLite prepares a statement anew for each value bound to it, and
// for each bound to a bare lane = ?, which it compares with the condition of the
// partial index; lane = +? it does not. The reader stops by itself.
const (
	leaseOf        = ` FROM deliveries d WHERE d.lane = +? AND d.state < 4 AND `
	leaseTried     = `SELECT d.call_seq, d.state, d.since, d.tries, d.attempts, d.spent, d.doubts, d.failed_at` + leaseOf
	leaseFresh     = `SELECT d.call_seq, d.state, d.since` + leaseOf + `d.state = 0 AND d.due = 0 AND d.call_seq > ? ORDER BY d.call_seq`
	leaseScheduled = leaseTried + `d.state = 1 AND d.due <= ? ORDER BY d.due, d.call_seq`
	leaseDoubtful  = leaseTried + `d.state = -1 AND d.due <= ? ORDER BY d.due, d.call_seq`
	leaseReplayed  = leaseTried + `d.state = 2 AND d.due <= ? ORDER BY d.due, d.call_seq`
	// The length of a blob is read without the blob.
	leasedCall = `SELECT content, CASE WHEN length(record) <= ? THEN record END, trace, ifnull(checksum, -1), ifnull(length(record), 0), revision FROM calls WHERE seq = ?`
)

// read takes what is due of each kind and deals the places out between them.
func (r *leaseReader) read(cursor int64) error {
	var waiting dealt
	for _, kind := range []struct {
		into  *[]*delivery
		sql   string
		from  int64
		limit int
	}{
		{&waiting.fresh, leaseFresh, cursor, r.want.Limit},
		{&waiting.failed, leaseScheduled, r.now, r.want.Limit},
		{&waiting.doubtful, leaseDoubtful, r.now, min(r.want.Doubtful, r.want.Limit)},
	} {
		var err error
		if *kind.into, err = r.rows(kind.sql, kind.from, kind.limit); err != nil {
			return err
		}
	}
	last := waiting.doubtful
	if r.want.Alone {
		r.found = append(waiting.fresh, waiting.failed...)
	} else {
		r.found, last = r.lane.deal.places(waiting, r.want.Limit), nil
	}
	if left := r.want.Limit - len(r.found); left > 0 {
		again, err := r.rows(leaseReplayed, r.now, left)
		if err != nil {
			return err
		}
		r.found = append(r.found, append(again, last...)...)
	}
	r.found = r.found[:min(len(r.found), r.want.Limit)]
	for i, d := range r.found {
		fits, err := r.call(d)
		if err != nil {
			return err
		}
		if !fits {
			r.found = r.found[:i]
			return nil
		}
	}
	return nil
}

// rows reads up to limit deliveries that are not leased. A fresh one was never
// tried.
func (r *leaseReader) rows(sql string, from int64, limit int) (out []*delivery, err error) {
	if limit == 0 {
		return nil, nil
	}
	err = dbfile.Query(r.conn, sql, func(s *sqlite.Stmt) error {
		seq := s.ColumnInt64(0)
		if r.lane.isLeased(seq) {
			return nil
		}
		d := &delivery{
			Delivery: spool.Delivery{Sink: r.lane.name, Seq: seq, Since: dbfile.FromMillis(s.ColumnInt64(2))}, lane: r.lane, state: state(s.ColumnInt64(1)),
		}
		if d.state != ready {
			d.Tries, d.attempts = s.ColumnInt(3), dbfile.Bytes(s, 4)
			d.History = spool.History{
				Spent: s.ColumnInt(5), Doubts: s.ColumnInt(6), FailedAt: dbfile.FromMillis(s.ColumnInt64(7)), Doubtful: d.state == doubtful,
			}
		}
		if out = append(out, d); len(out) == limit {
			return errEnough
		}
		return nil
	}, r.lane.id, from)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// call adds what the delivery is about, from memory or from the file. It reports
// false where the lane has no room for it.
func (r *leaseReader) call(d *delivery) (fits bool, err error) {
	if c, ok := r.recent.get(d.Seq); ok {
		d.Record, d.Trace, d.MessageID = c.record, c.trace, call.MessageID(c.record.ID, c.content, d.Sink)
		if !r.take(d, c.length) {
			return false, nil
		}
		return true, r.related(d, c.record.Revision)
	}
	length, revision := 0, 0
	err = dbfile.Query(r.conn, leasedCall, func(s *sqlite.Stmt) error {
		d.content, d.encoded, d.Trace, d.sum, length = dbfile.Bytes(s, 0), dbfile.Bytes(s, 1), s.ColumnText(2), s.ColumnInt64(3), s.ColumnInt(4)
		revision = s.ColumnInt(5)
		return nil
	}, smallRecord, d.Seq)
	if err != nil || !r.take(d, length) {
		return false, err
	}
	if length > smallRecord {
		if d.encoded, err = readRecord(r.conn, d.Seq); err != nil {
			return true, err
		}
	}
	return true, r.related(d, revision)
}

// related adds what follows from other deliveries of the call.
func (r *leaseReader) related(d *delivery, revision int) error {
	if r.lane.settles() > 0 {
		n, err := dbfile.Int(r.conn, newerWaits, d.Seq, r.lane.id)
		if err != nil {
			return err
		}
		d.Superseded = n > 0
	}
	return r.remembered(d, revision)
}

const newerWaits = `SELECT count(*) FROM calls this JOIN calls c ON c.call_id = this.call_id AND c.revision > this.revision
	JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = ? AND d.lane = ? AND d.state <= 3`

// remembered adds what earlier attempts kept. There was none of a first revision that
// is fresh.
func (r *leaseReader) remembered(d *delivery, revision int) (err error) {
	if d.state != ready || revision > 1 {
		d.Remembered, err = remembered(r.conn, d.Seq, r.lane)
	}
	return err
}

// take charges the lane for a delivery, by the length of its encoded record.
func (r *leaseReader) take(d *delivery, length int) bool {
	cost := leaseCost(length, len(d.attempts))
	if !r.room.Take(r.lane, cost) {
		return false
	}
	d.cost = cost
	return true
}

const (
	nextScheduled = `SELECT call_seq, due FROM deliveries WHERE lane = +? AND state < 4 AND state = 1 ORDER BY due, call_seq`
	nextDoubtful  = `SELECT call_seq, due FROM deliveries WHERE lane = +? AND state < 4 AND state = -1 ORDER BY due, call_seq`
	nextReplayed  = `SELECT call_seq, due FROM deliveries WHERE lane = +? AND state < 4 AND state = 2 ORDER BY due, call_seq`
)

// NextDue returns when the lane's next delivery that was attempted or replayed is
// due, of doubtful ones too where asked; the zero time when none is scheduled.
func (s *Store) NextDue(ctx context.Context, sink string, withDoubtful bool) (time.Time, error) {
	l := s.lane(sink)
	if l == nil {
		return time.Time{}, nil
	}
	kinds := []string{nextScheduled, nextReplayed}
	if withDoubtful {
		kinds = append(kinds, nextDoubtful)
	}
	var next int64
	err := s.lanesRd.do(ctx, func(c *sqlite.Conn) error {
		for _, sql := range kinds {
			err := dbfile.Query(c, sql, func(r *sqlite.Stmt) error {
				if l.isLeased(r.ColumnInt64(0)) {
					return nil
				}
				if due := r.ColumnInt64(1); next == 0 || due < next {
					next = due
				}
				return errEnough
			}, l.id)
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
		}
		return nil
	})
	return dbfile.FromMillis(next), err
}
