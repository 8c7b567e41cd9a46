package sqlite_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestTheNumberOfCallsOutlivesRestartsWithoutCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := spool.Config{Retention: 2 * time.Minute}
		s := open(t, cfg)
		cfg.Path = s.Path()
		next := 0
		take := func(n int) {
			for range n {
				accept(t, s, fmt.Sprint(next))
				next++
			}
		}
		check := func(want int64) {
			t.Helper()
			rows, err := s.Int(`SELECT count(*) FROM calls`)
			if got := s.Totals().Calls; err != nil || got != want || rows != want {
				t.Errorf("%d calls by the counter and %d rows, error %v, want %d", got, rows, err, want)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			s = open(t, cfg)
			if got := s.Totals().Calls; got != want {
				t.Errorf("%d calls after a restart, want %d", got, want)
			}
		}
		take(5)
		check(5)
		for _, d := range lease(t, s, 5)[1:] {
			succeed(t, s.Settle(d, nil))
		}
		pass(4 * time.Minute) // the last of all goes, too
		check(1)
		take(3)
		check(4)
	})
}
