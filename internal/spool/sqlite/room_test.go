package sqlite_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// swollen accepts calls whose raw callbacks have so many bytes, for sinks.
func swollen(tb testing.TB, s *sqlite.Store, bytes, calls int, sinks ...string) {
	tb.Helper()
	for i := range calls {
		a := acceptance(fmt.Sprint(strings.Join(sinks, "+"), "-", bytes, "-", i), "first", sinks...)
		a.Record.Raw = fmt.Appendf(nil, `{"other":%q}`, strings.Repeat("a", bytes))
		if _, err := s.Accept(tb.Context(), a); err != nil {
			tb.Fatal(err)
		}
	}
	s.ForgetRecent() // as after a restart
}

func leaseOf(tb testing.TB, s *sqlite.Store, sink string, limit int) []*spool.Delivery {
	tb.Helper()
	ds, err := s.Lease(tb.Context(), sink, spool.Places{Limit: limit})
	if err != nil {
		tb.Fatal(err)
	}
	return ds
}

// TestLanesShareTheRoomEvenly: what lanes lease is bounded by its bytes, and a lane
// that reports nothing leaves as much for each of the others as it took itself.
func TestLanesShareTheRoomEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room = 16 << 20
		s := openWithRoom(t, room)
		sinks := []string{"hangs", "b", "c", "d"}
		swollen(t, s, 100<<10, 60, sinks...)
		first := len(leaseOf(t, s, "hangs", 60))
		if used := s.RoomUsed(); used > room/2 || first < 10 {
			t.Errorf("a lane alone leased %d deliveries of %d bytes of a room of %d", first, used, room)
		}
		for _, sink := range sinks[1:] {
			if n := len(leaseOf(t, s, sink, 60)); n < first/8 {
				t.Errorf("lane %s leased %d deliveries beside one that leased %d", sink, n, first)
			}
		}
		if used := s.RoomUsed(); used > room {
			t.Errorf("%d bytes are leased of a room of %d", used, room)
		}
	})
}

// TestOneDeliveryOfEachLaneAlwaysGoes: a record of any size is leased by a lane
// that holds nothing, and whoever has to wait is woken.
func TestOneDeliveryOfEachLaneAlwaysGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWithRoom(t, 1<<20)
		swollen(t, s, 1<<20, 2, "a", "b")
		swollen(t, s, 100, 1, "c")
		held := leaseOf(t, s, "a", 8)
		if len(held) != 1 || len(held[0].Record.Raw) < 1<<20 {
			t.Fatalf("%d deliveries larger than the room were leased, want one", len(held))
		}
		if n := len(leaseOf(t, s, "a", 8)); n != 0 {
			t.Errorf("the lane leased %d more", n)
		}
		if n := len(leaseOf(t, s, "c", 8)); n != 1 {
			t.Errorf("%d small deliveries were leased beside a large one, want one", n)
		}
		for len(s.Work("b")) > 0 {
			<-s.Work("b")
		}
		if n := len(leaseOf(t, s, "b", 8)); n != 0 {
			t.Fatalf("%d deliveries larger than the room were leased beside another", n)
		}
		succeed(t, s.Settle(held[0], nil))
		select {
		case <-s.Work("b"):
		default:
			t.Error("the lane that waits for room was not woken")
		}
		if n := len(leaseOf(t, s, "b", 8)); n != 1 {
			t.Errorf("%d deliveries were leased when there was room again, want one", n)
		}
	})
}

// TestEveryEndOfALeaseGivesItsRoomBack: Settle, Retry, Bury, Release, a record that
// cannot be read, and a file that was replaced meanwhile.
func TestEveryEndOfALeaseGivesItsRoomBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWithRoom(t, 0)
		swollen(t, s, 1<<10, 8, "crm")
		if err := s.Exec(`UPDATE calls SET record = 'damaged' WHERE seq = 8`); err != nil {
			t.Fatal(err)
		}
		ds := lease(t, s, 8)
		if len(ds) != 7 || s.RoomUsed() == 0 {
			t.Fatalf("%d leased, %d bytes of room used", len(ds), s.RoomUsed())
		}
		succeed(t, s.Settle(ds[0], nil))
		succeed(t, s.Postpone(ds[1], nil, s.Now().Add(time.Hour)))
		succeed(t, s.Bury(ds[2], nil, spool.Rejected, ""))
		s.Release(ds[3])
		if err := s.Reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, d := range ds[4:] {
			succeed(t, s.Settle(d, nil))
		}
		pass(time.Second)
		if used := s.RoomUsed(); used != 0 {
			t.Errorf("%d bytes of room are used by nothing", used)
		}
		if got := s.Totals().SetAside; got != 1 {
			t.Errorf("%d records were set aside, want one", got)
		}
	})
}

// TestReportsThatWaitHoldNoRecords: reports wait as long as the disk is full, and
// thousands of them may.
func TestReportsThatWaitHoldNoRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWithRoom(t, 0)
		swollen(t, s, 64<<10, 1, "crm")
		d := lease(t, s, 1)[0]
		succeed(t, s.Settle(d, nil))
		if kept := s.Leased("crm", d.Seq); kept == nil || kept.Record != nil {
			t.Errorf("%+v is kept until the commit, want a delivery without its record", kept)
		}
		pass(time.Second)
		if kept := s.Leased("crm", d.Seq); kept != nil {
			t.Errorf("%+v is kept after the commit", kept)
		}
	})
}
