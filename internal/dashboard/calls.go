package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// pageSize is how many lines a list shows at once.
const pageSize = 50

// callsPage lists calls.
type callsPage struct {
	frame
	Filter callFields
	// Of is the masked number whose calls are listed, and OfCall and End say which it
	// is: that of one end of a call. An address of a page holds no number unasked.
	Of, OfCall, End string
	Names           []string // of sources
	Sinks           []string
	States          []string
	Kinds           []call.Outcome
	Directions      []call.Direction
	Calls           []callRow
	Nearby          nearby
	// Reached is how far back was looked, zero where that does not matter.
	Reached call.Time
	// Live is set where the list is kept up to date.
	Live bool
}

// callFields are the fields of the filter as typed.
type callFields struct{ Number, Source, Sink, State, Outcome, Direction, Agent, Account, Since, Until string }

// More reports whether one of the fields is used that are folded away.
func (f callFields) More() bool {
	return f.Source != "" || f.Outcome != "" || f.Direction != "" || f.Agent != "" || f.Account != ""
}

// callRow is one call of the list.
type callRow struct {
	operate.CallItem
	Call call.Record
	// Pills are the deliveries that have room, the worst first; Rest says the others.
	Pills []operate.SinkState
	Rest  []string
}

func (b *Dashboard) calls(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := callsPage{frame: b.frame(r, "Calls"), Kinds: call.Outcomes(), Directions: call.Directions()}
	for _, s := range p.Status.Sources {
		p.Names = append(p.Names, s.Name)
	}
	for _, s := range p.Status.Sinks {
		p.Sinks = append(p.Sinks, s.Name)
	}
	for _, s := range operate.DeliveryStates() {
		p.States = append(p.States, string(s))
	}
	p.Filter = callFields{
		q.Get("number"), q.Get("source"), q.Get("sink"), q.Get("state"), q.Get("outcome"), q.Get("direction"), q.Get("agent"), q.Get("account"),
		q.Get("since"), q.Get("until"),
	}
	filter, _, err := b.callFilter(r.Context(), q)
	if err != nil {
		return err
	}
	if filter.Number != p.Filter.Number {
		p.Of, p.OfCall, p.End = p.Number(filter.Number), q.Get("of"), q.Get("end")
	}
	found, atOnce, err := search(r.Context(), q.Get("cursor"), func(ctx context.Context, cursor string) (operate.Page[operate.CallItem], error) {
		return b.Operate.Calls(ctx, filter, pageSize, cursor)
	})
	if err != nil {
		return err
	}
	for _, c := range found.Items {
		p.Calls = append(p.Calls, rowOf(c))
	}
	p.Nearby = nearbyOf(r.URL, found.NextCursor, len(found.Items) == 0)
	p.Live = atOnce && p.Nearby.Newer == ""
	if len(found.Items) < pageSize {
		p.Reached = found.ReachedAt
	}
	return b.render(w, http.StatusOK, "calls", p)
}

// callFilter reads the filter of calls of a form, and returns its fields too. Times are
// fixed, so that they mean the same in every part of a work.
func (b *Dashboard) callFilter(ctx context.Context, form url.Values) (operate.CallFilter, []field, error) {
	f := operate.CallFilterOf(form.Get)
	var err error
	if f.Since, f.Until, err = b.between(form); err != nil {
		return f, nil, err
	}
	names := operate.CallFilterNames()
	if f.Number == "" && form.Get("of") != "" {
		if f.Number, err = b.numberOf(ctx, form.Get("of"), form.Get("end")); err != nil {
			return f, nil, err
		}
		names = append(names, "of", "end")
	}
	var fields []field
	for _, name := range names {
		fields = append(fields, field{name, form.Get(name)})
	}
	fields = append(fields, field{"since", format(f.Since, time.UTC, time.RFC3339)}, field{"until", format(f.Until, time.UTC, time.RFC3339)})
	fields = slices.DeleteFunc(fields, func(f field) bool { return f.Value == "" })
	if err := operate.CheckCalls(f); err != nil {
		return f, fields, fmt.Errorf("filter: %w", err)
	}
	return f, fields, nil
}

// numberOf returns the number at one end of a call: an address names it so where numbers
// are masked. There is always one, or an error.
func (b *Dashboard) numberOf(ctx context.Context, id, end string) (string, error) {
	c, err := b.Operate.Call(ctx, id)
	if err != nil {
		return "", err
	}
	number := ""
	if r := operate.RecordOf(c.Record); r != nil && end == "to" {
		number = numberIn(r.To)
	} else if r != nil {
		number = numberIn(r.From)
	}
	if number == "" {
		return "", operate.ErrNotFound
	}
	return number, nil
}

// leastDigits are those that a text needs to be looked for as the end of a number: those
// of extensions would be found in any.
const leastDigits = 6

// numberIn is the number of a party that calls can be found by; empty for none.
func numberIn(p call.Party) string {
	digits := 0
	for _, c := range p.Raw {
		if unicode.IsDigit(c) {
			digits++
		}
	}
	switch {
	case p.Number != "":
		return p.Number
	case p.SIP == "" && p.Extension == "" && digits >= leastDigits:
		return p.Raw
	default:
		return ""
	}
}

// CallsOf returns the address of the calls of the number at one end of a call, from or
// to; empty where there is none.
func (f frame) CallsOf(id, end string, p call.Party) string {
	switch number := numberIn(p); {
	case number == "":
		return ""
	case f.Show:
		return f.URL("/calls?" + url.Values{"number": {number}}.Encode())
	default:
		return "/calls?" + url.Values{"of": {id}, "end": {end}}.Encode()
	}
}

// Agent is how people know an agent, numbers in it masked unless they are shown; empty
// where nobody is known.
func (f frame) Agent(a call.Agent) string {
	switch {
	case a.Name != "" || a.Email != "":
		return f.Text(cmp.Or(a.Name, a.Email))
	case a.Extension != "":
		return "ext. " + f.Text(a.Extension)
	default:
		return f.Text(a.ID)
	}
}

// CallsOfAgent returns the address of the calls of an agent; empty where nothing names
// it but what may be a number.
func (f frame) CallsOfAgent(a call.Agent) string {
	for _, name := range []string{a.ID, a.Extension, a.Email, a.Name} {
		if name != "" && f.Text(name) == name {
			return f.URL("/calls?" + url.Values{"agent": {name}}.Encode())
		}
	}
	return ""
}

// pillRoom is how many deliveries of a call have room in its line.
const pillRoom = 2

func rowOf(c operate.CallItem) callRow {
	row := callRow{CallItem: c}
	if c.Record != nil { // a damaged one is shown by its id
		row.Call = *c.Record
	}
	row.Pills = slices.Clone(c.Deliveries)
	place := func(s operate.SinkState) int {
		return slices.Index([]string{"bad", "wait", "good"}, operate.Tone(s.State))
	}
	slices.SortStableFunc(row.Pills, func(a, b operate.SinkState) int { return place(a) - place(b) })
	if len(row.Pills) > pillRoom {
		for _, s := range row.Pills[pillRoom-1:] {
			row.Rest = append(row.Rest, s.Sink+": "+spoken(s.State))
		}
		row.Pills = row.Pills[:pillRoom-1]
	}
	return row
}

// lookOn is how long a page is looked for that has something on it: as long as one of
// the store takes at most.
const lookOn = 100 * time.Millisecond

// search returns a page of a listing. A store returns an empty one where a filter passes
// over many; then it looks on for a moment, and the script of an empty page goes on from
// there, so that nobody has to click through them. atOnce reports whether it did not
// have to.
func search[T any](ctx context.Context, cursor string, list func(ctx context.Context, cursor string) (operate.Page[T], error)) (page operate.Page[T], atOnce bool, err error) {
	atOnce = true
	for end := time.Now().Add(lookOn); ; cursor, atOnce = page.NextCursor, false {
		page, err = list(ctx, cursor)
		if err != nil || len(page.Items) > 0 || page.NextCursor == "" || time.Now().After(end) {
			return page, atOnce, err
		}
	}
}

// Party is the best form of an address, masked unless numbers are shown.
func (f frame) Party(p call.Party) string {
	switch {
	case p.Number != "":
		return f.Number(p.Number)
	case p.SIP != "":
		return f.Number(p.SIP)
	case p.Raw != "":
		return f.Number(p.Raw)
	case p.Extension != "":
		return "ext. " + p.Extension
	default:
		return "unknown"
	}
}
