package sqlite_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// BenchmarkListing reads pages of a spool with a million calls and as many dead
// letters. One operation is the first page with something on it, as an operator
// waits for it; pages/op says how many requests that took.
func BenchmarkListing(b *testing.B) {
	const n = 1_000_000
	s := open(b, spool.Config{MaxBytes: 1 << 40, Retention: 1000 * time.Hour})
	fillSized(b, s, n, "6281200000000 + i * 7919 % 1000000", 1000) // records of a kilobyte
	fillLetters(b, s, n)
	at := func(i int) time.Time { return first().Add(time.Duration(i) * time.Second) }
	for _, c := range []struct {
		name   string
		filter spool.CallFilter
	}{
		{"all", spool.CallFilter{}},
		{"number", spool.CallFilter{Number: "+6281200500000"}},
		{"number, national", spool.CallFilter{Number: "0812-0050-0000"}},
		{"end of four digits", spool.CallFilter{Number: "5000"}},
		{"end of one digit", spool.CallFilter{Number: "5"}},
		{"number of nobody", spool.CallFilter{Number: "+6281299999999"}},
		{"source", spool.CallFilter{Source: "dialer"}},
		{"rare source", spool.CallFilter{Source: "rare"}},
		{"source of nobody", spool.CallFilter{Source: "nobody"}},
		{"outcome", spool.CallFilter{Outcome: "answered"}},
		{"outcome of nobody", spool.CallFilter{Outcome: "voicemail"}},
		{"source and outcome", spool.CallFilter{Source: "rare", Outcome: "answered"}},
		{"since", spool.CallFilter{Since: at(n - 100)}},
		{"until", spool.CallFilter{Until: at(100)}},
		{"between", spool.CallFilter{Since: at(n / 2), Until: at(n/2 + 100)}},
		{"number of nobody, between", spool.CallFilter{Number: "5000", Since: at(n / 2), Until: at(n/2 + 100)}},
		{"outcome of nobody, between", spool.CallFilter{Outcome: "voicemail", Since: at(n / 2), Until: at(n/2 + 100)}},
	} {
		b.Run("calls/"+c.name, func(b *testing.B) {
			readPages(b, func(cursor string) (int, string, error) {
				page, err := s.SearchCalls(b.Context(), c.filter, 50, cursor)
				return len(page.Calls), page.Next, err
			})
		})
	}
	for _, c := range []struct {
		name   string
		filter spool.LetterFilter
	}{
		{"all", spool.LetterFilter{}},
		{"intake", spool.LetterFilter{Stage: spool.StageIntake}},
		{"sink", spool.LetterFilter{Sink: "crm"}},
		{"rare reason", spool.LetterFilter{Reason: spool.Render}},
		{"reason of nobody", spool.LetterFilter{Reason: spool.SinkRemoved}},
		{"sink and reason", spool.LetterFilter{Sink: "crm", Reason: spool.Render}},
		{"until", spool.LetterFilter{Until: first().Add(100 * time.Second)}},
		{"number, the oldest", spool.LetterFilter{Number: "+6281200000000"}},
		{"answer of nobody", spool.LetterFilter{Answer: "nobody said this"}},
		{"answer and sink of nobody", spool.LetterFilter{Answer: "nobody said this", Sink: "crm"}},
		{"rare reason, until", spool.LetterFilter{Reason: spool.Render, Until: first().Add(100_000 * time.Second)}},
	} {
		b.Run("letters/"+c.name, func(b *testing.B) {
			readPages(b, func(cursor string) (int, string, error) {
				page, next, err := s.SearchLetters(b.Context(), c.filter, 50, cursor)
				return len(page), next, err
			})
		})
		c.filter.OldestFirst = true
		b.Run("oldest/"+c.name, func(b *testing.B) {
			readPages(b, func(cursor string) (int, string, error) {
				page, next, err := s.SearchLetters(b.Context(), c.filter, 50, cursor)
				return len(page), next, err
			})
		})
	}
}

// BenchmarkFilteredCalls reads pages of 100,000 calls, of two sinks each, by what only
// the records and the deliveries say; what is looked for is mostly not there, or is the
// oldest. ms-longest-page is what an operator waits for one page.
func BenchmarkFilteredCalls(b *testing.B) {
	const n = 100_000
	s := open(b, spool.Config{MaxBytes: 1 << 40, Retention: 1000 * time.Hour})
	fill(b, s, n, "6281200000000 + i")
	record := acceptance("1", "first").Record
	record.Account, record.Agent = "951", call.Agent{ID: "7", Name: "Budi Santoso", Email: "budi@example.com"}
	record.Raw = []byte(`{` + strings.Repeat(`"a field of the vendor":"and its value",`, 20) + `"last":1}`)
	for _, sql := range []string{
		`UPDATE calls SET record = '` + string(record.JSON()) + `'`,
		`INSERT INTO deliveries(call_seq, lane, state, due, since) SELECT seq, id, CASE WHEN seq = 1 THEN 5 ELSE 4 END, 0, 0 FROM calls, lanes`,
		`INSERT INTO dead_letters(id, stage, lane, source, call_id, reason, detail, tries, created_at, call_seq)
			SELECT 'dead' || id, 'delivery', id, 'dialer', 'dialer:0', 'rejected', '422', 1, 0, 1 FROM lanes`,
	} {
		if err := s.Exec(sql); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		filter spool.CallFilter
	}{
		{"all", spool.CallFilter{}},
		{"sink", spool.CallFilter{Sink: "crm"}},
		{"sink of nobody", spool.CallFilter{Sink: "nobody"}},
		{"delivered", spool.CallFilter{State: spool.Delivered}},
		{"dead, the oldest", spool.CallFilter{State: spool.Dead}},
		{"waiting, none", spool.CallFilter{State: spool.Waiting}},
		{"sink and waiting, none", spool.CallFilter{Sink: "crm", State: spool.Waiting}},
		{"agent", spool.CallFilter{Agent: "7"}},
		{"agent of nobody", spool.CallFilter{Agent: "nobody"}},
		{"direction of nobody", spool.CallFilter{Direction: call.Internal}},
		{"account of nobody", spool.CallFilter{Account: "952"}},
		{"outcome of nobody", spool.CallFilter{Outcome: "voicemail"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			readPages(b, func(cursor string) (int, string, error) {
				page, err := s.SearchCalls(b.Context(), c.filter, 50, cursor)
				return len(page.Calls), page.Next, err
			})
		})
	}
}

// readPages asks for pages until one has something on it, or the last is read.
func readPages(b *testing.B, page func(cursor string) (found int, next string, err error)) {
	b.Helper()
	b.ReportAllocs()
	pages := 0
	var longest time.Duration
	for b.Loop() {
		for cursor := ""; ; {
			begun := time.Now()
			found, next, err := page(cursor)
			if err != nil {
				b.Fatal(err)
			}
			longest = max(longest, time.Since(begun))
			pages++
			if cursor = next; found > 0 || next == "" {
				break
			}
		}
	}
	b.ReportMetric(float64(pages)/float64(b.N), "pages/op")
	b.ReportMetric(float64(longest.Microseconds())/1e3, "ms-longest-page")
}

// fillLetters puts dead letters into the file: one in a thousand could not be
// rendered, one in a thousand is a callback, the rest were refused.
func fillLetters(tb testing.TB, s *sqlite.Store, n int) {
	tb.Helper()
	// 10 digits stand for the time of an id: Crockford's base 32 of milliseconds.
	digit := func(at string, place int) string {
		return fmt.Sprintf(`substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (((%s) >> %d) & 31) + 1, 1)`, at, 5*place)
	}
	id := ""
	for place := 9; place >= 0; place-- {
		id += digit("at", place) + " || "
	}
	err := s.Exec(fmt.Sprintf(`INSERT INTO dead_letters(id, stage, lane, source, call_id, reason, detail, tries, created_at, call_seq, body_hash, body)
		WITH RECURSIVE n(i, at) AS (SELECT 0, %[1]d UNION ALL SELECT i + 1, at + 1000 FROM n WHERE i < %[2]d)
		SELECT %[3]s printf('%%016d', i), CASE WHEN i %% 1000 = 7 THEN 'intake' ELSE 'delivery' END,
			CASE WHEN i %% 1000 = 7 THEN 0 ELSE (SELECT id FROM lanes WHERE name = 'crm') END, 'dialer', 'dialer:' || i,
			CASE i %% 1000 WHEN 7 THEN 'undecodable' WHEN 8 THEN 'render' ELSE 'rejected' END, '422 Unprocessable Entity', 1, at,
			CASE WHEN i %% 1000 = 7 THEN NULL ELSE i + 1 END, CASE WHEN i %% 1000 = 7 THEN CAST(i AS TEXT) END, x'00' FROM n`,
		first().UnixMilli(), n-1, id))
	if err != nil {
		tb.Fatal(err)
	}
}
