package spooltest

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func settleCases() []testCase {
	return []testCase{
		{"settle/a delivery comes due when it has settled", settledDue},
		{"settle/of several revisions the newest is delivered", settledNewest},
		{"settle/one that is on its way holds the newer, which settles by its own time", settledBehindLeased},
		{"settle/a failed one is superseded at its next turn", settledAfterFailure},
		{"settle/over a restart and a crash", settledDurably},
		{"settle/a replay goes out, unless a newer one waits", settledReplay},
		{"settle/other lanes do not wait", settledAlone},
	}
}

// settles makes crm wait for a minute.
func (r *rig) settles() {
	r.Helper()
	r.check(r.SetLanes(r.Context(), []spool.LaneConfig{
		{Sink: "crm", GiveUpAfter: time.Hour, LongestWait: time.Minute, Settle: time.Minute}, {Sink: "slack", GiveUpAfter: time.Hour},
	}))
}

// takes leases what is due for crm, ends what is superseded, and returns the rest.
func (r *rig) takes() (rest []*spool.Delivery) {
	r.Helper()
	for _, d := range r.lease("crm", 10) {
		if d.Superseded {
			r.check(r.Supersede(d))
			continue
		}
		rest = append(rest, d)
	}
	r.commit()
	return rest
}

// states are those of the deliveries of call a to crm, by revision.
func (r *rig) states() (out []string) {
	r.Helper()
	c, err := r.Call(r.Context(), "dialer:a")
	r.check(err)
	out = make([]string, len(c.Revisions))
	for _, d := range c.Deliveries {
		if d.Sink == "crm" {
			out[d.Revision-1] = d.State
		}
	}
	return out
}

func (r *rig) wantStates(want ...string) {
	r.Helper()
	got := r.states()
	for i := range want {
		if got[i] != want[i] {
			r.Errorf("the revisions are %v, want %v", got, want)
			return
		}
	}
}

func settledDue(r *rig) {
	r.settles()
	r.accept("a", "one", "crm")
	r.pass(59 * time.Second)
	if got := r.takes(); len(got) != 0 {
		r.Fatal("it is leased before its time")
	}
	if due, err := r.NextDue(r.Context(), "crm", false); err != nil || time.Until(due).Round(time.Second) != time.Second {
		r.Errorf("it is due at %v, error %v", due, err)
	}
	r.pass(time.Second)
	got := r.takes()
	r.expect(got, "a")
	r.check(r.Settle(got[0], attempt("delivered")))
	r.commit()
	r.wantStates("delivered")
}

func settledNewest(r *rig) {
	r.settles()
	for _, content := range []string{"one", "two", "three"} {
		r.accept("a", content, "crm")
		r.pass(40 * time.Second)
	}
	// 2 minutes after the first, 40 seconds after the third.
	for range 4 {
		if got := r.takes(); len(got) != 0 {
			r.Fatalf("%s revision %d is leased", got[0].Record.ID, got[0].Record.Revision)
		}
	}
	r.wantStates("superseded", "superseded", "waiting")
	r.waiting(1, 0)
	r.pass(20 * time.Second)
	r.expect(r.takes(), "a.3")
}

func settledBehindLeased(r *rig) {
	r.settles()
	r.accept("a", "one", "crm")
	r.pass(time.Minute)
	first := r.takes()
	r.accept("a", "two", "crm")
	r.pass(30 * time.Second)
	r.check(r.Settle(first[0], attempt("delivered")))
	r.commit()
	if got := r.takes(); len(got) != 0 {
		r.Fatal("the newer one is leased before it has settled")
	}
	r.pass(30 * time.Second)
	r.expect(r.takes(), "a.2")
	r.wantStates("delivered", "waiting")
}

func settledAfterFailure(r *rig) {
	r.settles()
	r.accept("a", "one", "crm")
	r.pass(time.Minute)
	d := keeps(r.takes()[0], "create", "7")
	r.check(r.Retry(d, attempt("unwell"), time.Now().Add(30*time.Second), spool.History{Spent: 1}))
	r.commit()
	r.accept("a", "two", "crm")
	r.pass(30 * time.Second)
	if got := r.takes(); len(got) != 0 {
		r.Fatalf("revision %d is leased", got[0].Record.Revision)
	}
	r.wantStates("superseded", "waiting")
	r.pass(30 * time.Second)
	got := r.takes()
	r.expect(got, "a.2")
	r.remembers(got[0], map[string]string{"create": "7"})
}

func settledDurably(r *rig) {
	r.settles()
	r.accept("a", "one", "crm")
	r.pass(30 * time.Second)
	r.accept("a", "two", "crm")
	r.crash()
	r.settles()
	r.pass(30 * time.Second)
	if got := r.takes(); len(got) != 0 {
		r.Fatalf("revision %d is leased", got[0].Record.Revision)
	}
	r.reopen()
	r.settles()
	r.wantStates("superseded", "waiting")
	r.pass(30 * time.Second)
	r.expect(r.takes(), "a.2")
}

func settledReplay(r *rig) {
	r.settles()
	r.accept("a", "one", "crm")
	r.pass(time.Minute)
	r.check(r.Bury(r.takes()[0], attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	r.replay([]string{r.letters(spool.LetterFilter{})[0].ID})
	got := r.takes()
	r.expect(got, "a")
	r.check(r.Bury(got[0], attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	r.accept("a", "two", "crm")
	r.replay([]string{r.letters(spool.LetterFilter{})[0].ID})
	if got := r.takes(); len(got) != 0 {
		r.Fatalf("revision %d is leased", got[0].Record.Revision)
	}
	r.pass(time.Minute)
	r.expect(r.takes(), "a.2")
	r.wantStates("superseded", "waiting")
}

func settledAlone(r *rig) {
	r.settles()
	r.accept("a", "one", "crm", "slack")
	r.expect(r.lease("slack", 10), "a")
}
