package sqlite

import (
	"context"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/wait"
)

const (
	// erasePatience is how long Erase waits for attempts that are on their way.
	erasePatience = 30 * time.Second
	// eraseStep bounds the calls of one transaction of Erase.
	eraseStep = 50
	// eraseAgain is the wait before those are looked at again.
	eraseAgain = 50 * time.Millisecond
)

// calls walks over the calls that it has not seen, up to the newest one now.
func (e *eraser) calls(ctx context.Context) error {
	var last int64
	err := e.listRd.do(ctx, func(c *sqlite.Conn) (err error) {
		last, err = dbfile.Int(c, `SELECT ifnull(max(seq), 0) FROM calls`)
		return err
	})
	if err != nil {
		return err
	}
	step := callStep{eraser: e, from: e.from}
	e.from = max(e.from, last)
	return e.walk(ctx, `SELECT seq, call_id, record FROM calls WHERE seq > ? ORDER BY seq LIMIT ?`, step.from, func(r *sqlite.Stmt) any {
		if step.to = r.ColumnInt64(0); step.to <= last && e.match.record(dbfile.Bytes(r, 2)) {
			step.ids = append(step.ids, r.ColumnText(1))
		}
		return step.to
	}, func() error { return step.finish(ctx) })
}

// callStep is one step of the walk over the calls.
type callStep struct {
	*eraser
	from, to int64 // calls after from, up to to
	ids      []string
}

func (s *callStep) finish(ctx context.Context) error {
	slices.Sort(s.ids)
	busy, err := s.eraseCallIDs(ctx, slices.Compact(s.ids))
	s.busy = append(s.busy, busy...)
	if err == nil {
		gone := slices.DeleteFunc(s.ids, func(id string) bool { return slices.Contains(busy, id) })
		err = s.redactLogs(ctx, s.from, s.to, gone)
	}
	s.from, s.ids = s.to, nil
	return err
}

// waitForBusy erases the calls whose attempts end in time.
func (e *eraser) waitForBusy(ctx context.Context) error {
	for end := time.Now().Add(erasePatience); len(e.busy) > 0 && time.Now().Before(end); {
		if err := wait.For(ctx, eraseAgain); err != nil {
			return err
		}
		busy, err := e.eraseCallIDs(ctx, e.busy)
		if err != nil {
			return err
		}
		e.busy = busy
	}
	return nil
}

// eraseCallIDs erases all revisions of calls and gives the ids of those that
// stay because a delivery of theirs is leased.
func (e *eraser) eraseCallIDs(ctx context.Context, ids []string) (busy []string, err error) {
	for part := range slices.Chunk(ids, eraseStep) {
		later, err := e.eraseSome(ctx, part)
		if err != nil {
			return nil, err
		}
		busy = append(busy, later...)
	}
	return busy, nil
}

// eraseSome erases calls in one transaction.
func (e *eraser) eraseSome(ctx context.Context, ids []string) (busy []string, err error) {
	claims, busy, err := e.claimAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	if e.dry {
		err = e.listRd.do(ctx, func(conn *sqlite.Conn) error { return countAll(conn, claims) })
	} else {
		err = e.writer.waitFor(ctx, op{name: "erase", do: func(t *tx) error { return e.eraseClaimed(t, claims) }, done: func(err error) {
			for _, c := range claims {
				c.release(err == nil && !c.stale)
			}
		}})
	}
	if err != nil {
		return nil, err
	}
	for _, c := range claims {
		if c.stale {
			busy = append(busy, c.id)
			continue
		}
		e.out.Calls += len(c.seqs)
		e.out.Deliveries += c.deliveries
		e.out.Waiting += c.waiting
		e.out.DeadLetters += c.letters
	}
	return busy, nil
}

// claimAll claims calls, but for those of which a lane has a delivery.
func (e *eraser) claimAll(ctx context.Context, ids []string) (claims []*claim, busy []string, err error) {
	for _, id := range ids {
		c, err := e.claim(ctx, id)
		switch {
		case err != nil:
			for _, c := range claims {
				c.release(false)
			}
			return nil, nil, err
		case c == nil:
			busy = append(busy, id)
		default:
			claims = append(claims, c)
		}
	}
	return claims, busy, nil
}

// claim is the right to erase a call: no lane can lease its deliveries.
type claim struct {
	id    string
	seqs  []int64
	lanes []*lane
	stale bool // a revision has come since: the next try claims it too

	deliveries, waiting, letters int
}

// claim takes all deliveries of a call out of the reach of the lanes, or gives
// nil where a lane has one of them.
func (e *eraser) claim(ctx context.Context, id string) (*claim, error) {
	c := &claim{id: id}
	err := e.listRd.do(ctx, func(conn *sqlite.Conn) (err error) {
		c.seqs, err = seqsOf(conn, id)
		return err
	})
	if err != nil || e.dry {
		return c, err
	}
	for _, l := range e.allLanes() {
		if !l.claim(c.seqs) {
			c.release(false)
			return nil, nil
		}
		c.lanes = append(c.lanes, l)
	}
	return c, nil
}

func seqsOf(c *sqlite.Conn, id string) (seqs []int64, err error) {
	err = dbfile.Query(c, `SELECT seq FROM calls WHERE call_id = ?`, func(r *sqlite.Stmt) error {
		seqs = append(seqs, r.ColumnInt64(0))
		return nil
	}, id)
	return seqs, err
}

// release ends the claim: over says that the deliveries are no more.
func (c *claim) release(over bool) {
	for _, l := range c.lanes {
		l.release(c.seqs, over)
	}
}

func countAll(conn *sqlite.Conn, claims []*claim) error {
	for _, c := range claims {
		if err := c.count(conn); err != nil {
			return err
		}
	}
	return nil
}

// count counts what hangs on the call.
func (c *claim) count(conn *sqlite.Conn) error {
	c.deliveries, c.waiting, c.letters = 0, 0, 0
	for _, seq := range c.seqs {
		err := dbfile.Query(conn, `SELECT state FROM deliveries WHERE call_seq = ?`, func(r *sqlite.Stmt) error {
			c.deliveries++
			if state(r.ColumnInt64(0)).waits() {
				c.waiting++
			}
			return nil
		}, seq)
		if err != nil {
			return err
		}
		n, err := dbfile.Int(conn, `SELECT count(*) FROM dead_letters WHERE call_seq = ?`, seq)
		if err != nil {
			return err
		}
		c.letters += int(n)
	}
	return nil
}

// eraseClaimed deletes calls with all that hangs on them.
func (e *eraser) eraseClaimed(t *tx, claims []*claim) error {
	var ids []string
	gone := 0
	for _, c := range claims {
		now, err := seqsOf(t.conn, c.id)
		if err != nil {
			return err
		}
		c.stale = slices.ContainsFunc(now, func(seq int64) bool { return !slices.Contains(c.seqs, seq) })
		if c.stale {
			continue
		}
		if err := c.count(t.conn); err != nil {
			return err
		}
		for _, seq := range now {
			if err := e.eraseClaimedSeq(t, seq); err != nil {
				return err
			}
		}
		ids, gone = append(ids, c.id), gone+len(now)
	}
	if gone == 0 {
		return nil
	}
	t.then(e.recent.clear)
	if err := forgetCalls(t.conn, ids); err != nil {
		return err
	}
	return e.uncount(t, gone)
}

func (e *eraser) eraseClaimedSeq(t *tx, seq int64) error {
	if err := e.chargeCall(t, heldSize, seq, -1); err != nil {
		return err
	}
	err := dbfile.Query(t.conn, `SELECT lane, state FROM deliveries WHERE call_seq = ?`, func(r *sqlite.Stmt) error {
		if l := e.laneByID(r.ColumnInt64(0)); l != nil && state(r.ColumnInt64(1)).waits() {
			t.then(func() { l.waiting.Add(-1) })
		}
		return nil
	}, seq)
	if err != nil {
		return err
	}
	err = dbfile.Query(t.conn, `DELETE FROM dead_letters WHERE call_seq = ? RETURNING lane`, func(r *sqlite.Stmt) error {
		if l := e.laneByID(r.ColumnInt64(0)); l != nil {
			t.then(func() { l.dead.Add(-1) })
		}
		return nil
	}, seq)
	if err != nil {
		return err
	}
	return eraseCall(t.conn, seq)
}

// redactLogs takes the number out of the attempts of other calls. A delivery
// that is on its way is left to its lane, which would write the log back. Those of
// the calls that are erased go with them.
func (e *eraser) redactLogs(ctx context.Context, from, to int64, gone []string) error {
	type log struct {
		seq  int64
		lane *lane
		text []byte
	}
	var logs []log
	err := e.listRd.do(ctx, func(c *sqlite.Conn) error {
		return dbfile.Query(c, `SELECT d.call_seq, d.lane, d.attempts, c.call_id FROM deliveries d JOIN calls c ON c.seq = d.call_seq
			WHERE d.call_seq > ? AND d.call_seq <= ? AND d.attempts IS NOT NULL`, func(r *sqlite.Stmt) error {
			if slices.Contains(gone, r.ColumnText(3)) {
				return nil
			}
			if text, hit := e.match.redactLog(dbfile.Bytes(r, 2)); hit {
				logs = append(logs, log{r.ColumnInt64(0), e.laneByID(r.ColumnInt64(1)), text})
			}
			return nil
		}, from, to)
	})
	if err != nil {
		return err
	}
	for _, one := range logs {
		if !e.dry && one.lane != nil && one.lane.claim([]int64{one.seq}) {
			err = e.writer.waitFor(ctx, op{name: "erase", do: func(t *tx) error {
				return dbfile.Execute(t.conn, `UPDATE deliveries SET attempts = ? WHERE call_seq = ? AND lane = ?`, one.text, one.seq, one.lane.id)
			}, done: func(error) { one.lane.release([]int64{one.seq}, false) }})
		}
		if err != nil {
			return err
		}
		e.out.Redacted++
	}
	return nil
}

func eraseCall(c *sqlite.Conn, seq int64) error {
	var rec *call.Record
	err := dbfile.Query(c, `SELECT record FROM calls WHERE seq = ?`, func(r *sqlite.Stmt) error {
		rec = decodeLeniently(dbfile.Bytes(r, 0))
		return nil
	}, seq)
	if err != nil || rec == nil {
		return err
	}
	for _, digits := range dbfile.NumberKeys(rec) {
		if err := dbfile.Execute(c, deleteKey, seq>>dbfile.BlockBits, digits, seq); err != nil {
			return err
		}
	}
	for _, sql := range []string{`DELETE FROM deliveries WHERE call_seq = ?`, `DELETE FROM event_calls WHERE call_seq = ?`, `DELETE FROM calls WHERE seq = ?`} {
		if err := dbfile.Execute(c, sql, seq); err != nil {
			return err
		}
	}
	return nil
}
