package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// eventsMax bounds the events that are kept. They go with the longer one of the two
	// retention times, and the oldest where there are more.
	eventsMax = 10_000
	// eventsOfCallMax bounds those of many calls that are kept for each of the calls.
	eventsOfCallMax = 20
)

const (
	eventColumns = `SELECT id, action, token, address, via, sinks, call_id, count, detail FROM events `
	// eventsOfCall is the condition on an event that it changed something of a call.
	eventsOfCall = `(call_id = ?3 OR id IN (SELECT x.event FROM calls c JOIN event_calls x ON x.call_seq = c.seq WHERE c.call_id = ?3))`
	searchEvents = eventColumns + `WHERE id > ?1 AND id < ?2 AND (?3 = '' OR ` + eventsOfCall + `)
		AND (?4 = '' OR instr(char(10) || sinks || char(10), char(10) || ?4 || char(10)) > 0) ORDER BY id DESC LIMIT ?5`
	keepEvent = `INSERT INTO events(id, action, token, address, via, sinks, call_id, count, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT(id) DO UPDATE SET sinks = excluded.sinks, count = count + excluded.count,
			detail = CASE excluded.detail WHEN '' THEN detail ELSE excluded.detail END`
	linkEvent = `INSERT OR IGNORE INTO event_calls(call_seq, event) VALUES (?, ?)`
	trimLinks = `DELETE FROM event_calls WHERE call_seq = ?1 AND event <= (SELECT event FROM event_calls WHERE call_seq = ?1 ORDER BY event DESC LIMIT 1 OFFSET ?2)`
)

// KeepEvent keeps an event that does not change the store.
func (s *Store) KeepEvent(ctx context.Context, e spool.Event) error {
	if _, err := ulid.ParseStrict(e.ID); err != nil {
		return fmt.Errorf("the id of an event: %w", err)
	}
	return s.writer.wait(ctx, "event", func(t *tx) error { return writeEvent(t.conn, e) })
}

// touched is what a change did for its event.
type touched struct {
	count int
	sinks []string
	calls []int64
}

func (d *touched) add(l *lane, seq int64) {
	d.count++
	if l != nil && !slices.Contains(d.sinks, l.name) {
		d.sinks = append(d.sinks, l.name)
	}
	if seq != 0 {
		d.calls = append(d.calls, seq)
	}
}

// noted keeps the event that the context of a change holds, in its transaction.
func (t *tx) noted(ctx context.Context, d touched) error {
	e, ok := spool.EventOf(ctx)
	if !ok || d.count == 0 {
		return nil
	}
	e.Count, e.Sinks = d.count, append(slices.Clone(e.Sinks), d.sinks...)
	if err := writeEvent(t.conn, e); err != nil || e.CallID != "" {
		return err
	}
	for _, seq := range d.calls {
		if err := dbfile.Execute(t.conn, linkEvent, seq, e.ID); err != nil {
			return err
		}
		if err := dbfile.Execute(t.conn, trimLinks, seq, eventsOfCallMax); err != nil {
			return err
		}
	}
	return nil
}

// writeEvent writes an event, or adds to the one of its ID.
func writeEvent(c *sqlite.Conn, e spool.Event) error {
	sinks := e.Sinks
	err := dbfile.Query(c, `SELECT sinks FROM events WHERE id = ?`, func(r *sqlite.Stmt) error {
		sinks = append(linesOf(r.ColumnText(0)), sinks...)
		return nil
	}, e.ID)
	if err != nil {
		return err
	}
	slices.Sort(sinks)
	return dbfile.Execute(c, keepEvent, e.ID, string(e.Action), e.Token, e.Address, e.Via,
		strings.Join(slices.Compact(sinks), "\n"), e.CallID, e.Count, e.Detail)
}

// linesOf returns the lines of a text, none of an empty one.
func linesOf(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Event returns one event, or ErrNotFound.
func (s *Store) Event(ctx context.Context, id string) (e spool.Event, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return dbfile.Query(c, eventColumns+`WHERE id = ?`, func(r *sqlite.Stmt) error {
			e = scanEvent(r)
			return nil
		}, id)
	})
	if err == nil && e.ID == "" {
		err = fmt.Errorf("%w: no event %q", spool.ErrNotFound, id)
	}
	return e, err
}

func scanEvent(r *sqlite.Stmt) spool.Event {
	e := spool.Event{
		ID: r.ColumnText(0), Action: spool.Action(r.ColumnText(1)), Token: r.ColumnText(2), Address: r.ColumnText(3), Via: r.ColumnText(4),
		Sinks: linesOf(r.ColumnText(5)), CallID: r.ColumnText(6), Count: r.ColumnInt(7), Detail: r.ColumnText(8),
	}
	if id, err := ulid.ParseStrict(e.ID); err == nil {
		e.At = call.At(ulid.Time(id.Time()))
	}
	return e
}

// SearchEvents lists events, newest first.
func (s *Store) SearchEvents(ctx context.Context, f spool.EventFilter, limit int, cursor string) (page []spool.Event, next string, err error) {
	above, below := "", behindAll
	if !f.Since.IsZero() {
		above = ulidAt(f.Since) // no id has all zeros after its time
	}
	if !f.Until.IsZero() {
		below = ulidAt(f.Until)
	}
	if cursor != "" {
		if _, err := ulid.ParseStrict(cursor); err != nil {
			return nil, "", fmt.Errorf("%w: %q is not one that a page of events gave", spool.ErrBadCursor, cursor)
		}
		below = min(below, cursor)
	}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return dbfile.Query(c, searchEvents, func(r *sqlite.Stmt) error {
			page = append(page, scanEvent(r))
			return nil
		}, above, below, f.CallID, f.Sink, limit+1)
	})
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, err
}

// eraseEvents erases a step of the events from before the cutoff and of those that are
// too many, and returns how many. What links calls to them goes with the calls.
func (s *Store) eraseEvents(ctx context.Context, cutoff time.Time) (n int, err error) {
	return change(ctx, s.writer, op{name: "retention"}, func(t *tx) (int, error) {
		gone := 0
		for _, d := range []struct {
			sql  string
			args []any
		}{
			{`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id < ? ORDER BY id LIMIT ?)`, []any{ulidAt(cutoff), stepRows}},
			{`DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id <= (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?) ORDER BY id LIMIT ?)`, []any{eventsMax, stepRows}},
		} {
			if err := dbfile.Execute(t.conn, d.sql, d.args...); err != nil {
				return 0, err
			}
			gone += t.conn.Changes()
		}
		return gone, nil
	})
}

// forgetCalls erases the events that name calls.
func forgetCalls(c *sqlite.Conn, ids []string) error {
	named, err := plainjson.Marshal(ids)
	if err != nil {
		return err
	}
	return dbfile.Execute(c, `DELETE FROM events WHERE call_id IN (SELECT value FROM json_each(?))`, string(named))
}

// events takes the number out of the events.
func (e *eraser) events(ctx context.Context) error {
	details := map[string]string{}
	return e.walk(ctx, `SELECT id, detail FROM events WHERE id > ? ORDER BY id LIMIT ?`, "", func(r *sqlite.Stmt) any {
		if detail, hit := e.match.redact(r.ColumnText(1)); hit {
			details[r.ColumnText(0)] = detail
		}
		return r.ColumnText(0)
	}, func() error {
		found := details
		details = map[string]string{}
		e.out.Redacted += len(found)
		return e.rewrite(ctx, `UPDATE events SET detail = ? WHERE id = ?`, found)
	})
}

// rewrite writes other texts in the place of some, by their ids.
func (e *eraser) rewrite(ctx context.Context, sql string, texts map[string]string) error {
	if e.dry || len(texts) == 0 {
		return nil
	}
	return e.writer.wait(ctx, "erase", func(t *tx) error {
		for id, text := range texts {
			if err := dbfile.Execute(t.conn, sql, text, id); err != nil {
				return err
			}
		}
		return nil
	})
}
