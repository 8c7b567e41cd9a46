package spooltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func listingCases() []testCase {
	return []testCase{
		{"calls/pages are stable while calls come in", callPages},
		{"calls/filters", callFilters},
		{"calls/filters on the record and the deliveries", callFiltersWithin},
		{"calls/search by number", searchNumber},
		{"calls/oldest first, and no new ones", callsOldestFirst},
		{"calls/a bad cursor is refused", badCursor},
		{"calls/an unknown id is not found", unknownCall},
		{"calls/detail shows all revisions and sinks", callDetail},
	}
}

// calls returns the ids of a listing, page by page, with extra done after the
// first page. Without extra the oldest first are the same ones.
func (r *rig) calls(f spool.CallFilter, limit int, extra func()) string {
	r.Helper()
	got := r.listed(f, limit, extra)
	if f.OldestFirst || extra != nil {
		return got
	}
	f.OldestFirst = true
	upwards := strings.Fields(r.listed(f, limit, nil))
	slices.Reverse(upwards)
	if text := strings.Join(upwards, " "); text != got {
		r.Errorf("%+v: backwards %q, newest first %q", f, text, got)
	}
	return got
}

// callsOldestFirst: what comes in meanwhile is not listed.
func callsOldestFirst(r *rig) {
	r.acceptAll("a", "b", "c")
	for _, f := range []spool.CallFilter{{}, {Sink: "crm"}, {Number: "567890"}} {
		f.OldestFirst = true
		more := 0
		got := r.calls(f, 1, func() {
			more++
			r.acceptAll(fmt.Sprint(f.Sink, f.Number, more))
		})
		if !strings.HasPrefix(got, "a b c") || strings.HasSuffix(got, fmt.Sprint(f.Sink, f.Number, more)) {
			r.Errorf("%+v: %q", f, got)
		}
	}
	if _, err := r.SearchCalls(r.Context(), spool.CallFilter{OldestFirst: true}, 1, "7"); !errors.Is(err, spool.ErrBadCursor) {
		r.Errorf("a cursor of a listing the other way: %v", err)
	}
}

func (r *rig) listed(f spool.CallFilter, limit int, extra func()) string {
	r.Helper()
	var ids []string
	cursor := ""
	for range 1000 {
		page, err := r.SearchCalls(r.Context(), f, limit, cursor)
		r.check(err)
		if len(page.Calls) > limit {
			r.Fatalf("a page of %d, limit %d", len(page.Calls), limit)
		}
		for _, c := range page.Calls {
			ids = append(ids, strings.TrimPrefix(c.ID, "dialer:"))
		}
		if (page.Next == "") != page.Reached.IsZero() {
			r.Errorf("next %q, and reached %v", page.Next, page.Reached)
		}
		if page.Next == "" {
			return strings.Join(ids, " ")
		}
		cursor = page.Next
		if extra != nil {
			extra()
		}
	}
	r.Fatal("the listing has no end")
	return ""
}

func callPages(r *rig) {
	r.acceptAll("a", "b", "c", "d", "e")
	n := 0
	got := r.calls(spool.CallFilter{}, 2, func() {
		n++
		r.acceptAll(fmt.Sprintf("later%d", n))
	})
	if got != "e d c b a" {
		r.Errorf("listed %q, want %q", got, "e d c b a")
	}
	page, err := r.SearchCalls(r.Context(), spool.CallFilter{}, 100, "")
	r.check(err)
	if len(page.Calls) != 5+n || page.Next != "" {
		r.Errorf("%d calls, next %q", len(page.Calls), page.Next)
	}
	if c, rec := page.Calls[0], new(call.Record); json.Unmarshal(c.Record, rec) != nil || rec.ID != c.ID || c.Revision != 1 {
		r.Errorf("summary: %+v", c)
	}
}

func callFilters(r *rig) {
	begun := time.Now()
	for i, outcome := range []call.Outcome{"answered", "busy", "answered", "no_answer"} {
		a := acceptance(fmt.Sprint(i), "first", "crm")
		a.Record.Outcome = outcome
		if i == 2 {
			a.Record.Source = "nxlink"
		}
		_, err := r.Accept(r.Context(), a)
		r.check(err)
		r.pass(time.Minute)
	}
	for _, c := range []struct {
		filter spool.CallFilter
		want   string
	}{
		{spool.CallFilter{}, "3 2 1 0"},
		{spool.CallFilter{Outcome: "answered"}, "2 0"},
		{spool.CallFilter{Source: "dialer"}, "3 1 0"},
		{spool.CallFilter{Source: "dialer", Outcome: "answered"}, "0"},
		{spool.CallFilter{Since: begun.Add(time.Minute)}, "3 2 1"},
		{spool.CallFilter{Until: begun.Add(2 * time.Minute)}, "1 0"},
		{spool.CallFilter{Since: begun.Add(time.Minute), Until: begun.Add(2 * time.Minute)}, "1"},
		{spool.CallFilter{Outcome: "voicemail"}, ""},
	} {
		for _, limit := range []int{1, 2, 100} {
			if got := r.calls(c.filter, limit, nil); got != c.want {
				r.Errorf("%+v, %d a page: %q, want %q", c.filter, limit, got, c.want)
			}
		}
	}
}

// callFiltersWithin: what no column of its own holds is found as well.
func callFiltersWithin(r *rig) {
	budi := call.Agent{ID: "7", Name: "Budi Santoso", Extension: "1001", Email: "budi@example.com"}
	for i, c := range []struct {
		direction call.Direction
		account   string
		agent     call.Agent
		sinks     []string
	}{
		{"inbound", "951", budi, []string{"crm", "slack"}},
		{"outbound", "951", call.Agent{ID: "1001"}, []string{"crm"}},
		{"inbound", "952", call.Agent{ID: "17"}, []string{"crm", "slack"}},
		{"internal", "", call.Agent{}, nil},
	} {
		a := acceptance(fmt.Sprint(i), "first", c.sinks...)
		a.Record.Direction, a.Record.Account, a.Record.Agent = c.direction, c.account, c.agent
		_, err := r.Accept(r.Context(), a)
		r.check(err)
	}
	r.check(r.Settle(r.one("crm"), nil))                                 // 0
	r.check(r.Bury(r.one("crm"), nil, spool.Rejected, "422"))            // 1
	r.check(r.Retry(r.one("crm"), nil, hourAhead(), spool.History{}))    // 2
	r.check(r.Bury(r.one("slack"), nil, spool.Rejected, "no such room")) // 0
	r.accept("2", "second", "crm")                                       // is held
	r.commit()
	for _, c := range []struct {
		filter spool.CallFilter
		want   string
	}{
		{spool.CallFilter{Direction: "inbound"}, "2 2 0"},
		{spool.CallFilter{Direction: "unknown"}, ""},
		{spool.CallFilter{Account: "951"}, "1 0"},
		{spool.CallFilter{Account: "95"}, ""},
		{spool.CallFilter{Agent: "7"}, "0"},
		{spool.CallFilter{Agent: "1001"}, "1 0"},
		{spool.CallFilter{Agent: "budi SANTOSO"}, "0"},
		{spool.CallFilter{Agent: "Budi@example.com"}, "0"},
		{spool.CallFilter{Agent: "Budi"}, ""},
		{spool.CallFilter{Sink: "crm"}, "2 2 1 0"},
		{spool.CallFilter{Sink: "slack"}, "2 0"},
		{spool.CallFilter{Sink: "unknown"}, ""},
		{spool.CallFilter{State: spool.Waiting}, "2 2"},
		{spool.CallFilter{State: spool.Delivered}, "0"},
		{spool.CallFilter{State: spool.Dead}, "1 0"},
		{spool.CallFilter{Sink: "crm", State: spool.Waiting}, "2 2"},
		{spool.CallFilter{Sink: "slack", State: spool.Waiting}, "2"},
		{spool.CallFilter{Sink: "crm", State: spool.Dead}, "1"},
		{spool.CallFilter{Sink: "slack", State: spool.Delivered}, ""},
		{spool.CallFilter{State: spool.Dead, Agent: "7"}, "0"},
		{spool.CallFilter{State: spool.Dead, Number: "567890"}, "1 0"},
		{spool.CallFilter{Sink: "slack", Direction: "inbound", Account: "952"}, "2"},
		{spool.CallFilter{Sink: "slack", Until: time.Now().Add(-time.Hour)}, ""},
	} {
		for _, limit := range []int{1, 2, 100} {
			if got := r.calls(c.filter, limit, nil); got != c.want {
				r.Errorf("%+v, %d a page: %q, want %q", c.filter, limit, got, c.want)
			}
		}
	}
}

func hourAhead() time.Time { return time.Now().Add(time.Hour) }

func searchNumber(r *rig) {
	for id, parties := range map[string][2]call.Party{
		"jakarta":  {{Raw: "081234567890", Number: "+6281234567890"}, {Raw: "0215551234", Number: "+62215551234"}},
		"hk":       {{Raw: "85235757581", Number: "+85235757581"}, {Raw: "1001", Extension: "1001"}},
		"short":    {{Raw: "0800111"}, {}},
		"moscow":   {{Raw: "89123456789", Number: "+79123456789"}, {Raw: "12125550123", Number: "+12125550123"}},
		"budapest": {{Raw: "06301234567", Number: "+36301234567"}, {}},
	} {
		a := acceptance(id, "first", "crm")
		a.Record.From, a.Record.To = parties[0], parties[1]
		_, err := r.Accept(r.Context(), a)
		r.check(err)
	}
	for _, c := range []struct{ number, want string }{
		{"+6281234567890", "jakarta"},
		{"6281234567890", "jakarta"},
		{"+62 812-3456-7890", "jakarta"},
		{"+62 (812) 3456 7890", "jakarta"},
		{"006281234567890", "jakarta"},
		{"081234567890", "jakarta"},
		{"567890", "jakarta"},
		{"021 555 1234", "jakarta"},
		{"(021) 555-1234", "jakarta"},
		{"8 (912) 345-67-89", "moscow"},
		{"+7 912 345 67 89", "moscow"},
		{"1 212 555 0123", "moscow"},
		{"(212) 555-0123", "moscow"},
		{"06 30 123 4567", "budapest"},
		{"06-30/123-4567", "budapest"},
		{"30 123 4567", "budapest"},
		{"3575 7581", "hk"},
		{"1001", "hk"},
		{"0800111", "short"},
		{"12345", ""},
		{"8123456", ""},
		{"81234567891", ""},
		{"+1 6281234567890", ""},
	} {
		if got := r.calls(spool.CallFilter{Number: c.number}, 10, nil); got != c.want {
			r.Errorf("number %q: %q, want %q", c.number, got, c.want)
		}
	}
	if got := r.calls(spool.CallFilter{Number: "567890", Outcome: "busy"}, 10, nil); got != "" {
		r.Errorf("the number lets another filter go: %q", got)
	}
}

func badCursor(r *rig) {
	if _, err := r.SearchCalls(r.Context(), spool.CallFilter{}, 10, "nonsense"); !errors.Is(err, spool.ErrBadCursor) {
		r.Errorf("error %v, want %v", err, spool.ErrBadCursor)
	}
}

func unknownCall(r *rig) {
	if _, err := r.Call(r.Context(), "dialer:none"); !errors.Is(err, spool.ErrNotFound) {
		r.Errorf("error %v, want %v", err, spool.ErrNotFound)
	}
}

func callDetail(r *rig) {
	r.accept("a", "first", "crm", "slack")
	r.accept("a", "second", "crm")
	r.check(r.Settle(r.one("slack"), nil))
	r.commit()
	detail, err := r.Call(r.Context(), "dialer:a")
	r.check(err)
	if len(detail.Revisions) != 2 || detail.Revisions[0].Revision != 1 || detail.Revisions[1].Revision != 2 {
		r.Errorf("revisions: %+v", detail.Revisions)
	}
	states := map[string]string{}
	for _, d := range detail.Deliveries {
		states[fmt.Sprintf("%s %d", d.Sink, d.Revision)] = d.State
	}
	want := map[string]string{"crm 1": "waiting", "crm 2": "held", "slack 1": "delivered"}
	if fmt.Sprint(states) != fmt.Sprint(want) {
		r.Errorf("states %v, want %v", states, want)
	}
}

// letterFiltersWithin: each dead letter is looked at, in either order, with pages of any
// size.
// walkLetters lists dead letters by their calls, or else by their sources, in the order
// of these names.
