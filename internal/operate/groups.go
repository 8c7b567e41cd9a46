package operate

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// maxGroups is how many groups there are of answers that are named; those beyond
	// are one group for each sink, or source, and reason.
	maxGroups = 200
	// groupTime is how long one page of groups looks for dead letters.
	groupTime = 100 * time.Millisecond
	// groupStep is how many dead letters are read at a time.
	groupStep = 500
)

// LetterGroup is the dead letters of one sink, or source, and one reason, where the
// answer said the same about each.
type LetterGroup struct {
	Stage  spool.Stage  `json:"stage"`
	Sink   string       `json:"sink"`
	Source string       `json:"source"`
	Reason spool.Reason `json:"reason"`
	// Answer is what the detail says about all calls alike, numbers and ids left out;
	// empty in the group of all answers for which there was no group left.
	Answer string `json:"answer"`
	Count  int    `json:"count"`
	// OldestAt and NewestAt are when the first and the last of them were made.
	OldestAt call.Time `json:"oldest_at"`
	NewestAt call.Time `json:"newest_at"`
	// Example is the id of the newest of them.
	Example string `json:"example"`
	// Filter selects the group; nil where no filter does.
	Filter *LetterFilter `json:"filter,omitempty"`
}

// LetterGroups adds up groups; the memory that it takes is bounded. The zero one is
// empty.
type LetterGroups struct{ byKey map[groupKey]*LetterGroup }

type groupKey struct {
	stage        spool.Stage
	sink, source string
	reason       spool.Reason
	answer       string
}

// Add adds a group, or a part of one.
func (g *LetterGroups) Add(part LetterGroup) {
	k := groupKey{part.Stage, part.Sink, part.Source, part.Reason, part.Answer}
	if g.byKey[k] == nil && len(g.byKey) >= maxGroups {
		k.answer, part.Answer, part.Filter = "", "", nil
	}
	sum := g.byKey[k]
	if sum == nil {
		if g.byKey == nil {
			g.byKey = map[groupKey]*LetterGroup{}
		}
		g.byKey[k] = &part
		return
	}
	sum.Count += part.Count
	if part.OldestAt.Before(sum.OldestAt.Time) {
		sum.OldestAt = part.OldestAt
	}
	if part.NewestAt.After(sum.NewestAt.Time) {
		sum.NewestAt, sum.Example = part.NewestAt, part.Example
	}
}

// All returns the groups, the largest first.
func (g *LetterGroups) All() []LetterGroup {
	out := make([]LetterGroup, 0, len(g.byKey))
	for group := range maps.Values(g.byKey) {
		out = append(out, *group)
	}
	slices.SortFunc(out, func(a, b LetterGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.NewestAt.Compare(a.NewestAt.Time), cmp.Compare(b.Example, a.Example))
	})
	return out
}

// add adds one dead letter that a filter selected.
func (g *LetterGroups) add(l DeadLetter, f LetterFilter) {
	f.Stage, f.Sink, f.Reason, f.Answer = l.Stage, l.Sink, l.Reason, spool.AnswerOf(l.Detail)
	group := LetterGroup{
		Stage: l.Stage, Sink: l.Sink, Reason: l.Reason, Answer: f.Answer, Count: 1, OldestAt: l.CreatedAt, NewestAt: l.CreatedAt, Example: l.ID,
	}
	if l.Stage == spool.StageIntake {
		group.Source, f.Source = l.Source, l.Source
	}
	if f.Answer != "" {
		group.Filter = &f
	}
	g.Add(group)
}

// Groups returns the groups of the dead letters that a filter selects, newest first, as
// far as some 100 ms reach: those that follow the cursor are groups of older ones, to be
// added up by a LetterGroups.
func (o *Operator) Groups(ctx context.Context, f LetterFilter, cursor string) (Page[LetterGroup], error) {
	var groups LetterGroups
	var reached call.Time
	for end := time.Now().Add(groupTime); ; {
		page, next, err := o.deps.Store.SearchLetters(ctx, f, groupStep, cursor)
		if err != nil {
			return newPage[LetterGroup](nil, ""), err
		}
		for _, l := range page {
			groups.add(l, f)
			reached = l.CreatedAt
		}
		if cursor = next; cursor == "" || !time.Now().Before(end) {
			break
		}
	}
	out := newPage(groups.All(), cursor)
	if cursor != "" {
		out.ReachedAt = reached
	}
	return out, nil
}
