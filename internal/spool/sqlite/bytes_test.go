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

// TestTheDetailOfACallIsBounded: a platform may push new content of one call again
// and again.
func TestTheDetailOfACallIsBounded(t *testing.T) {
	s := open(t, spool.Config{})
	const revisions, size = 40, 100 << 10
	for i := range revisions {
		a := acceptance("busy", fmt.Sprint(i), "crm")
		a.Record.Raw = fmt.Appendf(nil, `{"n":%d,"other":%q}`, i, strings.Repeat("a", size))
		if _, err := s.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	c, err := s.Call(t.Context(), "dialer:busy")
	if err != nil || len(c.Revisions) != revisions || len(c.Deliveries) != revisions {
		t.Fatalf("%d revisions and %d deliveries, error %v", len(c.Revisions), len(c.Deliveries), err)
	}
	bytes := 0
	for i, rev := range c.Revisions {
		if rev.Revision != i+1 || c.Deliveries[i].Revision != i+1 {
			t.Errorf("revision %d and the delivery of revision %d are in place %d", rev.Revision, c.Deliveries[i].Revision, i)
		}
		if i > 0 && len(rev.Record) == 0 && len(c.Revisions[i-1].Record) > 0 {
			t.Errorf("revision %d has no record, and an older one has", i+1)
		}
		bytes += len(rev.Record)
	}
	if bytes > sqlite.DetailRecords || bytes < sqlite.DetailRecords/2 {
		t.Errorf("the records of %d revisions have %d bytes", revisions, bytes)
	}
}

// TestThePageOfCallsIsBounded: a page ends before its records take much memory,
// and the next one goes on.
func TestThePageOfCallsIsBounded(t *testing.T) {
	s := open(t, spool.Config{})
	swollen(t, s, 1<<20, 6, "crm")
	seen, pages := 0, 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		page, err := s.SearchCalls(t.Context(), spool.CallFilter{}, 100, cursor)
		if err != nil || len(page.Calls) > 2 {
			t.Fatalf("%d calls of 1 MiB on a page, error %v", len(page.Calls), err)
		}
		seen, cursor = seen+len(page.Calls), page.Next
	}
	if seen != 6 {
		t.Errorf("%d calls on %d pages, want 6", seen, pages)
	}
}

// TestLeasingStopsWhileReportsFillTheMemory: on a disk that takes no reports their
// logs of attempts add up.
func TestLeasingStopsWhileReportsFillTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		var names []string
		for i := range 2 * sqlite.ReportsBytes / (64 << 10) {
			names = append(names, fmt.Sprint(i))
		}
		accept(t, s, names...)
		s.FillDisk(t, true)
		attempt := spool.Attempt{Result: "unwell", Detail: strings.Repeat("a", 64<<10)}
		reported := 0
		for d := lease(t, s, 1); len(d) > 0; d = lease(t, s, 1) {
			succeed(t, s.Postpone(d[0], []spool.Attempt{attempt}, s.Now().Add(time.Hour)))
			reported++
		}
		if most := sqlite.ReportsBytes/(64<<10) + 1; reported > most || reported < most/2 {
			t.Errorf("%d reports were made on a full disk, want at most %d", reported, most)
		}
		s.FillDisk(t, false)
		pass(5 * time.Second)
		if len(lease(t, s, 1)) != 1 {
			t.Error("nothing is leased when the disk takes reports again")
		}
	})
}

// TestSearchKeysInMemoryAreBounded: what a platform sends in the place of a number
// may be long.
func TestSearchKeysInMemoryAreBounded(t *testing.T) {
	s := open(t, spool.Config{})
	for i := range 3 {
		a := acceptance(fmt.Sprint(i), "first", "crm")
		a.Record.From.Number, a.Record.From.Raw = "", strings.Repeat("7", sqlite.UnindexedBytes*2/3)+fmt.Sprint(i+1)
		if _, err := s.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if bytes := s.Unindexed(); bytes > sqlite.UnindexedBytes {
			t.Errorf("%d bytes of keys are in memory", bytes)
		}
	}
	for i := range 3 {
		if ids, _ := search(t, s, spool.CallFilter{Number: fmt.Sprint("7777", i+1)}, 10); ids != fmt.Sprint(i) {
			t.Errorf("%q are found by the number of call %d", ids, i)
		}
	}
}
