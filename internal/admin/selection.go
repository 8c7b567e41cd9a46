package admin

import (
	"context"
	"errors"
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
	// maxIDs bounds the ids of one request.
	maxIDs = 100_000
	// maxRate bounds rate_per_second; beyond it there is no rate to speak of.
	maxRate = 1_000_000
)

var selectionCursor = regexp.MustCompile(`^([0-9A-Z]{26})\.([0-9A-Z]{26}(?:\.[0-9A-Z]{26})?)$`)

// selection is the dead letters that a replay or a purge is for: by ids, or by a
// filter. A filter selects those that are there when the first request with it
// begins; the cursor keeps that over several requests.
type selection struct {
	ids    []string
	filter *spool.LetterFilter
	cursor string
	limit  int
	dryRun bool
	// rate is how many are to be worked on in a second; 0 for no bound.
	rate float64
	// step is how many go to the caller at a time.
	step int
}

func newSelection() *selection { return &selection{step: selectionStep} }

// fields are the members of a body that selects dead letters.
func (s *selection) fields() []field {
	return []field{
		{"ids", &s.ids, "a list of ids of dead letters", false},
		{"filter", s.readFilter, "an object", false},
		{"limit", &s.limit, "a whole number", false},
		{"cursor", &s.cursor, "a text", false},
		{"dry_run", &s.dryRun, "true or false", false},
		{"rate_per_second", &s.rate, "a number", false},
	}
}

func (s *selection) readFilter(text []byte, at string) error {
	s.filter = &spool.LetterFilter{}
	return readObject(text, at, []field{
		{"stage", &s.filter.Stage, "a text", false},
		{"sink", &s.filter.Sink, "a text", false},
		{"reason", &s.filter.Reason, "a text", false},
		{"since", &s.filter.Since, "a time in RFC 3339", false},
		{"until", &s.filter.Until, "a time in RFC 3339", false},
	})
}

// check says what is wrong with the selection as a whole.
func (s *selection) check() error {
	switch {
	case (s.ids == nil) == (s.filter == nil):
		return errors.New(`write either "ids" or "filter"; {"filter":{}} selects all dead letters`)
	case len(s.ids) > maxIDs:
		return fmt.Errorf(`"ids" has %d ids: at most %d go in one request`, len(s.ids), maxIDs)
	case s.filter == nil && (s.cursor != "" || s.limit != 0):
		return errors.New(`"limit" and "cursor" go with "filter" only`)
	case s.limit < 0:
		return errors.New(`"limit" must be 1 or more; leave it out for all`)
	case s.cursor != "" && !selectionCursor.MatchString(s.cursor):
		return fmt.Errorf("%q is not a cursor that an answer gave", s.cursor)
	case s.rate < 0 || s.rate > maxRate:
		return errors.New(`"rate_per_second" must be above 0 and at most 1000000; leave it out for none`)
	case s.filter != nil:
		return checkFilter(*s.filter)
	default:
		return nil
	}
}

// checkFilter refuses what selects nothing because it is misspelt.
func checkFilter(f spool.LetterFilter) error {
	stages := []spool.Stage{spool.StageIntake, spool.StageDelivery}
	if f.Stage != "" && !slices.Contains(stages, f.Stage) {
		return fmt.Errorf("there is no stage %q: there are %v", f.Stage, stages)
	}
	if f.Reason != "" && !slices.Contains(spool.Reasons(), f.Reason) {
		return fmt.Errorf("there is no reason %q: there are %v", f.Reason, spool.Reasons())
	}
	return nil
}

// letters calls f with the selected dead letters, a step at a time, oldest first
// where a filter selects. It gives how many ids are not there, and where to go
// on when the limit was reached.
func (s *selection) letters(ctx context.Context, store Store, f func([]spool.DeadLetter) error) (missing int, next string, err error) {
	if s.filter == nil {
		missing, err = s.byIDs(ctx, store, f)
		return missing, "", err
	}
	after, upto := "", ""
	if m := selectionCursor.FindStringSubmatch(s.cursor); m != nil {
		after, upto = m[1], m[2]
	} else if upto, err = store.LastLetter(ctx); err != nil || upto == "" {
		return 0, "", err
	}
	for left := s.limit; ; {
		step := s.step
		if s.limit > 0 {
			step = min(step, left)
		}
		page, more, err := store.WalkLetters(ctx, *s.filter, after, upto, step)
		if err != nil {
			return 0, "", err
		}
		if err := f(page); err != nil {
			return 0, "", err
		}
		left -= len(page)
		switch {
		case more == "":
			return 0, "", nil
		case s.limit > 0 && left <= 0:
			return 0, more + "." + upto, nil
		}
		after = more
	}
}

func (s *selection) byIDs(ctx context.Context, store Store, f func([]spool.DeadLetter) error) (missing int, err error) {
	seen := map[string]bool{}
	ids := slices.DeleteFunc(slices.Clone(s.ids), func(id string) bool {
		id = strings.ToUpper(id)
		again := seen[id]
		seen[id] = true
		return again
	})
	for step := range slices.Chunk(ids, s.step) {
		page, err := store.LettersByID(ctx, step)
		if err != nil {
			return missing, err
		}
		missing += len(step) - len(page)
		if err := f(page); err != nil {
			return missing, err
		}
	}
	return missing, nil
}

// selected counts what a selection held.
type selected struct {
	DryRun bool `json:"dry_run"`
	// Matched are the dead letters that were there: Intake of that stage, the
	// others by their sink.
	Matched int            `json:"matched"`
	Intake  int            `json:"intake"`
	BySink  map[string]int `json:"by_sink"`
	// Missing are the ids that were not there.
	Missing int `json:"missing"`
	// NextCursor goes on where the limit ended the work; empty when it is done.
	NextCursor string `json:"next_cursor"`
}

func newSelected(s *selection) selected { return selected{DryRun: s.dryRun, BySink: map[string]int{}} }

func (s *selected) count(page []spool.DeadLetter) {
	s.Matched += len(page)
	for _, l := range page {
		if l.Stage == spool.StageIntake {
			s.Intake++
		} else {
			s.BySink[l.Sink]++
		}
	}
}

// idsOf gives the ids of dead letters.
func idsOf(page []spool.DeadLetter) []string {
	ids := make([]string, len(page))
	for i, l := range page {
		ids[i] = l.ID
	}
	return ids
}
