package operate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Resent is what the resend of one call did.
type Resent struct {
	ID string `json:"id"`
	// Resent are the sinks that the newest revision is owed to once more.
	Resent []string `json:"resent"`
	// Waiting are those for which it waited already.
	Waiting []string `json:"waiting"`
}

var errNoSinks = &InputError{`"sinks" is empty: name the sinks that are to get the call again`}

// Resend makes the newest revision of a call owed to sinks once more.
func (o *Operator) Resend(ctx context.Context, id string, sinks []string) (Resent, error) {
	out := Resent{ID: id, Resent: []string{}, Waiting: []string{}}
	sinks = slices.Compact(slices.Sorted(slices.Values(sinks)))
	if len(sinks) == 0 {
		return out, errNoSinks
	}
	e := o.event(ctx, spool.ActionResend, "")
	e.CallID = id
	done, err := o.deps.Store.Resend(spool.WithEvent(ctx, e), spool.Resend{CallIDs: []string{id}, Sinks: sinks})
	if err == nil && done.Missing > 0 {
		err = fmt.Errorf("%w: no call %q", ErrNotFound, id)
	}
	if err != nil {
		return out, err
	}
	for _, s := range sinks {
		if done.BySink[s] > 0 {
			out.Resent = append(out.Resent, s)
		} else {
			out.Waiting = append(out.Waiting, s)
		}
	}
	o.log.InfoContext(ctx, "an operator had a call sent again", "call_id", id, "sinks", out.Resent)
	return out, nil
}

// BulkResend is a request to send the calls of a filter again. It takes those that are
// there when its first part begins, oldest first; the cursor keeps that over several
// requests.
type BulkResend struct {
	Filter *CallFilter
	// Sinks get the calls; where none is named, the one of the filter does.
	Sinks []string
	// Limit ends the work after so many entries of the listing; 0 for none.
	Limit  int
	Cursor string
	// DryRun only counts.
	DryRun bool
	// Rate is how many calls come due in a second; 0 for no bound.
	Rate float64
	// NotBefore is when the first one comes due; the zero time is now.
	NotBefore time.Time
	// Event is the one of an earlier part of the same work; empty for the first.
	Event string
}

// BulkResent is what a bulk resend did.
type BulkResent struct {
	DryRun bool `json:"dry_run"`
	// Matched counts the calls, each revision that the filter selects.
	Matched int `json:"matched"`
	// Resent are the calls that are owed to a sink once more; BySink are their
	// deliveries. The others wait already, or were sent again as another revision.
	Resent int            `json:"resent"`
	BySink map[string]int `json:"by_sink"`
	// NextCursor goes on where the limit ended the work; empty when it is done.
	NextCursor string `json:"next_cursor"`
	// Event is the event of the work, which its next part names; empty where nothing
	// was changed.
	Event string `json:"event,omitempty"`
	// NextDueAt is when one more would come due at the rate asked for: the not_before of
	// a request that goes on.
	NextDueAt call.Time `json:"next_due_at,omitzero"`
}

// Add adds what a later part of the same work did.
func (r *BulkResent) Add(part BulkResent) {
	r.Matched += part.Matched
	r.Resent += part.Resent
	if r.BySink == nil {
		r.BySink = map[string]int{}
	}
	for sink, n := range part.BySink {
		r.BySink[sink] += n
	}
	r.NextCursor, r.NextDueAt = part.NextCursor, part.NextDueAt
	if part.Event != "" {
		r.Event = part.Event
	}
}

// check completes the request and says what is wrong with it.
func (r *BulkResend) check() error {
	switch {
	case r.Filter == nil:
		return &InputError{`"filter" is missing: it selects the calls; {} selects all of them`}
	case r.Limit < 0:
		return &InputError{`"limit" must be 1 or more; leave it out for all`}
	case len(r.Sinks) == 0 && r.Filter.Sink != "":
		r.Sinks = []string{r.Filter.Sink}
	case len(r.Sinks) == 0:
		return errNoSinks
	}
	r.Sinks = slices.Compact(slices.Sorted(slices.Values(r.Sinks)))
	if err := checkRate(r.Rate); err != nil {
		return err
	}
	return CheckCalls(*r.Filter)
}

// describe says in a few words what the request selects.
func (r *BulkResend) describe() string {
	f := r.Filter
	return "calls" + facts("number", f.Number, "source", f.Source, "sink", f.Sink, "state", string(f.State), "outcome", f.Outcome,
		"direction", string(f.Direction), "agent", f.Agent, "account", f.Account, "since", stamp(f.Since), "until", stamp(f.Until))
}

// ResendCalls makes the newest revisions of many calls owed to sinks once more, behind
// live traffic. Its result also holds what was done before an error.
func (o *Operator) ResendCalls(ctx context.Context, r BulkResend) (BulkResent, error) {
	out := BulkResent{DryRun: r.DryRun, BySink: map[string]int{}}
	due, err := o.schedule(r.NotBefore, r.Rate)
	if err := cmp.Or(r.check(), err); err != nil {
		return out, err
	}
	ctx, event, err := o.begin(ctx, spool.ActionResend, r.describe(), r.Event)
	if err != nil {
		return out, err
	}
	configured, err := o.configured(ctx)
	if err != nil {
		return out, err
	}
	for _, sink := range r.Sinks {
		if !configured[sink] {
			return out, fmt.Errorf("%w: no sink %q", ErrNotFound, sink)
		}
	}
	filter := *r.Filter
	filter.OldestFirst = true
	search := func(n int, cursor string) ([]spool.FoundCall, string, error) {
		page, err := o.deps.Store.SearchCalls(ctx, filter, n, cursor)
		return page.Calls, page.Next, err
	}
	out.NextCursor, err = walkPages(search, selectionStep, r.Limit, r.Cursor, func(page []spool.FoundCall) error {
		out.Matched += len(page)
		if r.DryRun || len(page) == 0 {
			return ctx.Err()
		}
		done, err := o.deps.Store.Resend(ctx, spool.Resend{CallIDs: callIDs(page), Sinks: r.Sinks, Start: due.due(), PerSecond: r.Rate})
		due.done += done.Calls
		out.Resent += done.Calls
		for sink, n := range done.BySink {
			out.BySink[sink] += n
		}
		return err
	})
	out.NextDueAt = due.next()
	if out.Resent > 0 {
		out.Event = event.ID
	}
	if !r.DryRun {
		o.log.InfoContext(ctx, "an operator had calls sent again", "calls", out.Resent, "sinks", r.Sinks, "complete", err == nil && out.NextCursor == "")
	}
	return out, err
}

// callIDs returns the ids of calls, each once.
func callIDs(page []spool.FoundCall) []string {
	var ids []string
	for _, c := range page {
		if !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// configured returns the names of the sinks that there are.
func (o *Operator) configured(ctx context.Context) (map[string]bool, error) {
	lanes, err := o.deps.Store.Lanes(ctx)
	out := map[string]bool{}
	for _, l := range lanes {
		out[l.Sink] = l.Configured
	}
	return out, err
}
