package sqlite_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// TestSearchKeysFollowTheCalls: a step as soon as there are enough, the rest
// after a while; the calls are found at any time.
func TestSearchKeysFollowTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		n := 0
		take := func(more int) {
			for range more {
				accept(t, s, fmt.Sprint(n))
				n++
			}
			synctest.Wait()
		}
		indexed := func(want int64) {
			t.Helper()
			up, err := s.Int(`SELECT up_to FROM indexed`)
			keys, kerr := s.Int(`SELECT count(*) FROM number_keys`)
			if err != nil || kerr != nil || up != want || keys != want {
				t.Errorf("%d keys up to call %d, errors %v and %v, want %d", keys, up, err, kerr, want)
			}
			if ids, _ := search(t, s, spool.CallFilter{Number: "081234567890"}, 500); len(ids) == 0 || countWords(ids) != n {
				t.Errorf("%d of %d calls are found", countWords(ids), n)
			}
		}
		take(sqlite.IndexStep - 1)
		indexed(0)
		take(1)
		indexed(sqlite.IndexStep)
		take(3)
		indexed(sqlite.IndexStep)
		pass(11 * time.Second)
		indexed(sqlite.IndexStep + 3)
	})
}

func countWords(text string) (n int) {
	for i := range len(text) {
		if text[i] == ' ' {
			n++
		}
	}
	return n + min(len(text), 1)
}

func TestACleanStopLeavesNoKeyUnwritten(t *testing.T) {
	path := closed(t, 20)
	s := open(t, spool.Config{Path: path})
	if n, err := s.Int(`SELECT up_to FROM indexed`); err != nil || n != 20 {
		t.Errorf("indexed up to %d, error %v", n, err)
	}
}

// TestKeysAreMadeFromTheRecordsAfterAKill: what was in memory is in the calls.
func TestKeysAreMadeFromTheRecordsAfterAKill(t *testing.T) {
	path := killed(t, sqlite.IndexStep+20)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Path: path})
		pass(time.Minute)
		for sql, want := range map[string]int64{
			`SELECT up_to FROM indexed`:        sqlite.IndexStep + 20,
			`SELECT count(*) FROM number_keys`: sqlite.IndexStep + 20,
		} {
			if n, err := s.Int(sql); err != nil || n != want {
				t.Errorf("%s: %d, error %v, want %d", sql, n, err, want)
			}
		}
	})
}

// TestACallThatIsErasedBeforeItsKeysAreWrittenGetsNone.
func TestACallThatIsErasedBeforeItsKeysAreWrittenGetsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		other := acceptance("other", "first")
		other.Record.From.Raw, other.Record.From.Number = "0815", ""
		if _, err := s.Accept(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		accept(t, s, "a", "b")
		got, err := s.Erase(t.Context(), spool.NumberForms{E164: "+6281234567890"}, false)
		if err != nil || got.Calls != 2 {
			t.Fatalf("%+v, error %v", got, err)
		}
		pass(11 * time.Second)
		for sql, want := range map[string]int64{`SELECT count(*) FROM number_keys`: 1, `SELECT up_to FROM indexed`: 3} {
			if n, err := s.Int(sql); err != nil || n != want {
				t.Errorf("%s: %d, error %v, want %d", sql, n, err, want)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, err := repair.Check(t.Context(), s.Path()); err != nil || !r.Sound() {
			t.Errorf("%+v, error %v", r.Findings, err)
		}
	})
}

// TestKeysBeyondTheBoundAreReadAgain: a disk that is far behind costs reading, no
// memory and no key.
func TestKeysBeyondTheBoundAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "a", "b", "c")
		s.ForgetKeys(2)
		pass(11 * time.Second)
		if n, err := s.Int(`SELECT count(*) FROM number_keys`); err != nil || n != 3 {
			t.Errorf("%d keys, error %v, want 3", n, err)
		}
	})
}
