package operate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tally"
)

// recent counts results as a lane does.
func recent(results ...string) *operate.Recent {
	c := tally.New("delivered", "rejected", "unwell")
	for _, r := range results {
		c.Add(r, 100*time.Millisecond)
	}
	return operate.RecentOf(c.Counts(), "delivered")
}

// server has one sink, which crm is in the spool.
func (r *rig) server(s operate.Sink) {
	s.Name, s.Kind, s.Configured = "crm", "webhook", true
	if s.Breaker == "" {
		s.Breaker = "closed"
	}
	r.deps.Server = func() operate.Server { return operate.Server{Sinks: []operate.Sink{s}} }
}

func (r *rig) sink() operate.Sink {
	r.t.Helper()
	s, err := r.operator().Sink(r.t.Context(), "crm")
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func failure(ago time.Duration) *operate.SinkFailure {
	return &operate.SinkFailure{At: call.At(time.Now().Add(-ago)), CallID: "dialer:x", Revision: 1, Result: "unwell", Status: 503, Detail: "503 Service Unavailable: maintenance until 12:00"}
}

// TestSinkStates: what a sink is like follows from what it answered lately; one that
// takes nothing is never well.
func TestSinkStates(t *testing.T) {
	r := newRig(t)
	if err := r.spool.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	many := slices.Repeat([]string{"delivered"}, 50)
	for name, tt := range map[string]struct {
		sink operate.Sink
		want string
	}{
		"nothing yet":                     {operate.Sink{Recent: recent()}, "idle"},
		"delivered":                       {operate.Sink{Recent: recent("delivered")}, "well"},
		"one of many was refused":         {operate.Sink{Recent: recent(append(many, "rejected")...), Failures: 1, Refusals: 1}, "well"},
		"the only one was refused":        {operate.Sink{Recent: recent("rejected"), Failures: 1, Refusals: 1}, "refusing"},
		"the last five were refused":      {operate.Sink{Recent: recent(many...), Failures: 5, Refusals: 5}, "refusing"},
		"the last five failed":            {operate.Sink{Recent: recent(many...), Failures: 5, Refusals: 4}, "failing_for_all"},
		"the only one failed":             {operate.Sink{Recent: recent("unwell"), Failures: 1}, "failing_for_all"},
		"the breaker is open":             {operate.Sink{Recent: recent("unwell"), Failures: 9, Breaker: "open"}, "breaker_open"},
		"the breaker is half open":        {operate.Sink{Recent: recent("unwell"), Failures: 9, Breaker: "half_open"}, "breaker_half_open"},
		"the server does not count it so": {operate.Sink{}, "well"},
	} {
		r.server(tt.sink)
		s := r.sink()
		if s.State != tt.want || !strings.HasPrefix(s.Summary, operate.Words(tt.want)) {
			t.Errorf("%s: %s, %q, want %s", name, s.State, s.Summary, tt.want)
		}
	}
	for _, state := range operate.SinkStates() {
		if operate.Words(state) == strings.ReplaceAll(state, "_", " ") || operate.Tone(state) == "" || (operate.Tone(state) == "bad" && operate.Advice(state) == "") {
			t.Errorf("%s has no words, no tone or no advice", state)
		}
	}
	if _, err := r.operator().Sink(t.Context(), "nobody"); !errors.Is(err, operate.ErrNotFound) {
		t.Errorf("a sink that is not there: %v", err)
	}
}

// TestSinkSummary: the sentence has the last failure, the next try and how many wait.
func TestSinkSummary(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	for _, id := range []string{"b", "c"} {
		if _, err := r.spool.Accept(t.Context(), acceptance(id)); err != nil {
			t.Fatal(err)
		}
	}
	next := time.Now().Add(12*time.Second + 500*time.Millisecond)
	r.server(operate.Sink{Breaker: "open", Failures: 5, Recent: recent("unwell"), LastFailure: failure(40 * time.Second), NotBefore: next})
	s := r.sink()
	if want := "Breaker open: 503 Service Unavailable: maintenance until 12:00, 40 s ago; next try in 12 s; 2 wait"; s.Summary != want {
		t.Errorf("%q, want %q", s.Summary, want)
	}
	if !s.NextTryAt.Equal(call.At(next).Time) || s.DeadLettersByReason["rejected"] != 1 {
		t.Errorf("next try %v, want %v; dead letters %v", s.NextTryAt, next, s.DeadLettersByReason)
	}
	r.server(operate.Sink{Recent: recent("delivered"), LastFailure: failure(time.Hour)})
	if s := r.sink(); s.Summary != "Well; 2 wait" {
		t.Errorf("well again: %q", s.Summary)
	}
	if _, err := r.operator().Pause(t.Context(), "crm", operate.PauseRequest{}); err != nil {
		t.Fatal(err)
	}
	r.server(operate.Sink{Breaker: "open", LastFailure: failure(time.Second), NotBefore: next})
	if s := r.sink(); s.State != "paused_by_operator" || !s.NextTryAt.IsZero() || s.Summary != "Paused by an operator; 2 wait" {
		t.Errorf("paused: %s %v %q", s.State, s.NextTryAt, s.Summary)
	}
	if _, err := r.operator().Pause(t.Context(), "crm", operate.PauseRequest{For: "90m", Reason: "the CRM moves"}); err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(90 * time.Minute)
	if s := r.sink(); s.NextTryAt.Sub(ends).Abs() > time.Minute || s.Summary != "Paused by an operator: the CRM moves; next try in 1 h 29 min; 2 wait" {
		t.Errorf("paused for 90 minutes: %v %q", s.NextTryAt, s.Summary)
	}
	page, err := r.operator().Sinks(t.Context())
	if err != nil || len(page.Items) != 1 || page.Items[0].State != "paused_by_operator" {
		t.Errorf("%+v %v", page, err)
	}
}

// TestNextTryIsWhatIsPlanned: where all that waits has failed before, the next try is
// that of the schedule, but not before the breaker's probe.
func TestNextTryIsWhatIsPlanned(t *testing.T) {
	r := newRig(t)
	due := time.Now().Add(time.Minute).Truncate(time.Millisecond)
	r.fail("a", due, spool.Sent{})
	r.server(operate.Sink{})
	if s := r.sink(); !s.NextTryAt.Equal(due) {
		t.Errorf("next try %v, want %v", s.NextTryAt, due)
	}
	probe := due.Add(time.Minute)
	r.server(operate.Sink{Breaker: "open", NotBefore: probe})
	if s := r.sink(); !s.NextTryAt.Equal(probe) {
		t.Errorf("next try %v, want that of the probe %v", s.NextTryAt, probe)
	}
	r.server(operate.Sink{Breaker: "open", NotBefore: due.Add(-time.Second)})
	if s := r.sink(); !s.NextTryAt.Equal(due) {
		t.Errorf("next try %v, want the plan %v", s.NextTryAt, due)
	}
}

// fail has the first attempt of a new call fail, and its next one planned.
func (r *rig) fail(id string, due time.Time, sent spool.Sent) spool.Attempt {
	r.t.Helper()
	ctx := r.t.Context()
	if err := r.spool.SetLanes(ctx, []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		r.t.Fatal(err)
	}
	a := acceptance(id)
	a.Record.From = call.Party{Raw: "081234567890", Number: "+6281234567890"}
	if _, err := r.spool.Accept(ctx, a); err != nil {
		r.t.Fatal(err)
	}
	leased, err := r.spool.Lease(ctx, "crm", spool.Places{Limit: 1, Doubtful: 1})
	if err != nil || len(leased) != 1 {
		r.t.Fatalf("leased %d: %v", len(leased), err)
	}
	tried := spool.Attempt{At: time.Now().UTC(), Result: "unwell", Status: 503, Request: &sent, Headers: map[string]string{"Retry-After": "081234567890"}}
	if err := r.spool.Retry(leased[0], []spool.Attempt{tried}, due, spool.History{Spent: 1}); err != nil {
		r.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if c, err := r.spool.Call(ctx, a.Record.ID); err == nil && len(c.Deliveries) == 1 && c.Deliveries[0].Tries == 1 {
			return tried
		}
	}
	r.t.Fatal("no attempt was kept")
	return tried
}

// TestTheRequestIsThatOfTheCall: what was sent comes from the call that failed, without
// its numbers, and goes with it.
func TestTheRequestIsThatOfTheCall(t *testing.T) {
	r := newRig(t)
	tried := r.fail("a", time.Now().Add(time.Hour), spool.Sent{Method: "POST", URL: "https://crm.example.com/6281234567890", Body: `{"phone":"081234567890","id":7}`})
	f := failure(0)
	f.At, f.CallID = call.At(tried.At), call.NewID("dialer", "a")
	r.server(operate.Sink{Failures: 1, LastFailure: f})
	got := r.sink().LastFailure
	if got.Request == nil || got.Request.Method != "POST" || !strings.Contains(got.Request.Body, `"id":7`) || got.Headers["Retry-After"] == "" {
		t.Fatalf("%+v", got)
	}
	if all := got.Request.URL + got.Request.Body + got.Headers["Retry-After"]; strings.Contains(all, "81234567890") {
		t.Errorf("the number is shown: %s", all)
	}
	if f.Request != nil {
		t.Error("what the server knows was changed")
	}
	f.CallID = "dialer:gone"
	if got := r.sink().LastFailure; got == nil || got.Request != nil {
		t.Errorf("a call that is gone: %+v", got)
	}
}

// TestACallSaysWhyItWaits: the state of its sink with the last failure, its own plan, or
// its turn; and when it is tried.
func TestACallSaysWhyItWaits(t *testing.T) {
	r := newRig(t)
	due := time.Now().Add(time.Minute).Truncate(time.Millisecond)
	r.fail("a", due, spool.Sent{})
	if _, err := r.spool.Accept(t.Context(), acceptance("b")); err != nil {
		t.Fatal(err)
	}
	wait := func(id string) operate.Wait {
		t.Helper()
		c, err := r.operator().Call(t.Context(), call.NewID("dialer", id))
		if err != nil || len(c.Deliveries) != 1 || c.Deliveries[0].Wait == nil {
			t.Fatalf("%+v %v", c.Deliveries, err)
		}
		return *c.Deliveries[0].Wait
	}
	is := func(id, state, why string, next time.Time) {
		t.Helper()
		if w := wait(id); w.For != state || !strings.Contains(w.Why, why) || !w.NextTryAt.Equal(next) {
			t.Errorf("%s: %+v, want %s at %v with %q", id, w, state, next, why)
		}
	}
	r.server(operate.Sink{Recent: recent("delivered")})
	is("a", "retry", "Waits for its next attempt", due)
	is("b", "turn", "Waits for its turn", time.Time{})
	probe := due.Add(time.Minute)
	down := operate.Sink{Breaker: "open", Failures: 5, LastFailure: failure(40 * time.Second), NotBefore: probe}
	r.server(down)
	is("a", "breaker_open", "The sink's last failure: 503 Service Unavailable: maintenance until 12:00, 40 s ago", probe)
	is("b", "breaker_open", "Breaker open", probe)
	down.NotBefore = due.Add(-time.Second)
	r.server(down)
	is("a", "breaker_open", "Breaker open", due)
	r.server(operate.Sink{NotBefore: probe})
	is("b", "paused_by_sink", "Paused by the sink", probe)
	if _, err := r.operator().Pause(t.Context(), "crm", operate.PauseRequest{}); err != nil {
		t.Fatal(err)
	}
	r.server(down)
	is("b", "paused_by_operator", "Paused by an operator", time.Time{})
	pause, err := r.operator().Pause(t.Context(), "crm", operate.PauseRequest{For: "2h"})
	if err != nil {
		t.Fatal(err)
	}
	is("b", "paused_by_operator", "Paused by an operator", pause.Until.Time)
}

func TestWindows(t *testing.T) {
	w := recent("delivered", "delivered", "delivered", "rejected").FiveMinutes
	if w.Total != 4 || w.SuccessRate == nil || *w.SuccessRate != 0.75 || w.Results["rejected"] != 1 || w.Latency == nil || w.Latency.P50 < 80 || w.Latency.P99 > 120 {
		t.Errorf("%+v %+v", w, w.Latency)
	}
	if w := recent().Day; w.SuccessRate != nil || w.Latency != nil || w.Since.IsZero() {
		t.Errorf("of nothing: %+v", w)
	}
}
