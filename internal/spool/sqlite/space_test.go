package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// fat is a call of some 4 KB. Every other one is of another source, so that none
// fills its share of the spool before that is full.
func fat(n int) spool.Acceptance {
	a := acceptance(fmt.Sprint(n), "first", "crm")
	if n%2 == 1 {
		a.Record.Source = "nxlink"
	}
	a.Record.Raw = []byte(`"` + strings.Repeat("x", 4000) + `"`)
	return a
}

func TestHistoryGoesFirstThenCallbacksAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 2 << 20
		var purges atomic.Int64
		s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db"), MaxBytes: limit},
			sqlite.Deps{Log: quiet(), Repair: repair.Tool{}, OnHistoryPurged: func(n int) { purges.Add(int64(n)) }})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}()
		if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
			t.Fatal(err)
		}
		next := 0
		take := func() error {
			_, err := s.Accept(t.Context(), fat(next))
			if err == nil {
				next++
			}
			if next%20 == 0 {
				pass(300 * time.Millisecond)
			}
			return err
		}
		settle := func() {
			for _, d := range lease(t, s, 10_000) {
				succeed(t, s.Settle(d, nil))
			}
			pass(300 * time.Millisecond)
		}
		for next < 1500 { // three times what fits
			if err := take(); err != nil {
				t.Fatalf("refused after %d calls, although history could go: %v", next, err)
			}
			if next%20 == 0 {
				settle()
			}
			if used := s.Totals().BytesUsed; used > limit {
				t.Fatalf("%d bytes are in use, the limit is %d", used, limit)
			}
		}
		calls, purged := s.Totals().Calls, int(purges.Load())
		if purged+int(calls) != next || purged < next/2 {
			t.Errorf("%d calls purged, %d left of %d", purged, calls, next)
		}
		if _, err := s.Call(t.Context(), "dialer:0"); !errors.Is(err, spool.ErrNotFound) {
			t.Errorf("the oldest call: error %v, want %v", err, spool.ErrNotFound)
		}
		if _, err := s.Call(t.Context(), fmt.Sprintf("dialer:%d", next-1)); err != nil {
			t.Errorf("the newest call: %v", err)
		}

		for err = nil; err == nil && next < 10_000; { // nobody delivers
			err = take()
		}
		if !errors.Is(err, spool.ErrUnavailable) || s.Ready() == nil {
			t.Fatalf("after %d calls: accept says %v, ready says %v", next, err, s.Ready())
		}
		if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer"}); !errors.Is(err, spool.ErrUnavailable) {
			t.Errorf("undecodable: error %v, want %v", err, spool.ErrUnavailable)
		}
		if used := s.Totals().BytesUsed; used > limit*11/10 || used < limit*9/10 {
			t.Errorf("full with %d bytes in use, the limit is %d", used, limit)
		}
		settle()
		if err := take(); err != nil || s.Ready() != nil {
			t.Errorf("after the deliveries: accept says %v, ready says %v", err, s.Ready())
		}
	})
}

// TestASpoolWhoseMaxBytesWasLoweredHasRoomAgain: the length of the WAL by which
// full and not full are told apart was that of the limit as the file was opened.
// Below 8 MB nothing could be so empty as to count as not full.
func TestASpoolWhoseMaxBytesWasLoweredHasRoomAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{MaxBytes: 4 << 30})
		s.Configure(spool.Config{MaxBytes: 2 << 20})
		for next := 0; s.Ready() == nil && next < 2000; next++ {
			if _, err := s.Accept(t.Context(), fat(next)); err != nil && !errors.Is(err, spool.ErrUnavailable) {
				t.Fatal(err)
			}
			if next%20 == 0 {
				pass(300 * time.Millisecond)
			}
		}
		if s.Ready() == nil {
			t.Fatal("never full")
		}
		for _, d := range lease(t, s, 10_000) {
			succeed(t, s.Settle(d, nil))
		}
		pass(2 * time.Second)
		if err := s.Ready(); err != nil {
			t.Errorf("all is delivered and %d bytes are in use: %v", s.Totals().BytesUsed, err)
		}
	})
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Retention: 3 * time.Minute, DeadLetterRetention: 8 * time.Minute})
		begun := time.Now()
		accept(t, s, "delivered", "late", "dead", "waiting")
		if _, err := s.Accept(t.Context(), acceptance("unrouted", "first")); err != nil {
			t.Fatal(err)
		}
		if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte("nope")}); err != nil {
			t.Fatal(err)
		}
		ds := lease(t, s, 3)
		succeed(t, s.Settle(ds[0], nil))
		succeed(t, s.Bury(ds[2], nil, spool.Rejected, "no"))
		pass(2 * time.Minute)
		succeed(t, s.Settle(ds[1], nil))
		for _, c := range []struct {
			after   time.Duration
			want    string
			letters int
		}{
			{2*time.Minute + 30*time.Second, "unrouted waiting dead late delivered", 2},
			{4*time.Minute + 30*time.Second, "waiting dead late", 2},
			{6*time.Minute + 30*time.Second, "waiting dead", 2},
			{10*time.Minute + 30*time.Second, "waiting", 0},
		} {
			pass(time.Until(begun.Add(c.after)))
			page, err := s.SearchCalls(t.Context(), spool.CallFilter{Number: "081234567890"}, 100, "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range page.Calls {
				got = append(got, strings.TrimPrefix(p.ID, "dialer:"))
			}
			letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 100, "")
			if err != nil {
				t.Fatal(err)
			}
			if g := strings.Join(got, " "); g != c.want || len(letters) != c.letters {
				t.Errorf("after %v: calls %q and %d dead letters, want %q and %d", c.after, g, len(letters), c.want, c.letters)
			}
		}
		for table, want := range map[string]int64{"calls": 1, "deliveries": 1, "number_keys": 1, "dead_letters": 0} {
			if n, err := s.Int("SELECT count(*) FROM " + table); err != nil || n != want {
				t.Errorf("%d rows in %s, error %v, want %d", n, table, err, want)
			}
		}
		if got := s.Totals(); got.Calls != 1 || got.IntakeDeadLetters != 0 {
			t.Errorf("totals: %+v", got)
		}
	})
}

// TestRetentionLeavesWhatIsRememberedToALaterRevision: one that waits longer than the
// history is kept would be written a second time.
func TestRetentionLeavesWhatIsRememberedToALaterRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Retention: 3 * time.Minute})
		accept(t, s, "a")
		first := lease(t, s, 1)[0]
		first.Remembered = map[string]string{"create": "7"}
		succeed(t, s.Settle(first, nil))
		if _, err := s.Accept(t.Context(), acceptance("a", "second", "crm")); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Minute)
		if n, err := s.Int("SELECT count(*) FROM calls"); err != nil || n != 1 {
			t.Fatalf("%d revisions are left, error %v, want the one that waits", n, err)
		}
		second := lease(t, s, 1)[0]
		if diff := cmp.Diff(first.Remembered, second.Remembered); diff != "" {
			t.Errorf("the second revision remembers (-want +got):\n%s", diff)
		}
		succeed(t, s.Settle(second, nil))
	})
}

// TestRetentionLeavesTimeToLookAtTheSpace: what had become too old went in one go,
// minutes of it after a long stop, and until then nobody looked at max_bytes, nor
// whether the disk was well again.
func TestRetentionLeavesTimeToLookAtTheSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Retention: time.Hour})
		const calls = 20_000
		if err := s.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?)
			INSERT INTO calls(call_id, revision, content, source, outcome, received_at, record, trace, checksum)
			SELECT 'dialer:' || i, 1, x'00', 'dialer', 'answered', 0, '{}', '', 0 FROM n`, calls); err != nil {
			t.Fatal(err)
		}
		left := func() int64 {
			n, err := s.Int(`SELECT count(*) FROM calls`)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if more := s.Retain(t.Context()); !more || left() < calls/2 {
			t.Errorf("%d of %d are left after one turn, and there is more: %t", left(), calls, more)
		}
		pass(62 * time.Second)
		if n := left(); n != 0 {
			t.Errorf("%d are left after all turns", n)
		}
	})
}

func TestFreedPagesGoBackToTheFileSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Retention: time.Minute})
		for i := range 1800 {
			if _, err := s.Accept(t.Context(), fat(i)); err != nil {
				t.Fatal(err)
			}
		}
		before, err := s.Int(`PRAGMA page_count`)
		if err != nil {
			t.Fatal(err)
		}
		for ds := lease(t, s, 500); len(ds) > 0; ds = lease(t, s, 500) {
			for _, d := range ds {
				succeed(t, s.Settle(d, nil))
			}
		}
		pass(4 * time.Minute)
		after, err := s.Int(`PRAGMA page_count`)
		if err != nil || after > before/2 {
			t.Errorf("%d pages of %d are left, error %v", after, before, err)
		}
	})
}

func TestWhatIsOwedToARemovedSinkEndsAtItsGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}
		var ended atomic.Int64
		deps := sqlite.Deps{Log: quiet(), Repair: repair.Tool{}, OnSinkRemoved: func(sink string, n int) {
			if sink != "crm" {
				t.Errorf("ended in %s", sink)
			}
			ended.Add(int64(n))
		}}
		reopen := func(s *sqlite.Store) *sqlite.Store {
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			s, err := sqlite.Open(t.Context(), cfg, deps)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := open(t, cfg)
		if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: 5 * time.Minute}}); err != nil {
			t.Fatal(err)
		}
		accept(t, s, "a", "b")
		if _, err := s.Accept(t.Context(), acceptance("a", "second", "crm")); err != nil {
			t.Fatal(err)
		}
		s = reopen(s)
		pass(10 * time.Minute) // nobody has told the spool which sinks there are
		if n := ended.Load(); n != 0 {
			t.Errorf("%d ended before the lanes were set", n)
		}
		accept(t, s, "c")
		if err := s.SetLanes(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		pass(90 * time.Second)
		if n := ended.Load(); n != 3 {
			t.Errorf("%d ended, want the 3 old ones", n)
		}
		pass(5 * time.Minute)
		if n := ended.Load(); n != 4 {
			t.Errorf("%d ended, want all 4", n)
		}
		letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{Reason: spool.SinkRemoved, Sink: "crm"}, 10, "")
		if err != nil || len(letters) != 4 {
			t.Errorf("dead letters: %+v, error %v", letters, err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestASinkThatComesBackKeepsWhatHasNotEnded: a reload may undo the one before
// while what is owed to the sink ends, step by step.
func TestASinkThatComesBackKeepsWhatHasNotEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls, step = 500, 200
		var s *sqlite.Store
		back := func(string, int) {
			if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
				t.Error(err)
			}
		}
		s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}, OnSinkRemoved: back})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
		back("crm", 0)
		for i := range calls {
			accept(t, s, fmt.Sprint(i))
		}
		if err := s.SetLanes(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		pass(62 * time.Minute)
		if got := len(lease(t, s, calls)); got != calls-step {
			t.Errorf("%d wait still, want all but the %d of the first step", got, step)
		}
	})
}
