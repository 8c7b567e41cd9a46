package delivery

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestConcurrencyIsBounded(t *testing.T) {
	for _, c := range []int{1, 3, 40} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			bubble(t, func(w *world) {
				to := always(reply{status: 200, took: time.Second})
				r := w.start("crm", setup{Settings: Settings{Concurrency: c}}, to)
				w.flood("crm", 200)
				w.sleep(2500 * time.Millisecond)
				if most := to.peak(); most != c || r.Busy() != c {
					t.Errorf("%d at once, %d busy, want %d", most, r.Busy(), c)
				}
				w.sleep(time.Duration(200/c+2) * time.Second)
				w.isWaiting("crm", 0)
				if to.got() != 200 {
					t.Errorf("%d requests", to.got())
				}
			})
		})
	}
}

func TestRate(t *testing.T) {
	bubble(t, func(w *world) {
		begun := time.Now()
		to := always(fine)
		r := w.start("crm", setup{Settings: Settings{Rate: &outbound.Rate{PerSecond: 2, Burst: 5}}}, to)
		w.flood("crm", 100)
		w.sleep(10*time.Second + 10*time.Millisecond)
		if n := to.got(); n < 24 || n > 25 {
			t.Errorf("%d requests in 10 s, want the burst of 5 and 2 a second", n)
		}
		for i, seen := range to.seen() {
			if earliest := time.Duration(i-4) * 500 * time.Millisecond; seen.at.Sub(begun) < earliest {
				t.Errorf("request %d after %v, want %v at the earliest", i, seen.at.Sub(begun), earliest)
			}
		}
		if now, _ := r.store.holds(); now != 0 {
			t.Errorf("%d deliveries are held while they wait for their turn", now)
		}
		w.sleep(38 * time.Second)
		w.isWaiting("crm", 0)
		if n := r.store.leases.Load(); n > 200 {
			t.Errorf("%d leases for 100 deliveries one by one", n)
		}
	})
}

// A pause or a stop of a slow lane holds nothing back that was leased.
func TestSlowRateAndPause(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{Settings: Settings{Rate: &outbound.Rate{PerSecond: 0.01, Burst: 1}}}, always(fine))
		w.flood("crm", 20)
		w.sleep(10 * time.Second)
		w.pause("crm", spool.Pause{By: spool.ByOperator})
		w.sleep(10 * time.Minute)
		if now, _ := r.store.holds(); now != 0 || r.sink.got() != 1 {
			t.Errorf("%d held, %d requests", now, r.sink.got())
		}
	})
}

func TestBacklogStaysInTheStore(t *testing.T) {
	bubble(t, func(w *world) {
		const backlog = 3000                 // a lane holds batchMax of it
		w.lane("crm", setup{}, always(fine)) // makes the sink known
		w.flood("crm", backlog)
		to := always(reply{status: 200, took: 10 * time.Millisecond})
		r := w.start("crm", setup{}, to)
		w.sleep(time.Minute)
		w.isWaiting("crm", 0)
		if _, most := r.store.holds(); most > batchMax {
			t.Errorf("%d deliveries in memory at once", most)
		}
		ids := map[string]bool{}
		for _, seen := range to.seen() {
			ids[seen.id] = true
		}
		if len(ids) != backlog || to.got() != backlog {
			t.Errorf("%d requests with %d ids, want each delivery once", to.got(), len(ids))
		}
	})
}

// A dead lane with a deep backlog takes nothing from its neighbour.
func TestLanesAreIndependent(t *testing.T) {
	alone, beside := 0, 0
	for _, n := range []*int{&alone, &beside} {
		bubble(t, func(w *world) {
			healthy := always(reply{status: 200, took: 50 * time.Millisecond})
			w.start("healthy", setup{}, healthy)
			dead := always(reply{hang: true})
			if n == &beside {
				w.start("dead", setup{}, dead)
				w.flood("dead", 2000)
			}
			w.flood("healthy", 2000)
			w.sleep(10 * time.Second)
			*n = healthy.got()
			if n == &beside && dead.got() == 0 {
				t.Error("the dead lane did nothing")
			}
		})
	}
	if beside < alone*9/10 || alone == 0 {
		t.Errorf("%d requests beside a dead lane, %d alone", beside, alone)
	}
}

func TestStoreThatCannotBeRead(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.lane("crm", setup{}, always(fine))
		broken := errors.New("disk error")
		r.store.leaseErr.Store(&broken)
		r.run()
		for i := range 100 { // a busy intake makes no loop of it
			w.accept("crm", fmt.Sprint("a-", i))
			w.sleep(time.Second / 10)
		}
		if n := r.store.leases.Load(); n > 12 || w.log.count("cannot read") != 1 {
			t.Errorf("%d reads in 10 s, told %d times", n, w.log.count("cannot read"))
		}
		r.store.leaseErr.Store(nil)
		w.sleep(2 * time.Second)
		w.isWaiting("crm", 0)
		if w.log.count("can read again") != 1 {
			t.Error("the recovery was not told")
		}
	})
}

// A store that holds back what is due, because its disk takes no reports, is
// not asked in a circle.
func TestStoreThatHoldsBack(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, script(sick, fine))
		w.accept("crm", "a")
		w.sleep(commit)
		r.store.dead.Store(true)
		w.sleep(time.Second * 5) // a is due since half of it
		leases := r.store.leases.Load()
		w.sleep(10 * time.Second)
		if n := r.store.leases.Load() - leases; n > 110 {
			t.Errorf("%d leases in 10 s", n)
		}
		r.store.dead.Store(false)
		w.sleep(commit + soon)
		w.isState("crm", "delivered", "a")
	})
}

// Without any signal of new work the lane looks again by itself.
func TestStoreThatNeverSignals(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.lane("crm", setup{}, script(fine, sick, fine))
		r.store.deaf.Store(true)
		r.run()
		w.sleep(time.Second)
		w.accept("crm", "a", "b")
		w.sleep(2*idle + commit)
		w.isState("crm", "delivered", "a", "b")
	})
}

// What a lane does while it has nothing to do must cost nothing.
func TestQuietLanes(t *testing.T) {
	states := map[string]func(w *world) *rig{
		"nothing owed": func(w *world) *rig { return w.start("crm", setup{}, always(fine)) },
		"pause": func(w *world) *rig {
			r := w.start("crm", setup{}, always(fine))
			w.pause("crm", spool.Pause{By: spool.ByOperator})
			w.flood("crm", 100)
			return r
		},
		"open breaker": func(w *world) *rig {
			r := w.start("crm", setup{}, always(sick))
			w.flood("crm", 100)
			return r
		},
		"far schedule": func(w *world) *rig {
			r := w.start("crm", setup{Settings: Settings{Retry: RetrySettings{First: 5 * time.Hour}}}, always(sick))
			w.accept("crm", "a")
			return r
		},
		"slow rate": func(w *world) *rig {
			r := w.start("crm", setup{Settings: Settings{Rate: &outbound.Rate{PerSecond: 0.001}}}, always(fine))
			w.flood("crm", 100)
			return r
		},
	}
	for name, reach := range states {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				r := reach(w)
				const long = 20 * time.Minute
				w.sleep(long)
				// One look in idle, or one probe in open_for, and a look after it.
				if n := r.store.leases.Load() + r.store.dues.Load(); n > 3*int64(long/idle) {
					t.Errorf("%d looks at the store in %v", n, long)
				}
			})
		})
	}
}
