package spooltest

import (
	"context"
	"errors"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func contextCases() []testCase {
	return []testCase{{"context/an ended context changes nothing and returns at once", endedContexts}}
}

func lostCases() []testCase {
	return []testCase{{"lost/a report of a lane that has another owner changes nothing", lostLeases}}
}

// endedContexts: the caller has gone; what it asked for is neither done nor waited for.
func endedContexts(r *rig) {
	r.acceptAll("a", "b")
	letter := r.bury()[0]
	r.acceptAll("c")
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	begun := time.Now()
	for name, do := range map[string]func() error{
		"keep undecodable": func() error { return r.KeepUndecodable(ctx, undecodable("dialer", "<xml>")) },
		"set lanes":        func() error { return r.SetLanes(ctx, nil) },
		"pause":            func() error { return r.SetPause(ctx, "crm", spool.Pause{By: spool.ByOperator}) },
		"expire": func() error {
			_, err := r.Expire(ctx, "crm", time.Now().Add(time.Hour), spool.Expired, "late", 10)
			return err
		},
		"replay": func() error { _, _, err := r.Replay(ctx, []string{letter}, time.Now(), 0); return err },
		"purge":  func() error { _, err := r.Purge(ctx, []string{letter}); return err },
		"resend": func() error {
			_, err := r.Resend(ctx, spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm"}})
			return err
		},
		"note": func() error { return r.NoteLetter(ctx, letter, "noted") },
		"erase": func() error {
			_, err := r.Erase(ctx, spool.NumberForms{E164: "+6281234567890", Digits: []string{"6281234567890"}}, false)
			return err
		},
		"lanes": func() error { _, err := r.Lanes(ctx); return err },
	} {
		if err := do(); !errors.Is(err, context.Canceled) {
			r.Errorf("%s: error %v, want %v", name, err, context.Canceled)
		}
	}
	if took := time.Since(begun); took != 0 {
		r.Errorf("they took %v", took)
	}
	r.waiting(1, 2)
	if p := r.PauseOf("crm"); p != (spool.Pause{}) {
		r.Errorf("paused: %+v", p)
	}
	r.expect(r.lease("crm", 10), "c")
}

func lostLeases(r *rig) {
	r.acceptAll("settled", "retried", "postponed", "buried", "released")
	ds := r.lease("crm", 5)
	r.kind.Steal(r.T, r.Store, "crm")
	for name, err := range map[string]error{
		"settle":   r.Settle(ds[0], attempt("delivered")),
		"retry":    r.Retry(ds[1], attempt("unwell"), time.Now().Add(time.Hour), spool.History{Spent: 1}),
		"postpone": r.Postpone(ds[2], attempt("paused"), time.Now().Add(time.Hour)),
		"bury":     r.Bury(ds[3], attempt("rejected"), spool.Rejected, "no"),
	} {
		if !errors.Is(err, spool.ErrLeaseLost) {
			r.Errorf("%s: error %v, want %v", name, err, spool.ErrLeaseLost)
		}
	}
	r.Release(ds[4])
	r.commit()
	r.waiting(5, 0)
}
