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

// Accept keeps a call and its deliveries durably, tells a duplicate by its
// content and makes each new content of a call its next revision. It blocks
// until the commit is synced, or the context ends before: what was on its way to
// the disk then may be kept all the same, and the next push of it is a duplicate.
func (s *Store) Accept(ctx context.Context, a spool.Acceptance) (spool.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return spool.Receipt{}, err
	}
	if err := s.refusal(); err != nil {
		return spool.Receipt{}, err
	}
	p := prepare(a)
	receipt, err := change(ctx, s.writer, op{name: "accept", bytes: len(p.encoded)}, func(t *tx) (spool.Receipt, error) { return s.accept(ctx, t, p) })
	if err == nil && receipt.ID == "" { // Route failed
		err = p.err
	}
	return receipt, err
}

// refuseMore is why there is no room for one more call of a source. What waited for
// its commit while the last room was taken is refused as well.
func (s *Store) refuseMore(t *tx, source string) error {
	if err := s.roomless(); err != nil {
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, err)
	}
	return s.refuseShare(t, source)
}

// prepared is an acceptance with all that can be computed off the writer's
// goroutine, on the likely assumption that the call is new.
type prepared struct {
	spool.Acceptance
	encoded []byte
	sinks   []string
	rules   string
	err     error    // of Route, or of the share of the source
	digits  []string // the search keys
}

func prepare(a spool.Acceptance) *prepared {
	p := &prepared{Acceptance: a, digits: dbfile.NumberKeys(a.Record)}
	p.revise(1)
	return p
}

// revise sets the revision and all that follows from it.
func (p *prepared) revise(n int) {
	p.Record.Revision = n
	if p.sinks, p.err = p.Route(p.Record); p.Rules != nil {
		p.rules = p.Rules()
	}
	p.encoded = p.Record.JSON()
}

// accept runs inside the transaction.
func (s *Store) accept(ctx context.Context, t *tx, p *prepared) (spool.Receipt, error) {
	id := p.Record.ID
	last, same, err := revisions(t.conn, id, p.Content)
	if err != nil {
		return spool.Receipt{}, err
	}
	if same > 0 {
		return spool.Receipt{ID: id, Revision: same, Duplicate: true}, s.redeemed(ctx, t, p, 0)
	}
	if p.Letter == "" { // what is redeemed takes no more than its dead letter
		if err := s.refuseMore(t, p.Record.Source); err != nil {
			p.err = err
			return spool.Receipt{}, nil
		}
	}
	if want := last + 1; want != p.Record.Revision {
		p.revise(want)
	}
	if p.err != nil {
		return spool.Receipt{}, nil // the others of the group are not to be committed again for it
	}
	seq, err := s.insert(t, p, last)
	if err != nil {
		return spool.Receipt{}, err
	}
	return spool.Receipt{ID: id, Revision: p.Record.Revision}, s.redeemed(ctx, t, p, seq)
}

// redeemed removes the dead letter that became a call, and keeps whose doing that was.
// seq is 0 for a call that was kept before.
func (s *Store) redeemed(ctx context.Context, t *tx, p *prepared, seq int64) error {
	if p.Letter == "" {
		return nil
	}
	if err := s.dropLetter(t, p.Letter); err != nil {
		return err
	}
	did := touched{}
	did.add(nil, seq)
	return t.noted(ctx, did)
}

const revisionsOf = `SELECT revision, content FROM calls WHERE call_id = ?`

// revisions returns the last revision of a call, and the one with this content.
func revisions(c *sqlite.Conn, id string, content call.ContentHash) (last, same int, err error) {
	var hash call.ContentHash
	err = dbfile.Query(c, revisionsOf, func(r *sqlite.Stmt) error {
		revision := r.ColumnInt(0)
		last = max(last, revision)
		if r.ColumnBytes(1, hash[:]) == len(hash) && hash == content {
			same = revision
		}
		return nil
	}, id)
	return last, same, err
}

// insert writes the call and its deliveries, and returns its seq. Its search keys follow: see keys.go.
func (s *Store) insert(t *tx, p *prepared, last int) (seq int64, err error) {
	r := p.Record
	if err := dbfile.Execute(t.conn, `INSERT INTO calls(call_id, revision, content, source, outcome, received_at, record, trace, checksum, rules) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Revision, p.Content[:], r.Source, string(r.Outcome), dbfile.Millis(r.ReceivedAt.Time), p.encoded, p.Trace, dbfile.Checksum(p.Content[:], p.encoded), p.rules); err != nil {
		return 0, err
	}
	seq = t.conn.LastInsertRowID()
	t.then(func() { s.unindexed.add(seq, p.digits) })
	if len(p.sinks) > 0 {
		// Before the deliveries wake their lanes.
		t.then(func() {
			s.recent.put(seq, recentCall{record: r, content: p.Content, trace: p.Trace, length: len(p.encoded)})
		})
	}
	if len(p.sinks) > 0 {
		s.charge(t, r.Source, sizeOnDisk(int64(len(p.encoded))))
	}
	for i, sink := range p.sinks {
		if slices.Contains(p.sinks[:i], sink) {
			continue // named by two rules
		}
		if err := s.insertDelivery(t, r, seq, sink, last); err != nil {
			return 0, err
		}
	}
	s.count(t, seq)
	return seq, nil
}

// insertDelivery writes one delivery, held where an older revision waits.
func (s *Store) insertDelivery(t *tx, r *call.Record, seq int64, sink string, last int) error {
	l, err := s.laneIn(t, sink)
	if err != nil {
		return err
	}
	st := ready
	if last > 0 {
		if st, err = holdBehindOlder(t.conn, r.ID, r.Revision, l.id); err != nil {
			return err
		}
	}
	since, due := t.now, int64(0)
	if settle := l.settles(); settle > 0 && st == ready {
		st, due = scheduled, dbfile.Millis(since.Add(settle))
	}
	if err := dbfile.Execute(t.conn, `INSERT INTO deliveries(call_seq, lane, state, due, since) VALUES (?, ?, ?, ?, ?)`,
		seq, l.id, st, due, dbfile.Millis(since)); err != nil {
		return err
	}
	t.then(func() {
		l.waiting.Add(1)
		l.signal()
	})
	return nil
}

const olderWaiting = `SELECT d.call_seq FROM calls c JOIN deliveries d ON d.call_seq = c.seq
	WHERE c.call_id = ? AND c.revision < ? AND d.lane = ? AND d.state <= 3 ORDER BY c.revision DESC LIMIT 1`

// holdBehindOlder returns held, and marks the newest older revision that waits in
// the lane as having a successor; or ready where none waits.
func holdBehindOlder(c *sqlite.Conn, id string, revision int, lane int64) (state, error) {
	older, err := dbfile.Int(c, olderWaiting, id, revision, lane)
	if err != nil || older == 0 {
		return ready, err
	}
	return held, dbfile.Execute(c, `UPDATE deliveries SET successor = 1 WHERE call_seq = ? AND lane = ?`, older, lane)
}
