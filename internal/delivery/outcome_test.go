package delivery

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// outcome is one row of the table of meanings.
type outcome struct {
	name    string
	answers []reply
	moving  bool // the URL holds a template
	render  error

	state    string
	attempts string        // results that are kept
	reason   spool.Reason  // of the dead letter
	after    time.Duration // the next attempt, after the end of this one; 0: none is planned
	paused   time.Duration
	counts   bool // for the breaker
}

const firstWait = 5 * time.Second / 2 // half of the schedule's first wait

func outcomes() []outcome {
	unwell := func(name string, r reply) outcome {
		return outcome{name: name, answers: []reply{r}, state: "waiting", attempts: "unwell", after: firstWait, counts: true}
	}
	wrong := func(name string, status int) outcome {
		return outcome{name: name, answers: []reply{{status: status}}, state: "waiting", attempts: "credentials", after: firstWait, counts: true}
	}
	refused := func(name string, status int) outcome {
		return outcome{name: name, answers: []reply{{status: status}}, moving: true, state: "dead_letter", attempts: "rejected", reason: spool.Rejected}
	}
	pause := func(name string, status int, text string, d time.Duration) outcome {
		return outcome{name: name, answers: []reply{{status: status, retryAfter: text}}, state: "waiting", attempts: "paused", after: d, paused: d}
	}
	ok := func(name string, status int) outcome {
		return outcome{name: name, answers: []reply{{status: status}}, state: "delivered", attempts: "delivered"}
	}
	all := []outcome{
		ok("200", 200), ok("201", 201), ok("204", 204),
		pause("429 with seconds", 429, "30", 30*time.Second),
		pause("503 with seconds", 503, "120", 2*time.Minute),
		pause("429 with 0", 429, "0", time.Second),
		pause("503 with a date", 503, "Sat, 01 Jan 2000 00:10:00 GMT", 10*time.Minute),
		pause("429 for a day is clamped", 429, "86400", time.Hour),
		pause("503 for ever is clamped", 503, "9223372037854775808", time.Hour),
		unwell("429 without Retry-After", reply{status: 429}), unwell("503 without Retry-After", reply{status: 503}),
		unwell("408", reply{status: 408}), unwell("425", reply{status: 425}),
		unwell("500", reply{status: 500}), unwell("502", reply{status: 502}), unwell("504", reply{status: 504}),
		unwell("599", reply{status: 599}),
		wrong("401", 401), wrong("403", 403), wrong("404 of a fixed URL", 404), wrong("405 of a fixed URL", 405), wrong("410 of a fixed URL", 410),
		refused("404 of this call", 404), refused("405 of this call", 405), refused("410 of this call", 410),
		refused("400", 400), refused("409", 409), refused("413", 413), refused("422", 422),
		refused("301", 301), refused("302", 302), refused("308", 308),
		{name: "no connection", answers: []reply{{err: errWire}}, state: "waiting", attempts: "connect", after: firstWait, counts: true},
		{name: "no answer", answers: []reply{{hang: true}}, state: "waiting", attempts: "timeout", after: firstWait, counts: true},
		{name: "render", render: errors.New("no such key"), state: "dead_letter", attempts: "render", reason: spool.Render},
	}
	slow := unwell("500 that names a time", reply{status: 500, retryAfter: "600"})
	slow.after = 10 * time.Minute
	return append(all, slow)
}

func TestOutcomes(t *testing.T) {
	for _, o := range outcomes() {
		t.Run(o.name, func(t *testing.T) {
			bubble(t, func(w *world) { o.check(w) })
		})
	}
}

// check lets one delivery meet the answer. The breaker opens at the first
// failure that counts.
func (o outcome) check(w *world) {
	w.t.Helper()
	s := setup{moving: o.moving, timeout: 500 * time.Millisecond, BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1}}
	if o.render != nil {
		s.texts = map[string]error{"a": o.render}
	}
	begun := time.Now()
	r := w.start("crm", s, script(o.answers...))
	w.accept("crm", "a")
	w.sleep(500*time.Millisecond + commit)

	got := w.status("crm", "a")
	if got.State != o.state || resultsOf(got) != o.attempts || got.Tries != len(got.Attempts) {
		w.t.Errorf("state %s, %d tries %q; want %s, %q", got.State, got.Tries, resultsOf(got), o.state, o.attempts)
	}
	o.checkDue(w, got)
	o.checkLetter(w)
	if open := r.client.State() == outbound.Open; open != o.counts {
		w.t.Errorf("the breaker is open: %v, want %v", open, o.counts)
	}
	p := w.spool.PauseOf("crm")
	if o.paused == 0 && p != (spool.Pause{}) || o.paused > 0 && (p.By != spool.BySink || p.Until.Sub(begun).Round(time.Millisecond) != o.paused) {
		w.t.Errorf("paused until %v by %q, want %v after %v", p.Until, p.By, o.paused, begun)
	}
	if now, _ := r.store.holds(); now != 0 {
		w.t.Errorf("%d deliveries are neither reported nor given back", now)
	}
}

func (o outcome) checkDue(w *world, got spool.DeliveryStatus) {
	w.t.Helper()
	if o.after == 0 {
		if !got.DueAt.IsZero() && got.State == "waiting" {
			w.t.Errorf("an attempt is planned for %v", got.DueAt)
		}
		return
	}
	last := got.Attempts[len(got.Attempts)-1]
	if wait := got.DueAt.Sub(last.At) - time.Duration(last.Millis)*time.Millisecond; wait.Round(time.Millisecond) != o.after {
		w.t.Errorf("the next attempt is %v after this one, want %v", wait, o.after)
	}
	if last.NextAt == nil || !last.NextAt.Truncate(time.Millisecond).Equal(got.DueAt.Time) {
		w.t.Errorf("the attempt tells %v as the next one, want %v", last.NextAt, got.DueAt)
	}
}

func (o outcome) checkLetter(w *world) {
	w.t.Helper()
	letters := w.letters("crm")
	if o.reason == "" {
		if len(letters) != 0 {
			w.t.Errorf("dead letters %+v, want none", letters)
		}
		return
	}
	if len(letters) != 1 || letters[0].Reason != o.reason || letters[0].Attempts != 1 || letters[0].CallID != "test:a" || letters[0].Detail == "" {
		w.t.Errorf("dead letters %+v, want one of reason %s", letters, o.reason)
	}
}

func resultsOf(d spool.DeliveryStatus) string {
	var all []string
	for _, a := range d.Attempts {
		all = append(all, a.Result)
	}
	return strings.Join(all, " ")
}

func TestAttemptsAreKept(t *testing.T) {
	bubble(t, func(w *world) {
		begun := time.Now()
		w.start("crm", setup{timeout: time.Second}, script(reply{status: 502, took: 30 * time.Millisecond}, reply{err: errWire}, reply{hang: true}, fine))
		w.accept("crm", "a")
		w.sleep(time.Minute)
		got := w.status("crm", "a")
		if got.State != "delivered" || resultsOf(got) != "unwell connect timeout delivered" {
			t.Fatalf("%s after %q", got.State, resultsOf(got))
		}
		first := got.Attempts[0]
		if !first.At.Equal(begun) || first.Millis != 30 || first.Status != 502 || first.Detail != "502 Bad Gateway: said" {
			t.Errorf("first attempt %+v", first)
		}
		if a := got.Attempts[2]; a.Status != 0 || a.Millis != 1000 || !strings.Contains(a.Detail, "timeout") {
			t.Errorf("third attempt %+v", a)
		}
		if last := got.Attempts[3]; last.Status != 200 || last.NextAt != nil {
			t.Errorf("last attempt %+v", last)
		}
		for i, a := range got.Attempts[1:] {
			// The waits are 5, 10, 20 s, halved; the reports are in the file with milliseconds.
			end := got.Attempts[i].At.Add(time.Duration(got.Attempts[i].Millis) * time.Millisecond)
			if wait := a.At.Sub(end); wait < firstWait<<i || wait > firstWait<<i+commit {
				t.Errorf("wait %d was %v", i, wait)
			}
		}
	})
}

func TestQuickTriesCountAsAttemptsButOneStepOfTheSchedule(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{quick: 2, BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 100}}, always(sick))
		w.accept("crm", "a")
		w.sleep(2*time.Second + commit) // the quick tries, not the first wait
		if got := w.status("crm", "a"); r.sink.got() != 3 || got.Tries != 3 || resultsOf(got) != "unwell unwell unwell" {
			t.Fatalf("%d requests, %d tries %q", r.sink.got(), got.Tries, resultsOf(got))
		}
		w.sleep(firstWait + 2*time.Second)
		got := w.status("crm", "a")
		last := got.Attempts[len(got.Attempts)-1]
		if wait := got.DueAt.Sub(last.At); got.Tries != 6 || wait.Round(10*time.Millisecond) != 2*firstWait {
			t.Errorf("after %d tries the wait is %v, want %v", got.Tries, wait, 2*firstWait)
		}
	})
}

func TestRenderErrorIsNoFaultOfTheLane(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{texts: map[string]error{"b": errors.New("no such key")}}, always(fine))
		w.accept("crm", "a", "b", "c")
		w.sleep(commit)
		w.isState("crm", "delivered", "a", "c")
		w.isState("crm", "dead_letter", "b")
		if letters := w.letters("crm"); len(letters) != 1 || letters[0].Detail != "no such key" || letters[0].Attempts != 1 {
			t.Errorf("%+v", letters)
		}
		if r.client.State() != outbound.Closed {
			t.Error("the breaker counted it")
		}
	})
}
