package spooltest

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func orderCases() []testCase {
	return []testCase{
		{"revisions/a newer one is held until the older one is settled", heldUntilSettled},
		{"revisions/a newer one is held until the older one is buried", heldUntilBuried},
		{"revisions/held while the older one is scheduled", heldWhileScheduled},
		{"revisions/a chain of three goes one by one", chainOfThree},
		{"revisions/other lanes and other calls are not affected", othersNotHeld},
		{"revisions/none is held behind one that has ended", notHeldBehindEnded},
		{"revisions/held over a restart", heldOverRestart},
		{"revisions/a replayed older one goes before a newer one that waits", replayedBeforeNewer},
		{"revisions/a replayed older one goes before a newer one that fails meanwhile", replayedBeforeLeased},
		{"revisions/a replayed newer one is held behind an older one", replayedBehindOlder},
		{"revisions/a replayed older one goes before one held behind another on its way", replayedBeforeHeld},
		{"revisions/one that comes after a replay for later is held too", heldBehindLaterReplay},
		{"revisions/a held one does not expire before the older one", heldNotExpired},
	}
}

// revisions accepts revisions 1 to n of call a for crm.
func (r *rig) revisions(n int) {
	r.Helper()
	for _, content := range []string{"first", "second", "third"}[:n] {
		r.accept("a", content, "crm")
	}
}

func heldUntilSettled(r *rig) {
	r.revisions(2)
	ds := r.lease("crm", 10)
	r.expect(ds, "a")
	r.expect(r.lease("crm", 10), "")
	r.check(r.Settle(ds[0], attempt("delivered")))
	r.commit()
	if !r.woken() {
		r.Error("the newer revision was released and the lane was not woken")
	}
	r.expect(r.lease("crm", 10), "a.2")
	r.waiting(1, 0)
}

func heldUntilBuried(r *rig) {
	r.revisions(2)
	r.check(r.Bury(r.one("crm"), attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	r.expect(r.lease("crm", 10), "a.2")
	r.waiting(1, 1)
}

func heldWhileScheduled(r *rig) {
	r.revisions(1)
	first := r.one("crm")
	r.accept("a", "second", "crm")
	r.check(r.Postpone(first, attempt("unwell"), time.Now().Add(time.Minute)))
	r.commit()
	r.expect(r.lease("crm", 10), "")
	r.pass(time.Minute)
	again := r.lease("crm", 10)
	r.expect(again, "a")
	r.check(r.Settle(again[0], nil))
	r.commit()
	r.expect(r.lease("crm", 10), "a.2")
}

func chainOfThree(r *rig) {
	r.revisions(3)
	for _, want := range []string{"a", "a.2", "a.3"} {
		ds := r.lease("crm", 10)
		r.expect(ds, want)
		r.check(r.Settle(ds[0], nil))
		r.commit()
	}
	r.waiting(0, 0)
}

func othersNotHeld(r *rig) {
	r.accept("a", "first", "crm")
	r.accept("a", "second", "crm", "slack")
	r.accept("b", "first", "crm")
	r.expect(r.lease("slack", 10), "a.2")
	r.expect(r.lease("crm", 10), "a b")
}

func notHeldBehindEnded(r *rig) {
	r.revisions(1)
	r.check(r.Settle(r.one("crm"), nil))
	r.commit()
	r.accept("a", "second", "crm")
	r.expect(r.lease("crm", 10), "a.2")
}

func heldOverRestart(r *rig) {
	r.revisions(3)
	r.reopen()
	ds := r.lease("crm", 10)
	r.expect(ds, "a")
	r.check(r.Settle(ds[0], nil))
	r.reopen()
	r.expect(r.lease("crm", 10), "a.2")
}

func replayedBeforeNewer(r *rig) {
	r.revisions(1)
	letters := r.bury()
	r.accept("a", "second", "crm")
	r.replay(letters)
	r.delivers("a")
	r.expect(r.lease("crm", 10), "a.2")
}

// delivers settles one call after the other: no other may be leased beside it.
func (r *rig) delivers(calls ...string) {
	r.Helper()
	for _, want := range calls {
		ds := r.lease("crm", 10)
		r.expect(ds, want)
		r.check(r.Settle(ds[0], nil))
		r.commit()
	}
}

func (r *rig) replay(letters []string) {
	r.Helper()
	done, intake, err := r.Replay(r.Context(), letters, time.Now(), 0)
	r.check(err)
	if done != len(letters) || len(intake) != 0 {
		r.Fatalf("%d of %d replayed, %d of intake", done, len(letters), len(intake))
	}
}

func replayedBeforeLeased(r *rig) {
	for name, report := range map[string]func(*spool.Delivery){
		"retry":   func(d *spool.Delivery) { r.check(r.Postpone(d, attempt("unwell"), time.Now())) },
		"release": func(d *spool.Delivery) { r.Release(d) },
	} {
		r.accept(name, "first", "crm")
		letters := r.bury()
		r.accept(name, "second", "crm")
		newer := r.one("crm")
		r.replay(letters)
		report(newer)
		r.commit()
		r.delivers(name, name+".2")
		r.waiting(0, 0)
	}
}

func replayedBeforeHeld(r *rig) {
	r.revisions(1)
	letters := r.bury()
	r.accept("a", "second", "crm")
	second := r.one("crm")
	r.accept("a", "third", "crm")
	r.replay(letters)
	r.check(r.Settle(second, nil))
	r.commit()
	r.delivers("a", "a.3")
	r.waiting(0, 0)
}

func heldBehindLaterReplay(r *rig) {
	r.revisions(1)
	letters := r.bury()
	r.accept("a", "second", "crm")
	second := r.one("crm")
	_, _, err := r.Replay(r.Context(), letters, time.Now().Add(time.Hour), 0)
	r.check(err)
	r.accept("a", "third", "crm")
	r.check(r.Bury(second, nil, spool.Rejected, "no"))
	r.commit()
	r.expect(r.lease("crm", 10), "")
	r.pass(time.Hour)
	r.delivers("a")
	r.expect(r.lease("crm", 10), "a.3")
}

func replayedBehindOlder(r *rig) {
	r.revisions(1)
	r.bury()
	r.accept("a", "second", "crm")
	both := r.bury()
	for _, first := range []int{0, 1} {
		r.replay(both[first : first+1])
		r.replay(both[1-first : 2-first])
		for i, want := range []string{"a", "a.2"} {
			ds := r.lease("crm", 10)
			r.expect(ds, want)
			r.check(r.Bury(ds[0], attempt("rejected"), spool.Rejected, "again"))
			r.commit()
			r.waiting(int64(1-i), int64(1+i))
		}
		letters := r.letters(spool.LetterFilter{})
		both[0], both[1] = letters[1].ID, letters[0].ID
	}
}

func heldNotExpired(r *rig) {
	r.revisions(3)
	first := r.one("crm")
	r.pass(time.Minute)
	if n := r.expire(0); n != 0 {
		r.Errorf("%d expired while the older revision is on its way", n)
	}
	r.expect(r.lease("crm", 10), "")
	r.Release(first)
	for i := range 3 {
		if n := r.expire(0); n != 1 {
			r.Errorf("step %d: %d expired, want 1", i, n)
		}
	}
	r.waiting(0, 3)
}

// expire ends what was accepted longer than d ago, in one step of at most 100.
func (r *rig) expire(d time.Duration) int {
	r.Helper()
	n, err := r.Expire(r.Context(), "crm", time.Now().Add(-d), spool.Expired, "too old", 100)
	r.check(err)
	return n
}
