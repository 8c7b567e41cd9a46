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
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	letterColumns  = `SELECT id, stage, lane, source, call_id, reason, detail, tries, created_at FROM dead_letters `
	letterIDs      = `SELECT id FROM dead_letters WHERE stage = ? AND lane = ? AND reason = ? AND `
	lettersBetween = `id > ? AND id < ? `
	newestFirst    = `ORDER BY id DESC LIMIT ?`
	oldestFirst    = `ORDER BY id LIMIT ?`
	newestLetter   = `SELECT id FROM dead_letters ORDER BY id DESC LIMIT 1`
	letterByID     = letterColumns + `WHERE id = ?`
	letterCall     = `SELECT c.record FROM dead_letters d JOIN calls c ON c.seq = d.call_seq WHERE d.id = ?`
	letterBody     = `SELECT body FROM dead_letters WHERE id = ?`
	lettersOfCall  = `SELECT d.id, d.stage, d.lane, d.source, d.call_id, d.reason, d.detail, d.tries, d.created_at, c.revision
	FROM calls c JOIN dead_letters d ON d.call_seq = c.seq WHERE c.call_id = ? ORDER BY c.revision, d.id`
)

// behindAll is greater than all that a ULID can begin with.
const behindAll = "~"

// SearchLetters lists dead letters, newest first, or oldest first where the filter
// says so, and costs no more than what it shows, unless the filter asks for more than
// place and time: then a page ends after some time, short or empty. The cursor is the
// one that the page before returned, or empty; next is empty after the last page. What
// is made meanwhile does not move a page.
func (s *Store) SearchLetters(ctx context.Context, f spool.LetterFilter, limit int, cursor string) (page []spool.DeadLetter, next string, err error) {
	return s.searchLetters(ctx, f, limit, cursor, time.Now)
}

// searchLetters is SearchLetters by a clock.
func (s *Store) searchLetters(ctx context.Context, f spool.LetterFilter, limit int, cursor string, now func() time.Time) (page []spool.DeadLetter, next string, err error) {
	at, err := parseLetterCursor(f, cursor)
	if err != nil {
		return nil, "", err
	}
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		if f.OldestFirst && at.end == "" {
			if err := s.endAtNewest(c, &at); err != nil || at.end == "" {
				return err
			}
		}
		ranges := at.ranges(f, s.clock.now())
		if f.Walks() {
			w := letterWalk{store: s, conn: c, filter: f, limit: limit, pace: paceOf(now), number: newWanted(f.Number, s.deps.Readings)}
			err := w.run(ranges)
			if page = w.page; w.more {
				next = at.from(w.last)
			}
			return err
		}
		for _, r := range ranges {
			some, err := s.lettersIn(c, f, r, limit+1-len(page))
			if err != nil {
				return err
			}
			page = append(page, some...)
		}
		if len(page) > limit {
			page = page[:limit]
			next = at.from(page[limit-1].ID)
		}
		return nil
	})
	return page, next, err
}

// letterCursor is where a listing goes on.
type letterCursor struct {
	last string // the id that the page before ended with; empty at the beginning
	// Of a listing that has the oldest first: the id of the newest dead letter at its
	// beginning, and where that was made while a clock ran ahead, the time of the
	// beginning. What is made meanwhile comes before such a letter.
	end, begun string
}

// parseLetterCursor reads what from has written.
func parseLetterCursor(f spool.LetterFilter, text string) (at letterCursor, err error) {
	if text == "" {
		return at, nil
	}
	ids := strings.Split(text, ".")
	for _, id := range ids {
		if _, err = ulid.ParseStrict(id); err != nil {
			break
		}
	}
	switch {
	case err == nil && !f.OldestFirst && len(ids) == 1:
		return letterCursor{last: ids[0]}, nil
	case err == nil && f.OldestFirst && len(ids) == 2:
		return letterCursor{last: ids[0], end: ids[1]}, nil
	case err == nil && f.OldestFirst && len(ids) == 3:
		return letterCursor{last: ids[0], end: ids[1], begun: ids[2]}, nil
	default:
		return at, fmt.Errorf("%w: %q is not one that a page of dead letters gave", spool.ErrBadCursor, text)
	}
}

// from is the cursor after a page that ended with an id.
func (at letterCursor) from(id string) string {
	for _, more := range []string{at.end, at.begun} {
		if more != "" {
			id += "." + more
		}
	}
	return id
}

// endAtNewest has the listing end with what is there now.
func (s *Store) endAtNewest(c *sqlite.Conn, at *letterCursor) error {
	err := dbfile.Query(c, newestLetter, func(r *sqlite.Stmt) error {
		at.end = r.ColumnText(0)
		return nil
	})
	if now := ulidAt(s.clock.now().Add(time.Millisecond)); at.end > now {
		at.begun = now
	}
	return err
}

// letterRange is the ids between two, which are not among them.
type letterRange struct{ above, below string }

// ranges returns where the next page is looked for.
func (at letterCursor) ranges(f spool.LetterFilter, now time.Time) []letterRange {
	since, until := "", behindAll
	if !f.Since.IsZero() {
		since = ulidAt(f.Since) // no id has all zeros after its time
	}
	if !f.Until.IsZero() {
		until = ulidAt(f.Until)
	}
	if !f.OldestFirst {
		if at.last != "" {
			until = min(until, at.last)
		}
		return []letterRange{{since, until}}
	}
	above, below := max(since, at.last), min(until, at.end+behindAll)
	if at.begun == "" {
		return []letterRange{{above, below}}
	}
	return []letterRange{{above, min(below, at.begun+behindAll)}, {max(above, ulidAt(now)), below}}
}

// lettersIn returns the first dead letters of a range that the filter selects, in its
// order.
func (s *Store) lettersIn(c *sqlite.Conn, f spool.LetterFilter, r letterRange, limit int) (out []spool.DeadLetter, err error) {
	if limit <= 0 {
		return nil, nil
	}
	if f.Stage != "" || f.Sink != "" || f.Reason != "" {
		ids, err := s.lettersOfPlaces(c, f, r, limit)
		if err != nil {
			return nil, err
		}
		return s.lettersByID(c, ids)
	}
	err = dbfile.Query(c, letterColumns+`WHERE `+lettersBetween+orderOf(f), func(r *sqlite.Stmt) error {
		out = append(out, s.scanLetter(r))
		return nil
	}, r.above, r.below, limit)
	return out, err
}

func orderOf(f spool.LetterFilter) string {
	if f.OldestFirst {
		return oldestFirst
	}
	return newestFirst
}

// lettersOfPlaces returns the first ids of what the filter selects, from the index of
// places.
func (s *Store) lettersOfPlaces(c *sqlite.Conn, f spool.LetterFilter, r letterRange, limit int) (ids []string, err error) {
	for _, p := range s.places(f) {
		err := dbfile.Query(c, letterIDs+lettersBetween+orderOf(f), func(r *sqlite.Stmt) error {
			ids = append(ids, r.ColumnText(0))
			return nil
		}, string(p.stage), p.lane, string(p.reason), r.above, r.below, limit)
		if err != nil {
			return nil, err
		}
		slices.Sort(ids)
		if !f.OldestFirst {
			slices.Reverse(ids)
		}
		if len(ids) < limit {
			continue
		}
		ids = ids[:limit]
		if last := ids[limit-1]; f.OldestFirst { // nothing beyond it is among the first
			r.below = last
		} else {
			r.above = last
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

// places returns the ranges that hold what the filter selects.
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
		err := dbfile.Query(c, letterByID, func(r *sqlite.Stmt) error {
			out = append(out, s.scanLetter(r))
			return nil
		}, strings.ToUpper(id))
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// LettersByID returns those of the dead letters that are there, in the order of
// the ids.
func (s *Store) LettersByID(ctx context.Context, ids []string) (out []spool.DeadLetter, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		out, err = s.lettersByID(c, ids)
		return err
	})
	return out, err
}

// CallsOfLetters returns the records of dead letters of stage delivery, without raw, by
// the ids of the dead letters.
func (s *Store) CallsOfLetters(ctx context.Context, ids []string) (map[string]*call.Record, error) {
	out := make(map[string]*call.Record, len(ids))
	err := s.listRd.do(ctx, func(c *sqlite.Conn) error {
		for _, id := range ids {
			err := dbfile.Query(c, letterCall, func(r *sqlite.Stmt) error {
				record := decodeLeniently(dbfile.Bytes(r, 0))
				record.Raw = nil
				out[id] = record
				return nil
			}, strings.ToUpper(id))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// LettersOfCall returns the dead letters of all revisions of a call.
func (s *Store) LettersOfCall(ctx context.Context, callID string) (out []spool.CallLetter, err error) {
	err = s.listRd.do(ctx, func(c *sqlite.Conn) error {
		return dbfile.Query(c, lettersOfCall, func(r *sqlite.Stmt) error {
			out = append(out, spool.CallLetter{DeadLetter: s.scanLetter(r), Revision: r.ColumnInt(9)})
			return nil
		}, callID)
	})
	return out, err
}

// NoteLetter changes the detail of a dead letter of stage intake: what was wrong
// when it was last read.
func (s *Store) NoteLetter(ctx context.Context, id, detail string) error {
	return s.writer.wait(ctx, "note", func(t *tx) error {
		return dbfile.Execute(t.conn, `UPDATE dead_letters SET detail = ? WHERE id = ? AND stage = 'intake'`, detail, strings.ToUpper(id))
	})
}
