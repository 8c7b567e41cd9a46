package spooltest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func leaseCases() []testCase {
	return []testCase{
		{"lease/fresh ones in order of acceptance", fifo},
		{"lease/scheduled ones by due time", byDue},
		{"lease/one of four places for retried ones while fresh ones wait", oneOfFour},
		{"lease/one of four leases of one", oneOfFourOneByOne},
		{"lease/doubtful ones only where asked", doubtfulOnes},
		{"lease/doubtful ones get one of sixteen places", doubtfulOnesInTurn},
		{"lease/alone", aloneFreshFirst},
		{"lease/a plan that is amended", amended},
		{"lease/replayed ones last", replayedLast},
		{"lease/nothing twice, nothing lost, with many at work", concurrentLeases},
		{"lease/two at the same time share what waits", leasesShare},
		{"lease/nothing of an unknown sink, nothing for no limit", nothingToLease},
		{"lease/the trace of the acceptance comes back, at every attempt, over a restart", traceComesBack},
		{"release/gives back in order, spends nothing", releaseInOrder},
		{"release/wakes the lane", releaseWakes},
		{"work/wakes for what is new, for a retry, for the room after a report", workWakes},
		{"due/the next of those that are not leased", nextDue},
	}
}

func fifo(r *rig) {
	r.acceptAll("a", "b", "c", "d")
	r.expect(r.lease("crm", 2), "a b")
	r.acceptAll("e")
	r.expect(r.lease("crm", 10), "c d e")
	r.expect(r.lease("crm", 10), "")
}

func traceComesBack(r *rig) {
	a := acceptance("a", "first", "crm", "slack")
	a.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 a=1"
	_, err := r.Accept(r.Context(), a)
	r.check(err)
	r.acceptAll("b")
	for range 2 {
		ds := append(r.lease("crm", 10), r.lease("slack", 10)...)
		for _, d := range ds {
			want := ""
			if d.Record.ID == a.Record.ID {
				want = a.Trace
			}
			if d.Trace != want {
				r.Errorf("%s for %s has the trace %q, want %q", d.Record.ID, d.Sink, d.Trace, want)
			}
			r.check(r.Postpone(d, attempt("unwell"), time.Now()))
		}
		if len(ds) != 3 {
			r.Errorf("%d deliveries, want 3", len(ds))
		}
		r.commit()
		r.reopen()
	}
}

// retried makes calls that failed once and are due after d, in their order.
func (r *rig) retried(d time.Duration, ids ...string) {
	r.Helper()
	r.acceptAll(ids...)
	for i, l := range r.lease("crm", len(ids)) {
		r.check(r.Postpone(l, attempt("unwell"), time.Now().Add(d+time.Duration(i)*time.Millisecond)))
	}
	r.commit()
}

func byDue(r *rig) {
	r.acceptAll("a", "b", "c")
	ds := r.lease("crm", 3)
	for i, wait := range []time.Duration{30 * time.Second, 10 * time.Second, 20 * time.Second} {
		r.check(r.Postpone(ds[i], attempt("unwell"), time.Now().Add(wait)))
	}
	r.commit()
	r.expect(r.lease("crm", 10), "")
	r.pass(10 * time.Second)
	r.expect(r.lease("crm", 10), "b")
	r.pass(20 * time.Second)
	again := r.lease("crm", 10)
	r.expect(again, "c a")
	if again[0].Tries != 1 {
		r.Errorf("%d tries, want 1", again[0].Tries)
	}
}

func oneOfFour(r *rig) {
	r.retried(0, "r1", "r2", "r3", "r4", "r5", "r6")
	r.acceptAll("f1", "f2", "f3", "f4", "f5", "f6")
	r.pass(time.Second)
	r.expect(r.lease("crm", 5), "r1 f1 f2 f3 r2")
	r.expect(r.lease("crm", 8), "f4 f5 f6 r3 r4 r5 r6")
	r.retried(0, "s1", "s2")
	r.pass(time.Second)
	r.acceptAll("g1")
	r.expect(r.lease("crm", 8), "s1 g1 s2")
}

func oneOfFourOneByOne(r *rig) {
	r.retried(0, "r1", "r2", "r3")
	r.acceptAll("f1", "f2", "f3", "f4", "f5", "f6")
	r.pass(time.Second)
	count := map[byte]int{}
	for range 8 {
		count[r.one("crm").Record.ID[len("dialer:")]]++
	}
	if count['r'] != 2 || count['f'] != 6 {
		r.Errorf("of eight leases of one, %d went to retried and %d to fresh ones", count['r'], count['f'])
	}
}

// inDoubt makes calls that are doubtful and due.
func (r *rig) inDoubt(ids ...string) {
	r.Helper()
	r.acceptAll(ids...)
	for _, l := range r.lease("crm", len(ids)) {
		r.check(r.Retry(l, attempt("unwell"), time.Now(), spool.History{Spent: 2, Doubts: 1, FailedAt: time.Now(), Doubtful: true}))
	}
	r.commit()
}

func doubtfulOnes(r *rig) {
	failed := time.Now()
	r.inDoubt("d1", "d2", "d3")
	if c, err := r.Call(r.Context(), "dialer:d1"); err != nil || !c.Deliveries[0].Doubtful || c.Deliveries[0].State != "waiting" {
		r.Errorf("%+v, error %v, want a doubtful delivery that waits", c.Deliveries, err)
	}
	r.expect(r.leased(spool.Places{Limit: 5}), "")
	if due, err := r.NextDue(r.Context(), "crm", false); err != nil || !due.IsZero() {
		r.Errorf("the next is due at %v, error %v, but only doubtful ones wait", due, err)
	}
	if due, err := r.NextDue(r.Context(), "crm", true); err != nil || !due.Equal(failed) {
		r.Errorf("the next is due at %v, error %v, want %v", due, err, failed)
	}
	r.reopen()
	one := r.leased(spool.Places{Limit: 5, Doubtful: 1})
	r.expect(one, "d1")
	if want := (spool.History{Spent: 2, Doubts: 1, FailedAt: failed, Doubtful: true}); !one[0].History.FailedAt.Equal(failed) || one[0].History.Doubts != want.Doubts || !one[0].History.Doubtful {
		r.Errorf("%+v, want %+v", one[0].History, want)
	}
	r.check(r.Retry(one[0], attempt("unwell"), time.Now(), spool.History{Spent: 3, Doubts: 1, FailedAt: failed})) // its doubt is cleared
	r.commit()
	if c, err := r.Call(r.Context(), "dialer:d1"); err != nil || c.Deliveries[0].Doubtful {
		r.Errorf("%+v, error %v, want no doubt", c.Deliveries, err)
	}
	r.expect(r.leased(spool.Places{Limit: 5}), "d1")
}

func doubtfulOnesInTurn(r *rig) {
	r.inDoubt("d1", "d2", "d3")
	var fresh []string
	for i := range 40 {
		fresh = append(fresh, fmt.Sprintf("f%02d", i))
	}
	r.acceptAll(fresh...)
	count := 0
	for _, d := range r.leased(spool.Places{Limit: 32, Doubtful: 32}) {
		if d.History.Doubtful {
			count++
		}
	}
	if count != 2 {
		r.Errorf("%d of 32 places went to doubtful ones, want one of 16", count)
	}
}

func aloneFreshFirst(r *rig) {
	r.acceptAll("d1", "r1")
	ds := r.lease("crm", 2)
	r.check(r.Retry(ds[0], attempt("unwell"), time.Now(), spool.History{Spent: 2, Doubtful: true}))
	r.check(r.Postpone(ds[1], attempt("unwell"), time.Now()))
	r.commit()
	r.acceptAll("f1", "f2")
	for _, want := range []string{"f1", "f2", "r1", "d1"} {
		r.expect(r.leased(spool.Places{Limit: 1, Doubtful: 1, Alone: true}), want)
	}
}

func amended(r *rig) {
	r.acceptAll("a")
	d := r.one("crm")
	r.check(r.Postpone(d, attempt("paused"), time.Now().Add(time.Hour)))
	r.Amend("crm", d.Seq, time.Now(), spool.History{Spent: 1, FailedAt: time.Now()})
	r.commit()
	if again := r.one("crm"); again.History.Spent != 1 || again.History.FailedAt.IsZero() || again.Tries != 1 {
		r.Errorf("%d tries, %+v", again.Tries, again.History)
	}
}

func replayedLast(r *rig) {
	r.acceptAll("p1", "p2")
	done, _, err := r.Replay(r.Context(), r.bury(), time.Now(), 0)
	r.check(err)
	if done != 2 {
		r.Fatalf("%d replayed, want 2", done)
	}
	r.retried(0, "r1")
	r.acceptAll("f1", "f2")
	r.pass(time.Second)
	r.expect(r.lease("crm", 3), "r1 f1 f2")
	r.expect(r.lease("crm", 10), "p1 p2")
}

// concurrentLeases lets goroutines accept, lease, release, retry and settle in
// one lane at the same time, and counts.
func concurrentLeases(r *rig) {
	const calls, workers = 120, 4
	var held sync.Map
	var settled atomic.Int64
	work := func(n int) {
		ds, err := r.Lease(r.Context(), "crm", spool.Places{Limit: 7, Doubtful: 7})
		if err != nil {
			r.Error(err)
		}
		for i, d := range ds {
			if _, twice := held.LoadOrStore(d.Seq, true); twice {
				r.Errorf("%s is leased twice", d.Record.ID)
			}
			held.Delete(d.Seq)
			switch {
			case (n+i)%5 == 0 && d.Tries == 0:
				r.Release(d)
			case (n+i)%3 == 0 && d.Tries == 0:
				r.check(r.Postpone(d, attempt("unwell"), time.Now()))
			default:
				held.Store(d.Seq, true) // for ever: a settled one must never come again
				r.check(r.Settle(d, nil))
				settled.Add(1)
			}
		}
		if len(ds) == 0 {
			time.Sleep(20 * time.Millisecond) //nolint:forbidigo // inside a bubble
		}
	}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range calls / workers {
				if _, err := r.Accept(r.Context(), acceptance(fmt.Sprintf("%d-%d", w, i), "first", "crm")); err != nil {
					r.Error(err)
				}
			}
		})
		all.Go(func() {
			for n := 0; settled.Load() < calls && n < 5000 && !r.Failed(); n++ {
				work(n)
			}
		})
	}
	all.Wait()
	r.commit()
	if n := settled.Load(); n != calls {
		r.Errorf("%d of %d calls were settled", n, calls)
	}
	r.waiting(0, 0)
}

// leasesShare leases from many goroutines at once as much as there is.
func leasesShare(r *rig) {
	const workers, each = 8, 3
	for i := range workers * each {
		r.acceptAll(fmt.Sprint(i))
	}
	for range 20 {
		var all sync.WaitGroup
		var mu sync.Mutex
		var got []*spool.Delivery
		for range workers {
			all.Go(func() {
				ds, err := r.Lease(r.Context(), "crm", spool.Places{Limit: each, Doubtful: each})
				if err != nil || len(ds) != each {
					r.Errorf("leased %d, error %v, want %d", len(ds), err, each)
				}
				mu.Lock()
				defer mu.Unlock()
				got = append(got, ds...)
			})
		}
		all.Wait()
		for _, d := range got {
			r.Release(d)
		}
	}
}

func nothingToLease(r *rig) {
	r.acceptAll("a")
	r.expect(r.lease("unknown", 10), "")
	r.expect(r.lease("crm", 0), "")
	r.expect(r.lease("slack", 10), "")
	r.expect(r.lease("crm", 10), "a")
}

func releaseInOrder(r *rig) {
	r.retried(0, "r1")
	r.acceptAll("a", "b", "c", "d")
	r.pass(time.Second)
	ds := r.lease("crm", 4)
	r.expect(ds, "r1 a b c")
	for _, d := range []*spool.Delivery{ds[3], ds[1], ds[0]} {
		r.Release(d)
	}
	again := r.lease("crm", 10)
	r.expect(again, "r1 a c d")
	if again[0].Tries != 1 || again[1].Tries != 0 {
		r.Errorf("a release changed the tries to %d and %d", again[0].Tries, again[1].Tries)
	}
}

// woken reports whether the lane was woken since the last call.
func (r *rig) woken() bool {
	select {
	case <-r.Work("crm"):
		return true
	default:
		return false
	}
}

func releaseWakes(r *rig) {
	r.acceptAll("a")
	d := r.one("crm")
	r.woken()
	r.Release(d)
	if !r.woken() {
		r.Error("a delivery was given back and the lane was not woken")
	}
}

func workWakes(r *rig) {
	r.woken()
	r.acceptAll("a", "b")
	if !r.woken() {
		r.Error("a call was accepted and the lane was not woken")
	}
	d := r.one("crm")
	due := time.Now().Add(time.Minute)
	r.check(r.Postpone(d, attempt("unwell"), due))
	for range 100 { // whenever it wakes, it must see the new due time
		select {
		case <-r.Work("crm"):
			got, err := r.NextDue(r.Context(), "crm", true)
			r.check(err)
			if got.Equal(due) {
				return
			}
			r.Errorf("woken, and the next is due at %v, want %v", got, due)
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	r.Error("a retry was committed and the lane was not woken")
}

func nextDue(r *rig) {
	at := func() time.Duration {
		r.Helper()
		due, err := r.NextDue(r.Context(), "crm", true)
		r.check(err)
		if due.IsZero() {
			return 0
		}
		return time.Until(due).Round(time.Second)
	}
	if got := at(); got != 0 {
		r.Errorf("next due in %v in an empty lane", got)
	}
	r.acceptAll("fresh")
	if got := at(); got != 0 {
		r.Errorf("next due in %v with a fresh one only", got)
	}
	r.expect(r.lease("crm", 1), "fresh")
	r.retried(time.Minute, "r1")
	r.retried(time.Hour, "r2")
	if got := at(); got != time.Minute {
		r.Errorf("next due in %v, want 1m", got)
	}
	r.pass(time.Minute)
	r.expect(r.lease("crm", 10), "r1")
	if got := at(); got != 59*time.Minute {
		r.Errorf("next due in %v while the first is leased, want 59m", got)
	}
}
