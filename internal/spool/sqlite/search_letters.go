package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	lettersOfPlace = `SELECT id FROM dead_letters WHERE stage = ? AND lane = ? AND reason = ? AND id < ? AND id >= ? ORDER BY id DESC LIMIT ?`
	lettersAfter   = letterColumns + `WHERE id > ? AND id <= ? ORDER BY id`
	letterByID     = letterColumns + `WHERE id = ?`
	lettersOfCall  = `SELECT d.id, d.stage, d.lane, d.source, d.call_id, d.reason, d.detail, d.tries, d.created_at, c.revision
	FROM calls c JOIN dead_letters d ON d.call_seq = c.seq WHERE c.call_id = ? ORDER BY c.revision, d.id`
)

// SearchLetters lists dead letters, newest first, and costs no more than what it
// shows. The cursor is the one that the page before gave, or empty; next is empty
// after the last page. What is made meanwhile does not move a page.
func (s *Store) SearchLetters(ctx context.Context, f spool.LetterFilter, limit int, cursor string) (page []spool.DeadLetter, next string, err error) {
	below, floor := "~", "" // greater than every ULID, and less
	if cursor != "" {
		if _, err := ulid.ParseStrict(cursor); err != nil {
			return nil, "", fmt.Errorf("%w: %q is not one that a page of dead letters gave", spool.ErrBadCursor, cursor)
		}
		below = cursor
	}
	if !f.Until.IsZero() {
		below = min(below, ulidAt(f.Until))
	}
	if !f.Since.IsZero() {
		floor = ulidAt(f.Since)
	}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		if f.Stage == "" && f.Sink == "" && f.Reason == "" {
			l := letterLister{spool: s, limit: limit}
			err := l.read(c, lettersBetween, below, floor)
			page, next = l.page, l.next
			return err
		}
		ids, err := s.lettersOfPlaces(c, f, below, floor, limit+1)
		if err != nil {
			return err
		}
		if len(ids) > limit {
			ids = ids[:limit]
			next = ids[limit-1]
		}
		page, err = s.lettersByID(c, ids)
		return err
	})
	return page, next, err
}

// lettersOfPlaces gives the newest ids of what the filter selects, from the
// index of places.
func (s *Store) lettersOfPlaces(c *sqlite.Conn, f spool.LetterFilter, below, floor string, limit int) (ids []string, err error) {
	for _, p := range s.places(f) {
		err := query(c, lettersOfPlace, func(r *sqlite.Stmt) error {
			ids = append(ids, r.ColumnText(0))
			return nil
		}, string(p.stage), p.lane, string(p.reason), below, floor, limit)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(ids, func(a, b string) int { return strings.Compare(b, a) })
		if len(ids) >= limit {
			ids = ids[:limit]
			floor = ids[limit-1] // those before cannot be among the newest
		}
	}
	return ids, nil
}

// letterPlace is one range of the index of places.
type letterPlace struct {
	stage  spool.Stage
	lane   int64
	reason spool.Reason
}

// places gives the ranges that hold what the filter selects.
func (s *Store) places(f spool.LetterFilter) (out []letterPlace) {
	for _, reason := range spool.Reasons() {
		switch {
		case f.Reason != "" && f.Reason != reason:
		case reason == spool.Undecoded:
			if f.Sink == "" && f.Stage != spool.StageDelivery {
				out = append(out, letterPlace{stage: spool.StageIntake, reason: reason})
			}
		case f.Stage == "" || f.Stage == spool.StageDelivery:
			for _, l := range s.allLanes() {
				if f.Sink == "" || f.Sink == l.name {
					out = append(out, letterPlace{spool.StageDelivery, l.id, reason})
				}
			}
		}
	}
	return out
}

func (s *Store) lettersByID(c *sqlite.Conn, ids []string) (out []spool.DeadLetter, err error) {
	for _, id := range ids {
		err := query(c, letterByID, func(r *sqlite.Stmt) error {
			out = append(out, s.scanLetter(r))
			return nil
		}, strings.ToUpper(id))
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// LettersByID gives those of the dead letters that are there, in the order of
// the ids.
func (s *Store) LettersByID(ctx context.Context, ids []string) (out []spool.DeadLetter, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		out, err = s.lettersByID(c, ids)
		return err
	})
	return out, err
}

// LettersOfCall gives the dead letters of all revisions of a call.
func (s *Store) LettersOfCall(ctx context.Context, callID string) (out []spool.CallLetter, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return query(c, lettersOfCall, func(r *sqlite.Stmt) error {
			out = append(out, spool.CallLetter{DeadLetter: s.scanLetter(r), Revision: r.ColumnInt(9)})
			return nil
		}, callID)
	})
	return out, err
}

// LastLetter gives the end for WalkLetters, so that a walk does not run after what
// it makes: the id of the newest dead letter, empty when there is none. Where that
// was made while a clock ran ahead, the time of now follows: what the walk makes
// comes before such a letter.
func (s *Store) LastLetter(ctx context.Context) (id string, err error) {
	defer func() {
		if now := ulidAt(s.clock.now().Add(time.Millisecond)); err == nil && id > now {
			id += "." + now
		}
	}()
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return query(c, `SELECT id FROM dead_letters ORDER BY id DESC LIMIT 1`, func(r *sqlite.Stmt) error {
			id = r.ColumnText(0)
			return nil
		})
	})
	return id, err
}

// WalkLetters gives dead letters, oldest first, that come after an id and not
// after what LastLetter gave. A step looks at a bounded number of them and may be short, even
// empty, before the end; next is where to go on, empty after the last step.
func (s *Store) WalkLetters(ctx context.Context, f spool.LetterFilter, after, upto string, limit int) (page []spool.DeadLetter, next string, err error) {
	upto, begun, ahead := strings.Cut(upto, ".")
	if !f.Since.IsZero() {
		after = max(after, ulidAt(f.Since)) // no id has all zeros after its time
	}
	if !f.Until.IsZero() {
		upto = min(upto, ulidAt(f.Until))
	}
	l := letterLister{spool: s, filter: f, limit: limit}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		if !ahead {
			return l.read(c, lettersAfter, after, upto)
		}
		if err := l.read(c, lettersAfter, after, min(upto, begun)); err != nil || l.next != "" {
			return err
		}
		return l.read(c, lettersAfter, max(after, ulidAt(s.clock.now())), upto)
	})
	return l.page, l.next, err
}

// NoteLetter changes the detail of a dead letter of stage intake: what was wrong
// when it was last read.
func (s *Store) NoteLetter(id, detail string) error {
	return s.writer.wait("note", func(t *tx) error {
		return execute(t.conn, `UPDATE dead_letters SET detail = ? WHERE id = ? AND stage = 'intake'`, detail, strings.ToUpper(id))
	})
}
