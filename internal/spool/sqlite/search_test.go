package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// search lists the ids of all calls that a filter selects, page by page, and the
// number of pages.
func search(tb testing.TB, s *sqlite.Store, f spool.CallFilter, limit int) (ids string, pages int) {
	tb.Helper()
	var out []string
	cursor := ""
	for {
		page, err := s.SearchCalls(tb.Context(), f, limit, cursor)
		if err != nil {
			tb.Fatal(err)
		}
		if len(page.Calls) > limit {
			tb.Fatalf("a page of %d, limit %d", len(page.Calls), limit)
		}
		for _, c := range page.Calls {
			out = append(out, strings.TrimPrefix(c.ID, "dialer:"))
		}
		pages++
		if cursor = page.Next; cursor == "" || pages > 1000 {
			return strings.Join(out, " "), pages
		}
	}
}

// first is when the first call of fill was received; later ones are younger than
// retention, so that housekeeping leaves them alone.
func first() time.Time { return time.Now().Truncate(24 * time.Hour).Add(-48 * time.Hour) }

// fill puts calls into the file without the work of accepting them: call i of n
// has the number that of gives, and was received i seconds after the first.
func fill(tb testing.TB, s *sqlite.Store, n int, of string) {
	tb.Helper()
	fillSized(tb, s, n, of, 0)
}

// fillSized does so with records that are longer by a number of bytes.
func fillSized(tb testing.TB, s *sqlite.Store, n int, of string, more int) {
	tb.Helper()
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO calls(call_id, revision, content, source, outcome, received_at, record)
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT 'dialer:' || i, 1, x'00', CASE WHEN i %% 1000 = 5 THEN 'rare' ELSE 'dialer' END, 'answered', %d + i * 1000,
				'{"from":{"number":"+' || (%s) || '"},"raw":"' || replace(hex(zeroblob(%d)), '00', 'x') || '"}' FROM n`, n-1, first().UnixMilli(), of, more),
		fmt.Sprintf(`INSERT INTO number_keys(block, digits, call_seq)
			SELECT seq >> 14, (WITH RECURSIVE r(t, i) AS (SELECT '', 1 UNION ALL SELECT substr(d, i, 1) || t, i + 1 FROM r WHERE i <= length(d)) SELECT t FROM r WHERE i = length(d) + 1), seq
			FROM (SELECT seq, CAST((SELECT %s FROM (SELECT seq - 1 AS i)) AS TEXT) AS d FROM calls)`, of),
		`UPDATE indexed SET up_to = (SELECT max(seq) FROM calls)`,
	} {
		if err := s.Exec(sql); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestSearchOfManyCallsNoRace: numbers that end alike, be it few or more than are
// looked up, come newest first and all, whether their keys are written or not.
func TestSearchOfManyCallsNoRace(t *testing.T) {
	const n = 36_000 // three blocks of keys
	for _, indexed := range []int{n, n / 2, 0} {
		t.Run(fmt.Sprint(indexed, " indexed"), func(t *testing.T) {
			s := open(t, spool.Config{})
			fill(t, s, n, "6281200000000 + i * 7 % 5000")
			for _, sql := range []string{`DELETE FROM number_keys WHERE call_seq > ?`, `UPDATE indexed SET up_to = ?`} {
				if err := s.Exec(sql, indexed); err != nil {
					t.Fatal(err)
				}
			}
			searchMany(t, s, n)
		})
	}
}

func searchMany(t *testing.T, s *sqlite.Store, n int) {
	t.Helper()
	at := func(i int) time.Time { return first().Add(time.Duration(i) * time.Second) }
	for _, c := range []struct {
		name   string
		filter spool.CallFilter
		holds  func(i int) bool
	}{
		{"one number", spool.CallFilter{Number: "+6281200000007"}, func(i int) bool { return i*7%5000 == 7 }},
		{"four digits", spool.CallFilter{Number: "0007"}, func(i int) bool { return i*7%5000%10000 == 7 }},
		{"two digits", spool.CallFilter{Number: "07"}, func(i int) bool { return i*7%5000%100 == 7 }},
		{"national", spool.CallFilter{Number: "0812-0000-0007"}, func(i int) bool { return i*7%5000 == 7 }},
		{"too much for a national form", spool.CallFilter{Number: "0200000007"}, func(int) bool { return false }},
		{"one digit", spool.CallFilter{Number: "1"}, func(i int) bool { return i*7%5000%10 == 1 }},
		{"a number and a source", spool.CallFilter{Number: "5", Source: "rare"}, func(i int) bool { return i*7%5000%10 == 5 && i%1000 == 5 }},
		{"a rare source", spool.CallFilter{Source: "rare"}, func(i int) bool { return i%1000 == 5 }},
		{"since", spool.CallFilter{Since: at(35_990)}, func(i int) bool { return i >= 35_990 }},
		{"until", spool.CallFilter{Until: at(10)}, func(i int) bool { return i < 10 }},
		{"between", spool.CallFilter{Since: at(5000), Until: at(5003)}, func(i int) bool { return i >= 5000 && i < 5003 }},
		{"a number between", spool.CallFilter{Number: "0007", Since: at(5001)}, func(i int) bool { return i*7%5000 == 7 && i >= 5001 }},
		{"nothing", spool.CallFilter{Number: "99999"}, func(int) bool { return false }},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			for i := n - 1; i >= 0; i-- {
				if c.holds(i) {
					want = append(want, fmt.Sprint(i))
				}
			}
			for _, limit := range []int{60, 500} {
				if got, _ := search(t, s, c.filter, limit); got != strings.Join(want, " ") {
					t.Errorf("%d a page: %.200q, want %.200q", limit, got, strings.Join(want, " "))
				}
			}
			slices.Reverse(want)
			c.filter.OldestFirst = true
			if got, _ := search(t, s, c.filter, 500); got != strings.Join(want, " ") {
				t.Errorf("oldest first: %.200q, want %.200q", got, strings.Join(want, " "))
			}
		})
	}
}

// TestAPageOfCallsHasItsTime: no matter what a filter selects and how it is looked for, a
// page ends when its 100 ms are over, says how far it came, and is gone on from.
func TestAPageOfCallsHasItsTime(t *testing.T) {
	const n, every = 5000, 6400 * time.Microsecond // the clock is looked at once for 64 rows
	s := open(t, spool.Config{})
	fill(t, s, n, "6281200000000 + i")
	if err := s.Exec(`INSERT INTO deliveries(call_seq, lane, state, due, since) SELECT seq, (SELECT id FROM lanes WHERE name = 'crm'), 4, 0, 0 FROM calls`); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]spool.CallFilter{
		"oldest first":             {Source: "none", OldestFirst: true},
		"a delivery, oldest first": {Sink: "crm", State: spool.Waiting, OldestFirst: true},
		"outcome":                  {Outcome: "voicemail"},
		"record":                   {Agent: "nobody"},
		"delivery":                 {Sink: "crm", State: spool.Waiting},
		"unkeyed":                  {Number: "+6299999999"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "unkeyed" {
				if err := s.Exec(`UPDATE indexed SET up_to = 0`); err != nil {
					t.Fatal(err)
				}
			}
			clock := time.Now()
			asked := 0
			now := func() time.Time { asked++; clock = clock.Add(every); return clock }
			cursor, reached := "", time.Time{}
			for pages := 1; ; pages++ {
				asked = 0
				page, err := s.SearchCallsBy(now, f, cursor)
				if err != nil || len(page.Calls) > 0 {
					t.Fatal(len(page.Calls), err)
				}
				if most := int(100*time.Millisecond/every) + 2; asked > most {
					t.Fatalf("page %d looked at the clock %d times, %d is its time", pages, asked, most)
				}
				if page.Next == "" {
					if pages < n/1100 || pages > n/700 {
						t.Errorf("%d pages", pages)
					}
					return
				}
				if !reached.IsZero() && page.Reached.Before(reached) == f.OldestFirst {
					t.Fatalf("page %d reached %v, the one before %v", pages, page.Reached, reached)
				}
				cursor, reached = page.Next, page.Reached
			}
		})
	}
}

// TestAPageOfDeadLettersHasItsTime: as a page of calls, where each is looked at.
func TestAPageOfDeadLettersHasItsTime(t *testing.T) {
	const n, every = 5000, 6400 * time.Microsecond // the clock is looked at once for 64 rows
	s := open(t, spool.Config{})
	fill(t, s, n, "6281200000000 + i")
	fillLetters(t, s, n)
	for name, f := range map[string]spool.LetterFilter{
		"number":           {Number: "+6299999999"},
		"answer":           {Answer: "nobody said this"},
		"answer of a sink": {Answer: "nobody said this", Sink: "crm"},
		"oldest first":     {Number: "+6299999999", OldestFirst: true},
	} {
		t.Run(name, func(t *testing.T) {
			clock := time.Now()
			asked := 0
			now := func() time.Time { asked++; clock = clock.Add(every); return clock }
			pages := 1
			for cursor := ""; ; pages++ {
				asked = 0
				page, next, err := s.SearchLettersBy(now, f, cursor)
				if err != nil || len(page) > 0 {
					t.Fatal(len(page), err)
				}
				if most := int(100*time.Millisecond/every) + 2; asked > most {
					t.Fatalf("page %d looked at the clock %d times, %d is its time", pages, asked, most)
				}
				if cursor = next; cursor == "" {
					break
				}
			}
			if pages < n/1100 || pages > n/700 {
				t.Errorf("%d pages", pages)
			}
		})
	}
}

// TestAPageOfCallsGetsOn: a page that has no time at all looks at some calls, so that a
// small store answers in one page on a busy machine.
func TestAPageOfCallsGetsOn(t *testing.T) {
	s := open(t, spool.Config{})
	fill(t, s, 200, "6281200000000 + i")
	clock := time.Now()
	now := func() time.Time { clock = clock.Add(time.Hour); return clock }
	found, pages := 0, 0
	for cursor := ""; ; {
		page, err := s.SearchCallsBy(now, spool.CallFilter{Source: "rare"}, cursor)
		if err != nil || pages > 10 {
			t.Fatal(pages, err)
		}
		found, pages = found+len(page.Calls), pages+1
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if found != 1 || pages < 3 || pages > 4 {
		t.Errorf("%d calls found on %d pages", found, pages)
	}
}

// TestSearchByTimeIsBounded: a time in the past is found without walking there.
func TestSearchByTimeIsBounded(t *testing.T) {
	s := open(t, spool.Config{})
	fill(t, s, 25_000, "6281200000000 + i")
	if got, pages := search(t, s, spool.CallFilter{Until: first().Add(3 * time.Second)}, 10); got != "2 1 0" || pages > 2 {
		t.Errorf("%q in %d pages", got, pages)
	}
	if got, pages := search(t, s, spool.CallFilter{Since: first().Add(24_998 * time.Second)}, 10); got != "24999 24998" || pages != 1 {
		t.Errorf("%q in %d pages", got, pages)
	}
}

// TestSearchWhenTheClockWasSet: received_at need not follow the order of
// acceptance.
func TestSearchWhenTheClockWasSet(t *testing.T) {
	s := open(t, spool.Config{})
	begun := time.Now()
	for i, offset := range []time.Duration{0, 10 * time.Minute, -20 * time.Minute, 30 * time.Minute} {
		a := acceptance(fmt.Sprint(i), "first", "crm")
		a.Record.ReceivedAt = call.At(begun.Add(offset))
		if _, err := s.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	for f, want := range map[spool.CallFilter]string{
		{Since: begun.Add(5 * time.Minute)}:  "3 1",
		{Until: begun.Add(-5 * time.Minute)}: "2",
		{Since: begun.Add(-time.Hour)}:       "3 2 1 0",
	} {
		if got, _ := search(t, s, f, 10); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

func TestSearchShowsWhereDeliveriesStand(t *testing.T) {
	s := open(t, spool.Config{})
	if _, err := s.Accept(t.Context(), acceptance("a", "first", "crm", "slack")); err != nil {
		t.Fatal(err)
	}
	succeed(t, s.Settle(lease(t, s, 1)[0], nil))
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		page, err := s.SearchCalls(t.Context(), spool.CallFilter{}, 10, "")
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(page.Calls[0].Deliveries) == "[{crm delivered} {slack waiting}]" {
			return
		}
	}
	t.Error("not shown as delivered")
}

// TestLetterSearches: listing by filter, walking, by id, by call.
func TestLetterSearches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		for i, reason := range []spool.Reason{spool.Rejected, spool.Render, spool.Rejected} {
			a := acceptance(fmt.Sprint(i), "first", "crm", "slack")
			if _, err := s.Accept(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			for _, sink := range []string{"crm", "slack"} {
				ds, err := s.Lease(t.Context(), sink, spool.Places{Limit: 1, Doubtful: 1})
				if err != nil {
					t.Fatal(err)
				}
				succeed(t, s.Bury(ds[0], nil, reason, fmt.Sprint(sink, i)))
				pass(time.Second)
			}
		}
		if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte("x"), Detail: "intake"}); err != nil {
			t.Fatal(err)
		}
		for f, want := range map[spool.LetterFilter]string{
			{}:                                      "intake slack2 crm2 slack1 crm1 slack0 crm0",
			{Stage: spool.StageIntake}:              "intake",
			{Stage: spool.StageDelivery}:            "slack2 crm2 slack1 crm1 slack0 crm0",
			{Sink: "crm"}:                           "crm2 crm1 crm0",
			{Sink: "crm", Reason: spool.Rejected}:   "crm2 crm0",
			{Reason: spool.Render}:                  "slack1 crm1",
			{Reason: spool.Undecoded}:               "intake",
			{Sink: "none"}:                          "",
			{Sink: "crm", Stage: spool.StageIntake}: "",
		} {
			for _, limit := range []int{1, 2, 100} {
				if got := listLetters(t, s, f, limit); got != want {
					t.Errorf("%+v, %d a page: %q, want %q", f, limit, got, want)
				}
				words := strings.Fields(want)
				slices.Reverse(words)
				f.OldestFirst = true
				if got, want := listLetters(t, s, f, limit), strings.Join(words, " "); got != want {
					t.Errorf("%+v, %d a page: %q, want %q", f, limit, got, want)
				}
				f.OldestFirst = false
			}
		}
		of, err := s.LettersOfCall(t.Context(), "dialer:1")
		if err != nil || len(of) != 2 || of[0].Revision != 1 || of[0].CallID != "dialer:1" {
			t.Errorf("letters of a call: %+v %v", of, err)
		}
		found, err := s.LettersByID(t.Context(), []string{"none", strings.ToLower(of[1].ID), of[0].ID})
		if err != nil || len(found) != 2 || found[0].ID != of[1].ID {
			t.Errorf("by id: %+v %v", found, err)
		}
		newest, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 1, "")
		if err != nil {
			t.Fatal(err)
		}
		last := newest[0].ID
		for _, id := range []string{last, of[0].ID} {
			if err := s.NoteLetter(t.Context(), id, "new reason"); err != nil {
				t.Fatal(err)
			}
		}
		if found, err = s.LettersByID(t.Context(), []string{last, of[0].ID}); err != nil || found[0].Detail != "new reason" || found[1].Detail == "new reason" {
			t.Errorf("noted: %+v %v", found, err)
		}
	})
}

func listLetters(tb testing.TB, s *sqlite.Store, f spool.LetterFilter, limit int) string {
	tb.Helper()
	var out []string
	for cursor := ""; ; {
		page, next, err := s.SearchLetters(tb.Context(), f, limit, cursor)
		if err != nil {
			tb.Fatal(err)
		}
		for _, l := range page {
			out = append(out, l.Detail)
		}
		if cursor = next; cursor == "" {
			return strings.Join(out, " ")
		}
	}
}
