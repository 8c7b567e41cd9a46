package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Stages lists the stages of dead letters.
func Stages() []spool.Stage { return []spool.Stage{spool.StageIntake, spool.StageDelivery} }

// Reasons lists the reasons of dead letters.
func Reasons() []spool.Reason { return spool.Reasons() }

// FilterOf returns the filter of values as an operator writes them.
func FilterOf(stage, sink, reason string) LetterFilter {
	return LetterFilter{Stage: spool.Stage(stage), Sink: sink, Reason: spool.Reason(reason)}
}

// CheckLetters refuses a filter that selects nothing because it is misspelt.
func CheckLetters(f LetterFilter) error {
	if f.Stage != "" && !slices.Contains(Stages(), f.Stage) {
		return &InputError{fmt.Sprintf("there is no stage %q: there are %v", f.Stage, Stages())}
	}
	if f.Reason != "" && !slices.Contains(Reasons(), f.Reason) {
		return &InputError{fmt.Sprintf("there is no reason %q: there are %v", f.Reason, Reasons())}
	}
	return nil
}

// Letters returns a page of dead letters, newest first.
func (o *Operator) Letters(ctx context.Context, f LetterFilter, limit int, cursor string) (Page[DeadLetter], error) {
	found, next, err := o.deps.Store.SearchLetters(ctx, f, limit, cursor)
	return newPage(found, next), err
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
