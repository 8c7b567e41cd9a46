package spooltest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func letterListingCases() []testCase {
	return []testCase{
		{"letters/pages are stable while letters come in", letterPages},
		{"letters/filters", letterFilters},
		{"letters/filters on what is in them", letterFiltersWithin},
		{"letters/the calls of letters", callsOfLetters},
		{"letters/a bad cursor is refused", badLetterCursor},
	}
}

func badLetterCursor(r *rig) {
	for _, f := range []spool.LetterFilter{{}, {Sink: "crm"}} {
		if _, _, err := r.SearchLetters(r.Context(), f, 10, "nonsense"); !errors.Is(err, spool.ErrBadCursor) {
			r.Errorf("%+v: error %v, want %v", f, err, spool.ErrBadCursor)
		}
	}
}

func letterPages(r *rig) {
	r.acceptAll("a", "b", "c")
	want := r.bury()
	var got []string
	cursor := ""
	for range 10 {
		page, next, err := r.SearchLetters(r.Context(), spool.LetterFilter{}, 1, cursor)
		r.check(err)
		for _, l := range page {
			got = append([]string{l.ID}, got...)
		}
		if next == "" {
			break
		}
		cursor = next
		r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", cursor)))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.Errorf("listed %v, want %v", got, want)
	}
}

func letterFilters(r *rig) {
	r.accept("a", "first", "crm", "slack")
	for i, sink := range []string{"crm", "slack"} {
		r.check(r.Bury(r.one(sink), nil, []spool.Reason{spool.Rejected, spool.Render}[i], sink))
		r.commit()
	}
	r.pass(time.Minute)
	middle := time.Now()
	r.pass(time.Minute)
	u := undecodable("nxlink", "nope")
	u.Detail = "intake"
	r.check(r.KeepUndecodable(r.Context(), u))
	for _, c := range []struct {
		filter spool.LetterFilter
		want   string
	}{
		{spool.LetterFilter{}, "intake slack crm"},
		{spool.LetterFilter{Stage: spool.StageDelivery}, "slack crm"},
		{spool.LetterFilter{Stage: spool.StageIntake}, "intake"},
		{spool.LetterFilter{Sink: "crm"}, "crm"},
		{spool.LetterFilter{Reason: spool.Render}, "slack"},
		{spool.LetterFilter{Since: middle}, "intake"},
		{spool.LetterFilter{Until: middle}, "slack crm"},
		{spool.LetterFilter{Sink: "unknown"}, ""},
	} {
		var got []string
		for _, l := range r.letters(c.filter) {
			got = append(got, l.Detail)
		}
		if g := strings.Join(got, " "); g != c.want {
			r.Errorf("%+v: %q, want %q", c.filter, g, c.want)
		}
	}
}

func letterFiltersWithin(r *rig) {
	for i, answer := range []string{`422 Unprocessable Entity: contact 17 is gone`, `422 Unprocessable Entity: contact 2291 is gone`, `400 Bad Request: no`} {
		a := acceptance(fmt.Sprint(i), "first", "crm")
		a.Record.To = call.Party{Number: "+6281351111" + []string{"451", "452", "451"}[i]}
		_, err := r.Accept(r.Context(), a)
		r.check(err)
		r.check(r.Bury(r.one("crm"), nil, spool.Rejected, answer))
		r.commit()
		r.pass(time.Second)
	}
	for source, body := range map[string]string{
		"json":  `{"destnumber":"81351111451","id":}`,
		"form":  `detail=%7B%22to%22%3A%22%2B62%20813-5111-1451%22%7D`,
		"other": `{"id":81351111451000`,
	} {
		u := undecodable(source, body)
		u.Detail = "not JSON: " + source
		r.check(r.KeepUndecodable(r.Context(), u))
		r.pass(time.Second)
	}
	gone := spool.AnswerOf("422 Unprocessable Entity: contact 1 is gone")
	for _, c := range []struct {
		filter spool.LetterFilter
		want   string
	}{
		{spool.LetterFilter{Number: "0813 5111 1451"}, "0 2 form json"},
		{spool.LetterFilter{Number: "1451", Stage: spool.StageDelivery}, "0 2"},
		{spool.LetterFilter{Number: "+62 813 5111 1452"}, "1"},
		{spool.LetterFilter{Number: "1453"}, ""},
		{spool.LetterFilter{Answer: gone}, "0 1"},
		{spool.LetterFilter{Answer: gone, Sink: "crm", Reason: spool.Rejected, Number: "1451"}, "0"},
		{spool.LetterFilter{Answer: gone, Sink: "slack"}, ""},
		{spool.LetterFilter{Source: "form"}, "form"},
		{spool.LetterFilter{Source: "dialer"}, "0 1 2"},
		{spool.LetterFilter{Source: "nobody"}, ""},
	} {
		for _, limit := range []int{1, 2, 100} {
			for _, c.filter.OldestFirst = range []bool{false, true} {
				if got := r.walkLetters(c.filter, limit); got != c.want {
					r.Errorf("%+v, %d a page: %q, want %q", c.filter, limit, got, c.want)
				}
			}
		}
	}
}

func (r *rig) walkLetters(f spool.LetterFilter, limit int) string {
	r.Helper()
	var names []string
	var last string
	for cursor := ""; ; {
		page, next, err := r.SearchLetters(r.Context(), f, limit, cursor)
		r.check(err)
		if len(page) > limit {
			r.Fatalf("a page of %d, limit %d", len(page), limit)
		}
		for _, l := range page {
			if last != "" && (l.ID > last) != f.OldestFirst {
				r.Errorf("%+v: %s comes after %s", f, l.ID, last)
			}
			last = l.ID
			names = append(names, strings.TrimPrefix(cmp.Or(l.CallID, l.Source), "dialer:"))
		}
		if cursor = next; cursor == "" {
			slices.Sort(names)
			return strings.Join(names, " ")
		}
	}
}

func callsOfLetters(r *rig) {
	r.acceptAll("a", "b")
	ids := r.bury()
	r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", "nope")))
	intake := r.letters(spool.LetterFilter{Stage: spool.StageIntake})[0].ID
	got, err := r.CallsOfLetters(r.Context(), append(ids, intake, "none"))
	r.check(err)
	if len(got) != 2 || got[ids[0]].ID != "dialer:a" || got[ids[1]].From.Number != "+6281234567890" || got[ids[0]].Raw != nil {
		r.Errorf("calls of dead letters: %+v", got)
	}
}
