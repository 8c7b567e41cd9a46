package delivery

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// stepper makes three requests of a call: it finds, writes unless it has written
// before, and links.
type stepper struct {
	// of returns other steps for a call; nil for these.
	of func(key string) []string
}

func (s stepper) Series(_ string, r *call.Record, remembered map[string]string) outbound.Series {
	key, names := strings.TrimPrefix(r.ID, "test:"), []string{"find", "write", "link"}
	switch {
	case s.of != nil:
		names = s.of(key)
	case remembered["write"] != "":
		names = []string{"find", "link"}
	}
	return &steps{key: key, names: names}
}

type steps struct {
	key   string
	names []string
	kept  map[string]string
	ended int
}

func (s *steps) Next() (outbound.Turn, error) {
	if len(s.names) == 0 {
		return outbound.Turn{}, nil
	}
	return outbound.Turn{Request: &outbound.Request{
		Name: s.names[0], Method: http.MethodPost, URL: "https://sink.example.com/calls", FixedURL: true, Incidental: s.names[0] == "find",
		Body: fmt.Appendf(nil, "%s/%s", s.key, s.names[0]),
	}}, nil
}

func (s *steps) Advance() {
	if s.names[0] == "write" {
		s.kept = map[string]string{"write": "1"}
	}
	s.names = s.names[1:]
}

func (s *steps) Kept() map[string]string { return s.kept }
func (s *steps) End(outbound.Meaning)    { s.ended++ }

// stepLane makes a lane of stepper that is started.
func (w *world) stepLane(s setup, to *sink) *rig { return w.stepLaneOf(s, to, nil) }

// stepLaneOf makes one whose calls take the steps that of returns.
func (w *world) stepLaneOf(s setup, to *sink, of func(key string) []string) *rig {
	w.t.Helper()
	r := w.lane("crm", s, to)
	r.deps.Renderer = stepper{of}
	r.run()
	return r
}

// answersTo answers by what is asked; all else is fine.
func answersTo(all map[string]reply) *sink {
	return answers(func(_ int, body string) reply {
		if a, ok := all[body]; ok {
			return a
		}
		return fine
	})
}

func TestARefusedStepDecides(t *testing.T) {
	bubble(t, func(w *world) {
		w.metrics.Watch("crm")
		w.metrics.WatchSteps("crm", []string{"find", "write", "link"}, nil)
		to := answersTo(map[string]reply{"a/link": {status: 422}})
		w.stepLane(setup{}, to)
		w.accept("crm", "a", "b")
		w.sleep(time.Second)
		w.isState("crm", "dead_letter", "a")
		w.isState("crm", "delivered", "b")
		got := w.status("crm", "a")
		var names []string
		for _, a := range got.Attempts {
			names = append(names, a.Step+" "+a.Result)
		}
		if diff := cmp.Diff([]string{"find delivered", "write delivered", "link rejected"}, names); diff != "" {
			w.t.Error(diff)
		}
		if detail := w.letters("crm")[0].Detail; !strings.HasPrefix(detail, "step link: 422") {
			w.t.Errorf("the dead letter says %q", detail)
		}
		if diff := cmp.Diff(map[string]string{"write": "1"}, got.Remembered); diff != "" {
			w.t.Error(diff)
		}
		if n := testutil.ToFloat64(w.metrics.steps.WithLabelValues("crm", "link", "rejected")); n != 1 {
			w.t.Errorf("%v refused links were counted", n)
		}

		// Mended and replayed, it is not written again.
		to.becomes(fine)
		if _, _, err := w.spool.Replay(w.t.Context(), []string{w.letters("crm")[0].ID}, time.Now(), 0); err != nil {
			w.t.Fatal(err)
		}
		w.sleep(time.Second)
		w.isState("crm", "delivered", "a")
		if n := strings.Count(to.bodies(), "a/write"); n != 1 {
			w.t.Errorf("it was written %d times", n)
		}
	})
}

// An attempt that wrote is never merely released: not by a stop, nor by a breaker
// that opens, nor by a pause.
func TestWhatWasWrittenIsRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		link reply
		meet func(w *world, r *rig)
	}{
		"stop":   {reply{hang: true}, func(_ *world, r *rig) { r.stop(time.Millisecond) }},
		"pause":  {reply{status: 429, retryAfter: "60"}, func(*world, *rig) {}},
		"unwell": {reply{status: 500}, func(*world, *rig) {}},
		"operator's pause": {reply{hang: true}, func(w *world, r *rig) {
			w.pause("crm", spool.Pause{By: spool.ByOperator})
			r.stop(time.Millisecond)
			w.pause("crm", spool.Pause{})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				to := answersTo(map[string]reply{"a/link": c.link})
				r := w.stepLane(setup{timeout: time.Minute}, to)
				w.accept("crm", "a")
				w.sleep(time.Second)
				c.meet(w, r)
				w.down(time.Minute)
				to.becomes(fine)
				w.stepLane(setup{}, to)
				w.sleep(2 * time.Minute)
				w.isState("crm", "delivered", "a")
				if n := strings.Count(to.bodies(), "a/write"); n != 1 {
					w.t.Errorf("it was written %d times: %s", n, to.bodies())
				}
			})
		})
	}
}

func TestABreakerThatOpensBetweenSteps(t *testing.T) {
	bubble(t, func(w *world) {
		to := answersTo(map[string]reply{
			"a/write": {status: 200, took: 2 * time.Second}, "b/find": {status: 500, took: time.Second},
		})
		w.stepLane(setup{BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: 30 * time.Second}}, to)
		w.accept("crm", "a", "b")
		w.sleep(10 * time.Second)
		if to.bodies() != "a/find a/write b/find" {
			w.t.Errorf("before the probe came %s", to.bodies())
		}
		if got := w.status("crm", "a"); got.State != "waiting" || got.Remembered["write"] != "1" {
			w.t.Errorf("it is %s and remembers %v", got.State, got.Remembered)
		}
		to.becomes(fine)
		w.sleep(2 * time.Minute)
		w.isState("crm", "delivered", "a", "b")
		if n := strings.Count(to.bodies(), "a/write"); n != 1 {
			w.t.Errorf("it was written %d times", n)
		}
	})
}

// A lookup that works does not close the breaker of a write that is down.
func TestALookupIsNoEvidence(t *testing.T) {
	bubble(t, func(w *world) {
		to := answers(func(_ int, body string) reply {
			if strings.HasSuffix(body, "/find") {
				return fine
			}
			return sick
		})
		r := w.stepLane(setup{BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 3, OpenFor: time.Minute}}, to)
		w.accept("crm", "a", "b", "c", "d", "e")
		w.sleep(10 * time.Minute)
		if s := r.client.State(); s == outbound.Closed {
			w.t.Error("the breaker is closed")
		}
		if n := to.got(); n > 2*(5+11) {
			w.t.Errorf("%d requests in ten minutes", n)
		}
		to.becomes(fine)
		w.sleep(time.Hour)
		w.isState("crm", "delivered", "a", "b", "c", "d", "e")
	})
}

// A call that asks nothing of the sink, or only looks something up, is delivered and
// shows nothing: others that fail while the sink is down are not in doubt for it.
func TestADeliveryWithoutAWriteIsNoEvidence(t *testing.T) {
	for what, names := range map[string][]string{"nothing": nil, "a lookup": {"find"}} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(w *world) {
				to := answers(func(_ int, body string) reply {
					if strings.HasSuffix(body, "/find") {
						return fine
					}
					return sick
				})
				doubts := Settings{Retry: RetrySettings{DoubtfulAttempts: 3}}
				r := w.stepLaneOf(setup{Settings: doubts}, to, func(key string) []string {
					if key == "a" {
						return []string{"find", "write"}
					}
					return names
				})
				w.accept("crm", "a")
				for i := range 30 {
					w.sleep(10 * time.Minute)
					w.accept("crm", fmt.Sprint("other", i))
				}
				w.sleep(time.Hour)
				w.isState("crm", "waiting", "a")
				w.isState("crm", "delivered", "other0", "other29")
				if h := r.Health(); h.FailingSince.IsZero() || !h.DeliveredAt.IsZero() {
					w.t.Errorf("%+v", h)
				}
			})
		})
	}
}

// The rate counts requests, and what has begun goes on before what has not.
func TestRateOfSteps(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(fine)
		w.stepLane(setup{Settings: Settings{Rate: &outbound.Rate{PerSecond: 1, Burst: 1}}}, to)
		w.accept("crm", "a", "b", "c")
		w.sleep(20 * time.Second)
		seen := to.seen()
		if len(seen) != 9 {
			w.t.Fatalf("%d requests", len(seen))
		}
		for i := 1; i < len(seen); i++ {
			if d := seen[i].at.Sub(seen[i-1].at); d < 990*time.Millisecond {
				w.t.Errorf("request %d came %v after the one before", i, d)
			}
		}
		if to.bodies() != "a/find a/write a/link b/find b/write b/link c/find c/write c/link" {
			w.t.Errorf("the order is %s", to.bodies())
		}
	})
}

// A lane that settles delivers the newest of several revisions, over a pause too.
func TestSettle(t *testing.T) {
	bubble(t, func(w *world) {
		w.metrics.Watch("crm")
		to := always(fine)
		r := w.lane("crm", setup{}, to)
		settling := []spool.LaneConfig{{Sink: "crm", GiveUpAfter: defaultGiveUpAfter, LongestWait: time.Hour, Settle: time.Minute}}
		if err := w.spool.SetLanes(w.t.Context(), settling); err != nil {
			w.t.Fatal(err)
		}
		r.run()
		w.push("a", "one", "crm")
		w.sleep(30 * time.Second)
		w.push("a", "two", "crm")
		w.push("b", "one", "crm")
		w.sleep(59 * time.Second)
		if to.got() != 0 {
			w.t.Errorf("before its time came %s", to.bodies())
		}
		w.sleep(2 * time.Second)
		if to.bodies() != "a/2 b/1" && to.bodies() != "b/1 a/2" {
			w.t.Errorf("there came %s", to.bodies())
		}
		if n := testutil.ToFloat64(w.metrics.deliveries.WithLabelValues("crm", resultSuperseded)); n != 1 {
			w.t.Errorf("%v superseded deliveries were counted", n)
		}
		w.pause("crm", spool.Pause{By: spool.ByOperator})
		w.push("c", "one", "crm")
		w.sleep(2 * time.Minute)
		w.push("c", "two", "crm")
		w.sleep(30 * time.Second)
		w.pause("crm", spool.Pause{})
		w.sleep(29 * time.Second)
		if to.got() != 2 {
			w.t.Errorf("after the pause came %s", to.bodies())
		}
		w.sleep(time.Minute)
		w.isState("crm", "delivered", "c")
		if to.got() != 3 {
			w.t.Errorf("in the end came %s", to.bodies())
		}
	})
}
