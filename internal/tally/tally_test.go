package tally_test

import (
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/cdrelay/cdrelay/internal/tally"
)

// TestWindows: each window forgets what is older than itself, and no sooner, and says
// since when it counts.
func TestWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		c := tally.New("good", "bad")
		total := func(five, hour, day int) {
			t.Helper()
			if n := c.Counts(); n.FiveMinutes.Total != five || n.Hour.Total != hour || n.Day.Total != day {
				t.Errorf("after %v: %d, %d, %d, want %d, %d, %d", time.Since(begun), n.FiveMinutes.Total, n.Hour.Total, n.Day.Total, five, hour, day)
			}
		}
		total(0, 0, 0)
		c.Add("good", time.Second)
		c.Add("bad", 0)
		c.Add("neither", 0)
		total(2, 2, 2)
		time.Sleep(5 * time.Minute)
		total(2, 2, 2)
		if n := c.Counts(); !n.FiveMinutes.Since.Equal(begun) || !n.Day.Since.Equal(begun) {
			t.Errorf("since %v and %v, want %v", n.FiveMinutes.Since, n.Day.Since, begun)
		}
		time.Sleep(11 * time.Second)
		total(0, 2, 2)
		c.Add("good", time.Second)
		total(1, 3, 3)
		time.Sleep(time.Hour)
		total(0, 1, 3)
		if n := c.Counts(); n.Hour.Since.After(time.Now().Add(-time.Hour)) || n.Hour.Since.Before(time.Now().Add(-62*time.Minute)) {
			t.Errorf("the hour counts since %v ago", time.Since(n.Hour.Since))
		}
		if n := c.Counts().Day.Of; n["good"] != 2 || n["bad"] != 1 || len(n) != 2 {
			t.Errorf("%v", n)
		}
		time.Sleep(23*time.Hour + 48*time.Minute)
		total(0, 0, 0)
		time.Sleep(1000 * time.Hour)
		c.Add("bad", 0)
		total(1, 1, 1)
	})
}

// TestEverySlotCounts: of an even stream a window holds its length, whenever it is
// asked.
func TestEverySlotCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tally.New("x")
		for range 700 {
			c.Add("x", 0)
			time.Sleep(time.Second)
			if n, since := c.Counts(), time.Duration(0); n.FiveMinutes.Total > 0 {
				since = time.Since(n.FiveMinutes.Since)
				if n.FiveMinutes.Total != int(since.Seconds()) || since > 310*time.Second {
					t.Fatalf("%d in %v", n.FiveMinutes.Total, since)
				}
			}
		}
	})
}

func TestQuantiles(t *testing.T) {
	near := func(name string, got, want time.Duration) {
		t.Helper()
		if got < want*4/5 || got > want*6/5 {
			t.Errorf("%s: %v, want about %v", name, got, want)
		}
	}
	c := tally.New("x")
	if n := c.Counts().Day; n.P50 != 0 || n.P99 != 0 {
		t.Errorf("of nothing: %+v", n)
	}
	for i := 1; i <= 1000; i++ {
		c.Add("x", time.Duration(i)*time.Millisecond)
	}
	n := c.Counts().Day
	near("p50", n.P50, 500*time.Millisecond)
	near("p95", n.P95, 950*time.Millisecond)
	near("p99", n.P99, 990*time.Millisecond)
	one := tally.New("x")
	one.Add("x", time.Hour)
	if n := one.Counts().Day; n.P50 < time.Minute {
		t.Errorf("an hour: %+v", n)
	}
	quick := tally.New("x")
	quick.Add("x", time.Microsecond)
	if n := quick.Counts().Day; n.P99 <= 0 || n.P99 > time.Millisecond {
		t.Errorf("a microsecond: %+v", n)
	}
}

// TestTimeCountsNothing: a time without an event is among the others.
func TestTimeCountsNothing(t *testing.T) {
	c := tally.New("x")
	c.Time(time.Second)
	if n := c.Counts().Hour; n.Total != 0 || len(n.Of) != 0 || n.P50 < 800*time.Millisecond {
		t.Errorf("%+v", n)
	}
}

func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(tally.Tally{}); n > 29<<10 {
		t.Errorf("a Tally takes %d bytes", n)
	}
	c := tally.New("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
	c.Add("j", 0)
	c.Add("k", 0)
	if n := c.Counts().Day; n.Total != 1 || n.Of["j"] != 1 {
		t.Errorf("of eleven kinds: %+v", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	c := tally.New("a", "b", "c", "d")
	for b.Loop() {
		c.Add("d", 12*time.Millisecond)
	}
}
