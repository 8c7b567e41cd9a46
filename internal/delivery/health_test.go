package delivery

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestHealth: a lane says what its sink answered last and since when it fails, and
// forgets that when it delivers.
func TestHealth(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{quick: 1, texts: map[string]error{"odd": errors.New("no field phone")}}, always(reply{status: 503, took: time.Second}))
		if h := r.Health(); h.LastFailure != nil || h.Recent.Day.Total != 0 || !h.FailingSince.IsZero() {
			t.Errorf("at the start: %+v", h)
		}
		w.accept("crm", "a")
		w.sleep(2 * time.Second)
		w.accept("crm", "b")
		w.sleep(time.Minute)
		h := r.Health()
		f := h.LastFailure
		if f == nil || f.Result != "unwell" || f.Status != 503 || f.Detail != "503 Service Unavailable: said" || f.Revision != 1 || !strings.HasPrefix(f.CallID, "test:") {
			t.Fatalf("the last failure: %+v", f)
		}
		if h.Failures < 2 || h.Refusals != 0 || !h.DeliveredAt.IsZero() || h.FailingSince.IsZero() || h.FailingSince.After(f.At) {
			t.Errorf("%+v", h)
		}
		if n := h.Recent.FiveMinutes; n.Total != r.sink.got() || n.Of["unwell"] != n.Total || n.P50 < 800*time.Millisecond || n.P50 > 1200*time.Millisecond {
			t.Errorf("%d requests came: %+v", r.sink.got(), n)
		}

		r.sink.becomes(fine)
		w.sleep(15 * time.Minute)
		h = r.Health()
		if !h.FailingSince.IsZero() || h.Failures != 0 || h.DeliveredAt.IsZero() || h.LastFailure == nil || h.Recent.Hour.Of["delivered"] != 2 {
			t.Errorf("delivered: %+v", h)
		}

		r.sink.becomes(reply{status: 422})
		w.accept("crm", "c", "odd")
		w.sleep(time.Minute)
		h = r.Health()
		if h.Failures != 2 || h.Refusals != 2 || h.Recent.FiveMinutes.Of["rejected"] != 1 || h.Recent.FiveMinutes.Of["render"] != 1 {
			t.Errorf("refused: %+v", h)
		}
	})
}

// TestStepsThatWorkAreNoDeliveries: where a lookup works and the write behind it does
// not, nothing is counted as delivered.
func TestStepsThatWorkAreNoDeliveries(t *testing.T) {
	found := outbound.Try{Meaning: outbound.Delivered, Duration: time.Second}
	failed := outbound.Try{Meaning: outbound.Unwell, Duration: time.Second}
	for _, tt := range []struct {
		tries []outbound.Try
		end   outbound.Meaning
		want  map[string]int
	}{
		{[]outbound.Try{found, found}, outbound.Delivered, map[string]int{"delivered": 1}},
		{[]outbound.Try{found, failed, failed}, outbound.Unwell, map[string]int{"unwell": 2}},
		{[]outbound.Try{found, failed, found}, outbound.Delivered, map[string]int{"unwell": 1, "delivered": 1}},
		{[]outbound.Try{found}, outbound.BreakerOpen, map[string]int{}},
		{nil, outbound.Delivered, map[string]int{}}, // nothing had to be asked
		{nil, outbound.Canceled, map[string]int{}},
	} {
		h := newHealth()
		h.count(outbound.Outcome{Tries: tt.tries, Verdict: outbound.Verdict{Meaning: tt.end}})
		got := h.recent.Counts().Day
		if !maps.Equal(got.Of, tt.want) || len(tt.tries) > 0 && got.P50 == 0 {
			t.Errorf("%v: %+v, want %v", tt, got, tt.want)
		}
	}
}

// TestHealthHoldsNoNumber: what a lane remembers of an answer names nobody, and is
// bounded.
func TestHealthHoldsNoNumber(t *testing.T) {
	d := &spool.Delivery{Record: &call.Record{ID: "test:a", Revision: 2, From: call.Party{Raw: "081234567890", Number: "+6281234567890"}}}
	f := failureOf(d, time.Now(), "rejected", "422: "+strings.Repeat("x", maxFailureDetail-12)+" 6281234567890")
	other := failureOf(d, time.Now(), "rejected", "409: the same as 6281351111451, ticket 77012")
	if other.Detail != "409: the same as 628********51, ticket 77012" {
		t.Errorf("of another call: %s", other.Detail)
	}
	if strings.Contains(f.Detail, "628123") || len(f.Detail) > maxFailureDetail {
		t.Errorf("%d bytes: %s", len(f.Detail), f.Detail)
	}
}

// TestNotBefore: the time of the next try is that of the breaker's probe, of the next
// opinion on a pause, and of the end of a pause that is everybody's.
func TestNotBefore(t *testing.T) {
	in := func(t *testing.T, r *rig, want time.Duration) {
		t.Helper()
		at := r.NotBefore()
		if want == 0 && at.IsZero() {
			return
		}
		if d := time.Until(at); d < want-time.Second || d > want+time.Second {
			t.Errorf("in %v, want %v", d, want)
		}
	}
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, always(sick))
		in(t, r, 0)
		w.flood("crm", 20)
		w.sleep(time.Millisecond)
		in(t, r, 30*time.Second)
		w.sleep(10 * time.Second)
		in(t, r, 20*time.Second)
	})
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, always(asks(429, "300")))
		w.accept("crm", "a")
		w.sleep(time.Millisecond)
		in(t, r, 2*time.Second)
		w.flood("crm", 30)
		w.sleep(100 * time.Second) // every opinion is asked to wait, until that is a limit
		if r.NotBefore().IsZero() {
			t.Error("the lane rests, and says that it does not")
		}
	})
}

// TestTheOpeningSaysWhy: the one line of the log names the last failure, what was sent,
// when it is tried again, and how many wait; no number of the call.
func TestTheOpeningSaysWhy(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, always(reply{status: 503, took: time.Second})) // all have come by then
		w.flood("crm", 24)
		w.sleep(10 * time.Second)
		if r.client.State() != outbound.Open {
			t.Fatal("the breaker is not open")
		}
		line := w.log.line("the breaker opened")
		for _, want := range []string{
			`failure="503 Service Unavailable: said"`, "result=unwell", "call.id=test:crm-0000", "next_try=", "waiting=24",
			"request_method=POST", "request_url=https://sink.example.com/calls", "request_body=crm-0000",
		} {
			if !strings.Contains(line, want) {
				t.Errorf("%s is not in the line\n%s", want, line)
			}
		}
		if n := w.log.count("the breaker opened"); n != 1 {
			t.Errorf("logged %d times", n)
		}
	})
	l := &Lane{name: "crm", deps: Deps{Client: shut{}, Store: stub{}}}
	var log safeBuffer
	l.log = loggerTo(&log)
	d := &spool.Delivery{Record: &call.Record{ID: "test:a", From: call.Party{Number: "+6281234567890"}}}
	sent := &outbound.Sent{Method: "POST", URL: "https://crm.example.com/6281234567890", Body: `{"phone":"081234567890"}` + "\x1b[31m"}
	l.opened(d, outbound.Outcome{Verdict: outbound.Verdict{Meaning: outbound.Unwell, Detail: "500: not 6281234567890"}, Tries: []outbound.Try{{Sent: sent}}})
	if line := log.line("the breaker opened"); line == "" || strings.Contains(line, "81234567890") || strings.Contains(line, "x1b") {
		t.Errorf("the line: %s", line)
	}
	l.opened(d, outbound.Outcome{})
	if n := log.count("the breaker opened"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

// shut is a client whose breaker is open, stub a store of which only the number of
// waiting deliveries is asked.
type (
	shut struct{ Exchanger }
	stub struct{ Store }
)

func (shut) ReadyAt() time.Time   { return time.Now() }
func (stub) Waiting(string) int64 { return 1 }

// TestHealthSurvivesAReload: a lane that replaces another goes on with what it knew.
func TestHealthSurvivesAReload(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, always(reply{status: 422}))
		for i := range 3 {
			w.accept("crm", fmt.Sprint(i))
		}
		w.sleep(time.Second)
		next := w.lane("crm", setup{}, r.sink)
		next.Succeed(r.Lane)
		if h := next.Health(); h.Refusals != 3 || h.Recent.Day.Total != 3 || h.LastFailure == nil {
			t.Errorf("%+v", h)
		}
		next.client.Close()
	})
}
