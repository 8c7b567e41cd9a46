package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Stages lists the stages of dead letters.
func Stages() []spool.Stage { return []spool.Stage{spool.StageIntake, spool.StageDelivery} }

// Reasons lists the reasons of dead letters.
func Reasons() []spool.Reason { return spool.Reasons() }

// LetterFilterNames lists the names of the values of a filter of dead letters, besides
// its times.
func LetterFilterNames() []string {
	return []string{"stage", "sink", "source", "reason", "number", "answer"}
}

// LetterFilterOf returns the filter of values as an operator writes them; get returns
// the value of a name, empty for none.
func LetterFilterOf(get func(name string) string) LetterFilter {
	return LetterFilter{
		Stage: spool.Stage(get("stage")), Sink: get("sink"), Source: get("source"), Reason: spool.Reason(get("reason")),
		Number: get("number"), Answer: get("answer"),
	}
}

// CheckLetters refuses a filter that selects nothing because it is misspelt.
func CheckLetters(f LetterFilter) error {
	if f.Stage != "" && !slices.Contains(Stages(), f.Stage) {
		return &InputError{fmt.Sprintf("there is no stage %q: there are %v", f.Stage, Stages())}
	}
	if f.Reason != "" && !slices.Contains(Reasons(), f.Reason) {
		return &InputError{fmt.Sprintf("there is no reason %q: there are %v", f.Reason, Reasons())}
	}
	return checkNumber(f.Number)
}

// LetterItem is a dead letter in a listing.
type LetterItem struct {
	DeadLetter
	// Call is whose call it was; nil for a callback that could not be understood.
	Call *LetterCall `json:"call,omitempty"`
}

// LetterCall is what a person knows a call by.
type LetterCall struct {
	Direction call.Direction `json:"direction"`
	From      call.Party     `json:"from,omitzero"`
	To        call.Party     `json:"to,omitzero"`
	Agent     call.Agent     `json:"agent,omitzero"`
	StartedAt call.Time      `json:"started_at,omitzero"`
}

// Outside is the party that is not the agent: that of the customer, where the
// direction says who it is, else whoever called.
func (c LetterCall) Outside() call.Party {
	if c.Direction == call.Outbound {
		return c.To
	}
	return c.From
}

// Letters returns a page of dead letters, newest first. A page may be empty although
// more follow, where the filter passes over many.
func (o *Operator) Letters(ctx context.Context, f LetterFilter, limit int, cursor string) (Page[LetterItem], error) {
	found, next, err := o.deps.Store.SearchLetters(ctx, f, limit, cursor)
	if err != nil {
		return newPage[LetterItem](nil, next), err
	}
	calls, err := o.deps.Store.CallsOfLetters(ctx, idsOf(found))
	items := make([]LetterItem, len(found))
	for i, l := range found {
		items[i].DeadLetter = l
		if r := calls[l.ID]; r != nil {
			items[i].Call = &LetterCall{Direction: r.Direction, From: r.From, To: r.To, Agent: r.Agent, StartedAt: r.StartedAt}
		}
	}
	return newPage(items, next), err
}

// LetterDetail is a dead letter with what it holds: a call record with its attempts,
// or the body of a callback, as text where it is text, else in base64.
type LetterDetail struct {
	spool.DeadLetterDetail
	Body       string `json:"body,omitempty"`
	BodyBase64 []byte `json:"body_base64,omitempty"`
	// Kept is the record as it is kept, also a damaged one.
	Kept []byte `json:"-"`
}

// Letter returns one dead letter.
func (o *Operator) Letter(ctx context.Context, id string) (LetterDetail, error) {
	d, err := o.deps.Store.DeadLetter(ctx, id)
	if err != nil {
		return LetterDetail{}, err
	}
	out := LetterDetail{DeadLetterDetail: d, Kept: d.Record}
	if utf8.Valid(d.Body) {
		out.Body = string(d.Body)
	} else {
		out.BodyBase64 = d.Body
	}
	if !json.Valid(d.Record) {
		out.Record = nil // a damaged record must not spoil the answer
	}
	return out, nil
}

// idsOf returns the ids of dead letters.
func idsOf(page []DeadLetter) []string {
	ids := make([]string, len(page))
	for i, l := range page {
		ids[i] = l.ID
	}
	return ids
}
