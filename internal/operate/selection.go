package operate

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// selectionStep is how many dead letters are worked on at a time; no callback
	// waits long behind so many.
	selectionStep = 200
	// stepsPerSecond is into how many steps the work of a second is cut where there
	// is a rate.
	stepsPerSecond = 10
	// maxIDs bounds the ids of one request.
	maxIDs = 100_000
	// minRate and maxRate bound rate_per_second: more slowly nothing would end, and
	// a lower one would hardly be a rate.
	minRate = 0.001
	maxRate = 1_000_000
)

var selectionCursor = regexp.MustCompile(`^[0-9A-Z]{26}\.[0-9A-Z]{26}(\.[0-9A-Z]{26})?$`)

// Selection is the dead letters that a replay or a purge is for: by ids, or by a
// filter. A filter selects those that are there when the first request with it
// begins; the cursor keeps that over several requests.
type Selection struct {
	IDs    []string
	Filter *LetterFilter
	Cursor string
	// Limit ends the work after so many; 0 for none.
	Limit int
	// DryRun only counts.
	DryRun bool
	// Rate is how many are worked on in a second; 0 for no bound.
	Rate float64
	// Event is the one of an earlier part of the same work; empty for the first.
	Event string
}

// checkRate refuses a rate at which a work would not end, or that is none.
func checkRate(perSecond float64) error {
	if perSecond != 0 && (perSecond < minRate || perSecond > maxRate) {
		return &InputError{`"rate_per_second" must be from 0.001 to 1000000; leave it out for none`}
	}
	return nil
}

// Check says what is wrong with the selection as a whole.
func (s *Selection) Check() error {
	problem := ""
	switch {
	case (s.IDs == nil) == (s.Filter == nil):
		problem = `write either "ids" or "filter"; {"filter":{}} selects all dead letters`
	case len(s.IDs) > maxIDs:
		problem = fmt.Sprintf(`"ids" has %d ids: at most %d go in one request`, len(s.IDs), maxIDs)
	case s.Filter == nil && (s.Cursor != "" || s.Limit != 0):
		problem = `"limit" and "cursor" go with "filter" only`
	case s.Limit < 0:
		problem = `"limit" must be 1 or more; leave it out for all`
	case s.Cursor != "" && !selectionCursor.MatchString(s.Cursor):
		problem = fmt.Sprintf("%q is not a cursor that an answer gave", s.Cursor)
	}
	if problem != "" {
		return &InputError{problem}
	}
	if err := checkRate(s.Rate); err != nil || s.Filter == nil {
		return err
	}
	return CheckLetters(*s.Filter)
}

// Counted is how many dead letters a selection held.
type Counted struct {
	DryRun bool `json:"dry_run"`
	// Matched are the dead letters that were there: Intake of that stage, the
	// others by their sink.
	Matched int            `json:"matched"`
	Intake  int            `json:"intake"`
	BySink  map[string]int `json:"by_sink"`
	// Missing are the ids that were not there.
	Missing int `json:"missing"`
}

// Add adds what another part of the same work counted.
func (c *Counted) Add(part Counted) {
	c.Matched += part.Matched
	c.Intake += part.Intake
	c.Missing += part.Missing
	if c.BySink == nil {
		c.BySink = map[string]int{}
	}
	for sink, n := range part.BySink {
		c.BySink[sink] += n
	}
}

// Selected is Counted, and where to go on.
type Selected struct {
	Counted
	// NextCursor goes on where the limit ended the work; empty when it is done.
	NextCursor string `json:"next_cursor"`
	// Event is the event of the work, which its next part names; empty where nothing
	// was changed.
	Event string `json:"event,omitempty"`
}

func newSelected(s *Selection) Selected {
	return Selected{Counted: Counted{DryRun: s.DryRun, BySink: map[string]int{}}}
}

func (c *Counted) count(page []DeadLetter) {
	c.Matched += len(page)
	for _, l := range page {
		if l.Stage == spool.StageIntake {
			c.Intake++
		} else {
			c.BySink[l.Sink]++
		}
	}
}

// walk counts the selected dead letters and calls f with them, a step at a time,
// oldest first where a filter selects. A dry run only counts.
func (o *Operator) walk(ctx context.Context, s *Selection, step int, out *Selected, f func([]DeadLetter) error) (err error) {
	each := func(page []DeadLetter) error {
		out.count(page)
		if s.DryRun || len(page) == 0 {
			return ctx.Err()
		}
		return f(page)
	}
	if s.Filter == nil {
		out.Missing, err = o.walkIDs(ctx, s.IDs, step, each)
		return err
	}
	out.NextCursor, err = o.walkFilter(ctx, s, step, each)
	return err
}

// walkFilter returns where to go on when the limit was reached.
func (o *Operator) walkFilter(ctx context.Context, s *Selection, step int, f func([]DeadLetter) error) (next string, err error) {
	filter := *s.Filter
	filter.OldestFirst = true
	return walkPages(func(n int, cursor string) ([]DeadLetter, string, error) {
		return o.deps.Store.SearchLetters(ctx, filter, n, cursor)
	}, step, s.Limit, s.Cursor, f)
}

// walkPages calls f with page after page of a listing, until its end or so many items, 0
// for all, and returns where to go on then.
func walkPages[T any](search func(n int, cursor string) ([]T, string, error), step, limit int, cursor string, f func([]T) error) (next string, err error) {
	for left := limit; ; {
		n := step
		if limit > 0 {
			n = min(n, left)
		}
		page, more, err := search(n, cursor)
		if err != nil {
			return "", err
		}
		if err := f(page); err != nil {
			return "", err
		}
		left -= len(page)
		switch {
		case more == "":
			return "", nil
		case limit > 0 && left <= 0:
			return more, nil
		}
		cursor = more
	}
}

// walkIDs returns how many ids are not there. An id that is named twice counts once.
func (o *Operator) walkIDs(ctx context.Context, named []string, step int, f func([]DeadLetter) error) (missing int, err error) {
	seen := map[string]bool{}
	ids := slices.DeleteFunc(slices.Clone(named), func(id string) bool {
		id = strings.ToUpper(id)
		again := seen[id]
		seen[id] = true
		return again
	})
	for part := range slices.Chunk(ids, step) {
		page, err := o.deps.Store.LettersByID(ctx, part)
		if err != nil {
			return missing, err
		}
		missing += len(part) - len(page)
		if err := f(page); err != nil {
			return missing, err
		}
	}
	return missing, nil
}
