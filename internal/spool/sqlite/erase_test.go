package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// jakarta is the number that these tests erase.
func jakarta() spool.NumberForms {
	return spool.NumberForms{E164: "+6281234567890", Digits: []string{"6281234567890", "81234567890", "081234567890"}}
}

// from is a call with a number, and with raw text.
func from(id string, p call.Party, raw string) spool.Acceptance {
	a := acceptance(id, "first", "crm")
	a.Record.From, a.Record.Raw = p, json.RawMessage(fmt.Sprintf("%q", raw))
	return a
}

func erase(tb testing.TB, s *sqlite.Store, dry bool) spool.Erased {
	tb.Helper()
	out, err := s.Erase(tb.Context(), jakarta(), dry)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// left returns the keys of the calls that are there.
func left(tb testing.TB, s *sqlite.Store) string {
	tb.Helper()
	page, err := s.SearchCalls(tb.Context(), spool.CallFilter{}, 500, "")
	if err != nil {
		tb.Fatal(err)
	}
	var ids []string
	for _, c := range page.Calls {
		ids = append(ids, strings.TrimPrefix(c.ID, "dialer:"))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// traces counts the bytes of the number in the files of the spool.
func traces(tb testing.TB, s *sqlite.Store) (n int) {
	tb.Helper()
	for _, path := range []string{s.Path(), s.Path() + "-wal"} {
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			tb.Fatal(err)
		}
		n += bytes.Count(b, []byte("81234567890")) + bytes.Count(b, []byte("09876543218")) + bytes.Count(b, []byte("812-3456-7890"))
	}
	return n
}

func TestEraseFindsTheNumberHoweverItIsSpelled(t *testing.T) {
	s := open(t, spool.Config{})
	other := call.Party{Raw: "6285700000001", Number: "+6285700000001"}
	for id, a := range map[string]struct {
		party call.Party
		raw   string
	}{
		"e164":          {call.Party{Raw: "6281234567890", Number: "+6281234567890"}, ""},
		"national":      {call.Party{Raw: "081234567890"}, ""},
		"in-raw":        {other, `{"note":"call back +62 812-3456-7890"}`},
		"escaped":       {other, `{"sip":"sip:\u002b6281234567890@pbx"}`},
		"in-url":        {other, `https://x/?n=%20081234567890%22`},
		"00-prefix":     {other, `006281234567890`},
		"keep-longer":   {other, `1628123456789012 6281234567890123`},
		"keep-shorter":  {call.Party{Raw: "1234567890"}, "4567890 2345678901"},
		"keep-other":    {other, "+6281234567891"},
		"keep-japanese": {call.Party{Raw: "81234567890", Number: "+81234567890"}, `{"caller":"81234567890"}`},
	} {
		if _, err := s.Accept(t.Context(), from(id, a.party, a.raw)); err != nil {
			t.Fatal(err)
		}
	}
	if out := erase(t, s, true); out.Calls != 6 || out.Waiting != 6 || out.Deliveries != 6 {
		t.Errorf("dry: %+v", out)
	}
	if out := erase(t, s, false); out.Calls != 6 || out.Waiting != 6 || out.Residue || len(out.InFlight) != 0 {
		t.Errorf("erased: %+v", out)
	}
	if got := left(t, s); got != "keep-japanese keep-longer keep-other keep-shorter" {
		t.Errorf("left: %s", got)
	}
	lanes, err := s.Lanes(t.Context())
	if err != nil || lanes[0].Waiting != 4 || s.Totals().Calls != 4 {
		t.Errorf("lanes %+v, totals %+v", lanes, s.Totals())
	}
	if out := erase(t, s, false); out.Calls != 0 {
		t.Errorf("erased twice: %+v", out)
	}
	if n := len(lease(t, s, 10)); n != 4 {
		t.Errorf("%d are leased, want 4", n)
	}
}

func TestEraseOfDates(t *testing.T) {
	s := open(t, spool.Config{})
	if _, err := s.Accept(t.Context(), from("date", call.Party{}, "2025-10-16 17:31:13")); err != nil {
		t.Fatal(err)
	}
	out, err := s.Erase(t.Context(), spool.NumberForms{E164: "+85220251016", Digits: []string{"20251016"}}, false)
	if err != nil || out.Calls != 0 {
		t.Errorf("a date is taken for a number: %+v %v", out, err)
	}
}

func TestEraseTakesEverythingThatHangsOnACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		a := acceptance("a", "first", "crm", "slack")
		if _, err := s.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		second := from("a", call.Party{}, "nothing")
		second.Content[0] = 'x'
		if _, err := s.Accept(t.Context(), second); err != nil { // held behind the first
			t.Fatal(err)
		}
		succeed(t, s.Bury(lease(t, s, 1)[0], []spool.Attempt{{At: time.Now(), Detail: "no 081234567890"}}, spool.Rejected, "no 081234567890"))
		pass(time.Second)
		for _, u := range []spool.Undecodable{
			{Body: []byte(`{"n":"0812 3456 7890"}`)},
			{Body: []byte(`{"n":"other"}`)},
			{Body: []byte("\xfe\xff\x00\"\x00+\x006\x002\x008\x001\x002\x003\x004\x005\x006\x007\x008\x009\x000\x00\"")}, // UTF-16
			{Body: []byte(`{"n":"elsewhere"}`), Request: spool.Request{Query: "to=%2B6281234567890"}},
		} {
			u.Source = "dialer"
			if err := s.KeepUndecodable(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		other := from("b", call.Party{Raw: "1001"}, "other")
		if _, err := s.Accept(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		for _, d := range lease(t, s, 9) {
			if d.Record.ID == "dialer:b" {
				succeed(t, s.Bury(d, []spool.Attempt{{At: time.Now(), Detail: "duplicate of +62 812-3456-7890"}, {
					At: time.Now(), Headers: map[string]string{"Location": "/of/6281234567890", "X-Request-Id": "r-1"},
					Request: &spool.Sent{Method: "PUT", URL: "https://crm.example/?n=%2B6281234567890", Body: `{"n":"\u002b\u0036281234567890","o":1}`},
				}}, spool.Rejected, "see +6281234567890"))
			} else {
				s.Release(d)
			}
		}
		if err := s.Exec(`INSERT INTO set_aside(at, call_seq, lane, reason, bytes) VALUES (1, 99, 1, 'damaged', '{"n":"081234567890'), (1, 98, 1, 'damaged', 'other')`); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		events(t, s)
		out := erase(t, s, false)
		if out.Calls != 2 || out.Deliveries != 3 || out.Waiting != 2 || out.DeadLetters != 4 || out.SetAside != 1 || out.Redacted != 3 {
			t.Errorf("erased: %+v", out)
		}
		if got := left(t, s); got != "b" {
			t.Errorf("left: %s", got)
		}
		letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 10, "")
		if err != nil || len(letters) != 2 || letters[0].Detail != "see +[erased]" && letters[1].Detail != "see +[erased]" {
			t.Errorf("letters: %+v %v", letters, err)
		}
		detail, err := s.Call(t.Context(), "dialer:b")
		if err != nil || detail.Deliveries[0].Attempts[0].Detail != "duplicate of +[erased]" {
			t.Errorf("attempts: %+v %v", detail.Deliveries, err)
		}
		echoed := detail.Deliveries[0].Attempts[1]
		if got := fmt.Sprint(echoed.Headers, *echoed.Request); got != "map[Location:/of/[erased] X-Request-Id:r-1] {PUT https://crm.example/?n=%2B[erased] [erased]}" {
			t.Errorf("what was sent: %s", got)
		}
		eventsLeft(t, s)
		if n := traces(t, s); n != 0 {
			t.Errorf("%d traces in the file", n)
		}
	})
}

// TestEraseLeavesNoBytes: pages that were split and merged keep copies of cells
// in their unused space.
func TestEraseLeavesNoBytes(t *testing.T) {
	s := open(t, spool.Config{})
	var senders sync.WaitGroup
	for sender := range uint64(30) {
		rnd := rand.New(rand.NewPCG(sender, 2))
		senders.Go(func() {
			for i := range 100 {
				number := fmt.Sprintf("+62813%08d", rnd.IntN(1e8))
				if i%7 == 0 {
					number = "+6281234567890"
				}
				a := from(fmt.Sprint(sender, "-", i), call.Party{Raw: number, Number: number}, strings.Repeat("x", rnd.IntN(3000)))
				if _, err := s.Accept(t.Context(), a); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	if out := erase(t, s, false); out.Calls != 450 || out.Residue {
		t.Errorf("erased: %+v", out)
	}
	if n := traces(t, s); n != 0 {
		t.Errorf("%d traces in the file", n)
	}
	if n, err := s.Int(`SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`); err != nil || n != 0 {
		t.Errorf("the file is damaged: %d %v", n, err)
	}
}

// TestEraseWaitsForAttempts: a call on its way goes when its attempt has ended,
// and stays, named, when that takes too long.
func TestEraseWaitsForAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "a", "b")
		leased := lease(t, s, 2)
		begun := time.Now()
		time.AfterFunc(5*time.Second, func() {
			succeed(t, s.Postpone(leased[0], []spool.Attempt{{At: begun, Detail: "081234567890"}}, begun.Add(time.Hour)))
		})
		out := erase(t, s, false)
		if out.Calls != 1 || len(out.InFlight) != 1 || out.InFlight[0] != "dialer:b" {
			t.Errorf("erased: %+v", out)
		}
		if took := time.Since(begun); took < 30*time.Second || took > 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		succeed(t, s.Settle(leased[1], nil))
		pass(time.Second)
		if out := erase(t, s, false); out.Calls != 1 || len(out.InFlight) != 0 {
			t.Errorf("erased later: %+v", out)
		}
		if n := traces(t, s); n != 0 {
			t.Errorf("%d traces in the file", n)
		}
	})
}

func TestEraseEndsWithItsContext(t *testing.T) {
	s := open(t, spool.Config{})
	accept(t, s, "a")
	lease(t, s, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Erase(ctx, jakarta(), false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestEraseNamesFilesSetAside(t *testing.T) {
	s := open(t, spool.Config{})
	aside := []string{s.Path() + ".damaged-20260131T000000Z", s.Path() + ".saved-20260131T000000.000"}
	for _, name := range aside {
		if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := erase(t, s, true); !slices.Equal(out.Files, aside) {
		t.Errorf("files: %v", out.Files)
	}
}

// FuzzErase: a number between other text is found and replaced whatever stands
// around it, and nothing panics.
func FuzzErase(f *testing.F) {
	for _, seed := range [][2]string{{"a ", " b"}, {"+62-", "."}, {`\u002`, "%2"}, {"%", "\xff"}, {"2025-10-", ""}, {"((", "))"}} {
		f.Add(seed[0], seed[1])
	}
	s, err := sqlite.Open(context.Background(), spool.Config{Path: f.TempDir() + "/s.db"}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(context.WithoutCancel(f.Context())) })
	f.Fuzz(func(t *testing.T, before, after string) {
		body := before + "x081234567890x" + after
		if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
		out, err := s.Erase(t.Context(), jakarta(), false)
		if err != nil || out.DeadLetters != 1 {
			t.Errorf("%q: %+v %v", body, out, err)
		}
	})
}

// TestEraseWipesUnusedSpace plants what a split of a page leaves behind.
func TestEraseWipesUnusedSpace(t *testing.T) {
	s := open(t, spool.Config{})
	accept(t, s, "a")
	root, err := s.Int(`SELECT rootpage FROM sqlite_schema WHERE name = 'lanes'`)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"+62 812-3456-7890", "09876543218"} {
		// The page of the table of lanes holds one small row at its end.
		if err := s.Exec(`UPDATE sqlite_dbpage SET data = CAST(substr(data, 1, 2000) || ? || substr(data, 2001 + ?) AS BLOB) WHERE pgno = ?`, text, len(text), root); err != nil {
			t.Fatal(err)
		}
		s.Checkpoint()
		if traces(t, s) == 0 {
			t.Fatal("nothing was planted")
		}
		if out := erase(t, s, false); out.Residue || traces(t, s) != 0 {
			t.Errorf("%d traces of %s in the file: %+v", traces(t, s), text, out)
		}
	}
	if lanes, err := s.Lanes(t.Context()); err != nil || len(lanes) != 1 {
		t.Errorf("lanes %v %v", lanes, err)
	}
}
