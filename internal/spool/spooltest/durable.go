package spooltest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func durableCases() []testCase {
	return []testCase{
		{"durable/everything survives a restart", survivesRestart},
		{"durable/what was acknowledged survives a crash, and leases are free", survivesCrash},
		{"durable/a closed store refuses", closedRefuses},
	}
}

// snapshot is all that an operator can see.
type snapshot struct {
	Calls   []spool.CallDetail
	Letters []spool.DeadLetterDetail
	Lanes   []spool.LaneStatus
	Totals  spool.Totals
}

func (r *rig) snapshot() snapshot {
	r.Helper()
	var s snapshot
	page, err := r.SearchCalls(r.Context(), spool.CallFilter{}, 1000, "")
	r.check(err)
	for _, c := range page.Calls {
		d, err := r.Call(r.Context(), c.ID)
		r.check(err)
		for i := range d.Revisions {
			d.Revisions[i] = spool.CallSummary{Revision: d.Revisions[i].Revision, Record: d.Revisions[i].Record, ReceivedAt: d.Revisions[i].ReceivedAt}
		}
		s.Calls = append(s.Calls, d)
	}
	for _, l := range r.letters(spool.LetterFilter{}) {
		d, err := r.DeadLetter(r.Context(), l.ID)
		r.check(err)
		s.Letters = append(s.Letters, d)
	}
	s.Lanes, err = r.Lanes(r.Context())
	r.check(err)
	s.Totals = r.Totals()
	s.Totals.BytesUsed = 0
	return s
}

func (r *rig) same(before, after snapshot) {
	r.Helper()
	if diff := cmp.Diff(before, after, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".seq" }, cmp.Ignore())); diff != "" {
		r.Errorf("changed (-before +after):\n%s", diff)
	}
}

func survivesRestart(r *rig) {
	r.acceptAll("settled", "retried", "buried", "fresh", "leased")
	r.accept("fresh", "second", "crm", "slack")
	ds := r.lease("crm", 3)
	r.check(r.Settle(ds[0], attempt("delivered")))
	r.check(r.Postpone(ds[1], attempt("unwell"), time.Now().Add(time.Hour)))
	r.check(r.Bury(ds[2], attempt("rejected"), spool.Rejected, "no"))
	r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", "nope")))
	r.check(r.SetPause(r.Context(), "slack", spool.Pause{By: spool.ByOperator}))
	r.commit()
	r.expect(r.lease("crm", 10), "fresh leased")
	before := r.snapshot()
	r.reopen()
	r.same(before, r.snapshot())
	r.expect(r.lease("crm", 10), "fresh leased")
	r.pass(time.Hour)
	r.expect(r.lease("crm", 10), "retried")
}

// survivesCrash takes a copy of the files while goroutines accept, and compares
// with what had been acknowledged before.
func survivesCrash(r *rig) {
	var mu sync.Mutex
	var acknowledged []string
	stop := make(chan struct{})
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", w, i)
				if _, err := r.Accept(r.Context(), acceptance(id, "first", "crm")); err != nil {
					r.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				enough := len(acknowledged) == 60
				mu.Unlock()
				if enough {
					close(stop)
				}
			}
		})
	}
	<-stop
	all.Wait()
	first := r.lease("crm", 5)
	r.check(r.Settle(first[0], nil))
	r.commit()
	r.crash()
	for _, id := range acknowledged {
		if _, err := r.Call(r.Context(), "dialer:"+id); err != nil {
			r.Errorf("an acknowledged call is lost: %v", err)
		}
	}
	free := r.lease("crm", 1000)
	if len(free) != len(acknowledged)-1 {
		r.Errorf("%d deliveries are free, want %d", len(free), len(acknowledged)-1)
	}
	if free[0].Record.ID != first[1].Record.ID {
		r.Errorf("the first that is free is %s, want %s", free[0].Record.ID, first[1].Record.ID)
	}
}

func closedRefuses(r *rig) {
	r.acceptAll("a")
	d := r.one("crm")
	r.check(r.Close(r.Context()))
	for name, do := range map[string]func() error{
		"accept":  func() error { _, err := r.Accept(r.Context(), acceptance("b", "first", "crm")); return err },
		"lease":   func() error { _, err := r.Lease(r.Context(), "crm", spool.Places{Limit: 1, Doubtful: 1}); return err },
		"calls":   func() error { _, err := r.SearchCalls(r.Context(), spool.CallFilter{}, 1, ""); return err },
		"replay":  func() error { _, _, err := r.Replay(r.Context(), []string{"x"}, time.Now(), 0); return err },
		"letters": func() error { _, _, err := r.SearchLetters(r.Context(), spool.LetterFilter{}, 1, ""); return err },
	} {
		if err := do(); !errors.Is(err, spool.ErrUnavailable) {
			r.Errorf("%s: error %v, want %v", name, err, spool.ErrUnavailable)
		}
	}
	r.check(r.Settle(d, nil)) // is lost, and must not hang or panic
	r.Store = r.kind.Open(r.T, r.dir, r.maxBytes)
	r.expect(r.lease("crm", 1), "a")
}
