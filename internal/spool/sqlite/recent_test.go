package sqlite_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// TestMemoryAndFileGiveTheSame: a try after a restart must not tell a sink
// anything else than the first one.
func TestMemoryAndFileGiveTheSame(t *testing.T) {
	s := open(t, spool.Config{})
	accept(t, s, "a", "b")
	remembered := lease(t, s, 2)
	for _, d := range remembered {
		s.Release(d)
	}
	s.ForgetRecent()
	read := lease(t, s, 2)
	if len(remembered) != 2 || len(read) != 2 {
		t.Fatalf("leased %d and %d", len(remembered), len(read))
	}
	for i := range read {
		if remembered[i].Record == read[i].Record {
			t.Error("the record was not read from the file")
		}
		if diff := cmp.Diff(remembered[i].Record, read[i].Record); diff != "" {
			t.Errorf("memory and file differ:\n%s", diff)
		}
		if a, b := remembered[i], read[i]; a.MessageID != b.MessageID || a.Trace != b.Trace || !a.Since.Equal(b.Since) || a.Tries != b.Tries {
			t.Errorf("memory gives %+v, the file %+v", a, b)
		}
	}
}

// TestOnlyTheLastCallsAreRemembered: what waits for a sink that is down must not
// fill the memory.
func TestOnlyTheLastCallsAreRemembered(t *testing.T) {
	s := open(t, spool.Config{})
	for i := range int64(3 * sqlite.RecentCalls) {
		s.Remember(i+1, 1<<10)
	}
	if calls, bytes := s.Remembered(); calls != sqlite.RecentCalls || bytes != calls<<10 {
		t.Errorf("%d calls of %d bytes are remembered", calls, bytes)
	}
	for i := range int64(3 * sqlite.RecentCalls) {
		s.Remember(i+1, 1<<20)
	}
	if _, bytes := s.Remembered(); bytes > sqlite.RecentBytes {
		t.Errorf("%d bytes are remembered", bytes)
	}
	s.ForgetRecent()
	if calls, bytes := s.Remembered(); calls != 0 || bytes != 0 {
		t.Errorf("%d calls of %d bytes are remembered after all were forgotten", calls, bytes)
	}
}

// TestTheLastCallsAreRememberedAlsoWhenTheyAreLarge: once the bytes were used up,
// the first calls stayed for ever, and each later one was read back.
func TestTheLastCallsAreRememberedAlsoWhenTheyAreLarge(t *testing.T) {
	s := open(t, spool.Config{})
	const size, calls = 10 << 10, 2000
	for seq := range int64(calls) {
		s.Remember(seq+1, size)
	}
	s.Remember(calls+1, sqlite.RecentBytes+2)
	if got, bytes := s.Remembered(); got != sqlite.RecentBytes/size || bytes != got*size {
		t.Errorf("%d calls of %d bytes are remembered", got, bytes)
	}
	for seq := range int64(calls + 1) {
		if want := seq+1 > calls-sqlite.RecentBytes/size && seq+1 <= calls; s.Remembers(seq+1) != want {
			t.Fatalf("call %d of %d: remembered is %t, want %t", seq+1, calls, !want, want)
		}
	}
}
