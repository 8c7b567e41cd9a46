package spooltest

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func laneCases() []testCase {
	return []testCase{
		{"lanes/counts and the oldest", laneCounts},
		{"lanes/a sink that is not configured is listed while it holds something", laneUnconfigured},
		{"pause/durable, by whom, until when", pauseDurable},
		{"pause/the sink's does not shorten the operator's", pauseOperatorFirst},
		{"pause/an operator's ends at its time", pauseEnds},
		{"pause/of an unknown sink is not found", pauseUnknown},
	}
}

func laneCounts(r *rig) {
	begun := time.Now()
	oldest := func(want time.Duration) {
		r.Helper()
		got := r.status("crm").Oldest
		if got.IsZero() && want < 0 {
			return
		}
		if d := got.Sub(begun); d != want {
			r.Errorf("the oldest is from %v after the begin, want %v", d, want)
		}
	}
	fresh := func(want bool) {
		r.Helper()
		if got := r.status("crm").Fresh; got != want {
			r.Errorf("fresh ones wait: %v", got)
		}
	}
	oldest(-1)
	fresh(false)
	r.acceptAll("a")
	r.pass(time.Minute)
	r.acceptAll("b")
	oldest(0)
	r.waiting(2, 0)
	r.check(r.Postpone(r.one("crm"), attempt("unwell"), time.Now().Add(time.Hour)))
	r.commit()
	oldest(0)
	fresh(true)
	r.check(r.Settle(r.one("crm"), nil))
	r.commit()
	oldest(0)
	fresh(false)
	r.waiting(1, 0)
	r.pass(time.Hour)
	r.check(r.Bury(r.one("crm"), nil, spool.Rejected, "no"))
	r.commit()
	oldest(-1)
	r.waiting(0, 1)
	r.replay([]string{r.letters(spool.LetterFilter{})[0].ID})
	oldest(time.Since(begun))
	if st := r.status("slack"); !st.Configured || st.Waiting != 0 || !st.Oldest.IsZero() {
		r.Errorf("slack: %+v", st)
	}
}

func laneUnconfigured(r *rig) {
	r.acceptAll("a")
	r.configure("slack")
	if st := r.status("crm"); st.Configured || st.Waiting != 1 {
		r.Errorf("crm: %+v", st)
	}
	if st := r.status("slack"); !st.Configured {
		r.Errorf("slack: %+v", st)
	}
	r.configure("crm")
	if st := r.status("crm"); !st.Configured || st.Waiting != 1 {
		r.Errorf("crm, configured again: %+v", st)
	}
	if st := r.status("slack"); st.Sink != "" {
		r.Errorf("slack is still listed: %+v", st)
	}
	lanes, err := r.Lanes(r.Context())
	r.check(err)
	if len(lanes) != 1 {
		r.Errorf("lanes: %+v", lanes)
	}
}

func pauseDurable(r *rig) {
	r.woken()
	until := time.Now().Add(time.Hour)
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{Until: until, By: spool.BySink}))
	r.check(r.SetPause(r.Context(), "slack", spool.Pause{By: spool.ByOperator}))
	if !r.woken() {
		r.Error("a pause was set and the lane was not woken")
	}
	for range 2 {
		if p := r.PauseOf("crm"); !p.Until.Equal(until) || p.By != spool.BySink || !p.Active(time.Now()) || p.Active(until) {
			r.Errorf("crm: %+v", p)
		}
		if p := r.PauseOf("slack"); p.By != spool.ByOperator || !p.Active(time.Now().AddDate(1000, 0, 0)) {
			r.Errorf("slack: %+v", p)
		}
		if _, err := json.Marshal(r.PauseOf("slack")); err != nil {
			r.Errorf("an operator's pause has no JSON: %v", err)
		}
		r.reopen()
	}
	r.check(r.SetPause(r.Context(), "slack", spool.Pause{}))
	for range 2 {
		if p := r.PauseOf("slack"); p.Active(time.Now()) {
			r.Errorf("slack, resumed: %+v", p)
		}
		r.reopen()
	}
	if p := r.status("crm").Pause; p.By != spool.BySink {
		r.Errorf("status of crm: %+v", p)
	}
}

func pauseOperatorFirst(r *rig) {
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{By: spool.ByOperator}))
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{Until: time.Now().Add(time.Second), By: spool.BySink}))
	if p := r.PauseOf("crm"); p.By != spool.ByOperator {
		r.Errorf("the operator's pause gave way to %+v", p)
	}
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{}))
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{Until: time.Now().Add(time.Second), By: spool.BySink}))
	if p := r.PauseOf("crm"); p.By != spool.BySink {
		r.Errorf("after the resumption: %+v", p)
	}
}

// pauseEnds: after its end the sink may ask for a pause again.
func pauseEnds(r *rig) {
	until := time.Now().Add(time.Hour)
	want := spool.Pause{Until: until, By: spool.ByOperator, Reason: "maintenance"}
	r.check(r.SetPause(r.Context(), "crm", want))
	for range 2 {
		if p := r.PauseOf("crm"); !p.Until.Equal(until) || p.By != want.By || p.Reason != want.Reason || p.Endless() {
			r.Errorf("crm: %+v, want %+v", p, want)
		}
		if p := r.status("crm").Pause; p.Reason != "maintenance" {
			r.Errorf("status: %+v", p)
		}
		r.crash()
	}
	r.pass(time.Hour)
	if p := r.status("crm").Pause; p != (spool.Pause{}) {
		r.Errorf("after its end: %+v", p)
	}
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{Until: time.Now().Add(time.Second), By: spool.BySink}))
	if p := r.PauseOf("crm"); p.By != spool.BySink || p.Reason != "" {
		r.Errorf("the sink's: %+v", p)
	}
	r.check(r.SetPause(r.Context(), "crm", spool.Pause{By: spool.ByOperator}))
	if p := r.PauseOf("crm"); !p.Endless() {
		r.Errorf("without an end: %+v", p)
	}
}

func pauseUnknown(r *rig) {
	if err := r.SetPause(r.Context(), "unknown", spool.Pause{By: spool.ByOperator}); !errors.Is(err, spool.ErrNotFound) {
		r.Errorf("error %v, want %v", err, spool.ErrNotFound)
	}
	if p := r.PauseOf("unknown"); p != (spool.Pause{}) {
		r.Errorf("pause: %+v", p)
	}
}
