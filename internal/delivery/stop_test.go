package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestStopLetsAttemptsFinish(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(reply{status: 200, took: 3 * time.Second})
		r := w.start("crm", setup{}, to)
		w.flood("crm", 40)
		w.sleep(time.Second)
		begun := time.Now()
		r.stop(10 * time.Second)
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("the stop took %v, want the rest of the attempts", took)
		}
		if to.got() != defaultConcurrency {
			t.Errorf("%d requests: some began after the stop", to.got())
		}
		if now, _ := r.store.holds(); now != 0 || r.Busy() != 0 {
			t.Errorf("%d deliveries held, %d busy after the stop", now, r.Busy())
		}
		w.down(0)
		w.isWaiting("crm", 40-defaultConcurrency)
	})
}

func TestStopCutsAttemptsOffAfterTheGrace(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(reply{hang: true})
		r := w.start("crm", setup{timeout: 5 * time.Minute}, to)
		w.flood("crm", 40)
		w.sleep(time.Second)
		begun := time.Now()
		r.stop(10 * time.Second)
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("the stop took %v, want the grace", took)
		}
		w.down(0)
		w.isWaiting("crm", 40)
		for i := range 40 {
			if got := w.status("crm", fmt.Sprintf("crm-%06d", i)); got.State != "waiting" || got.Tries != 0 || !got.DueAt.IsZero() {
				t.Errorf("%+v: being cut off is no attempt", got)
			}
		}
		if r.client.State() != outbound.Closed {
			t.Error("the breaker counted our own stop")
		}
		w.start("crm", setup{}, always(fine))
		w.sleep(5 * time.Second)
		w.isWaiting("crm", 0)
	})
}

// A stop finds the lane wherever it may be, and ends it at once when nothing is
// on its way.
func TestStopAnywhere(t *testing.T) {
	states := map[string]func(w *world) *rig{
		"idle": func(w *world) *rig { return w.start("crm", setup{}, always(fine)) },
		"open breaker": func(w *world) *rig {
			r := w.start("crm", setup{}, always(sick))
			w.flood("crm", 50)
			return r
		},
		"pause": func(w *world) *rig {
			r := w.start("crm", setup{}, always(reply{status: 429, retryAfter: "3600"}))
			w.flood("crm", 50)
			return r
		},
		"schedule": func(w *world) *rig {
			r := w.start("crm", setup{Settings: Settings{Retry: RetrySettings{First: time.Minute}}}, always(sick))
			w.accept("crm", "a")
			return r
		},
		"rate": func(w *world) *rig {
			r := w.start("crm", setup{Settings: Settings{Rate: &outbound.Rate{PerSecond: 0.001}}}, always(fine))
			w.flood("crm", 50)
			return r
		},
		"unknown sink": func(w *world) *rig {
			r := w.lane("crm", setup{}, always(fine))
			r.name = "nobody"
			r.run()
			return r
		},
	}
	for name, reach := range states {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				r := reach(w)
				w.sleep(time.Second)
				begun := time.Now()
				r.stop(time.Minute)
				if took := time.Since(begun); took != 0 {
					t.Errorf("the stop took %v", took)
				}
				if now, _ := r.store.holds(); now != 0 {
					t.Errorf("%d deliveries are held after the stop", now)
				}
			})
		})
	}
}

// The probe and a batch that waits for a worker are left without being sent.
func TestStopInTheProbe(t *testing.T) {
	bubble(t, func(w *world) {
		s := setup{BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: time.Second}, timeout: time.Minute}
		s.Retry.GiveUpAfter = time.Second
		r := w.start("crm", s, script(sick, reply{hang: true}))
		w.accept("crm", "a")
		w.sleep(500 * time.Millisecond)
		w.flood("crm", 10)
		w.sleep(10 * time.Second)
		if r.client.State() != outbound.HalfOpen {
			t.Fatal("no probe is on its way")
		}
		r.stop(time.Second)
		w.down(0)
		w.isWaiting("crm", 11)
	})
}

func TestIDsAreStable(t *testing.T) {
	bubble(t, func(w *world) {
		to := script(sick, sick, reply{status: 422}, fine)
		w.start("crm", setup{}, to)
		w.accept("crm", "a")
		w.sleep(commit)
		w.down(time.Hour)
		w.start("crm", setup{}, to)
		w.sleep(time.Minute)
		letters := w.letters("crm")
		if len(letters) != 1 {
			t.Fatalf("%d dead letters", len(letters))
		}
		if _, _, err := w.spool.Replay(w.t.Context(), []string{letters[0].ID}, time.Now(), 0); err != nil {
			t.Fatal(err)
		}
		w.sleep(commit)
		if _, err := w.spool.Resend(w.t.Context(), spool.Resend{CallIDs: []string{"test:a"}, Sinks: []string{"crm"}}); err != nil {
			t.Fatal(err)
		}
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
		seen := to.seen()
		if len(seen) != 5 {
			t.Fatalf("%d requests", len(seen))
		}
		for _, r := range seen {
			if r.id == "" || r.id != seen[0].id || r.header.Get("Idempotency-Key") != r.id || r.body != "a/1" {
				t.Errorf("%q with %v", r.body, r.header)
			}
		}
	})
}

func TestRevisionsInOrder(t *testing.T) {
	bubble(t, func(w *world) {
		to := answers(func(n int, body string) reply {
			if n <= 3 && body == "a/1" {
				return sick
			}
			return fine
		})
		w.start("crm", setup{}, to)
		w.push("a", "one", "crm")
		w.push("a", "two", "crm")
		w.push("b", "one", "crm")
		w.sleep(commit)
		w.push("a", "three", "crm")
		w.isState("crm", "held", "a")
		w.isState("crm", "delivered", "b") // another call is not held up
		w.sleep(2 * time.Minute)
		var of []string
		for _, r := range to.seen() {
			if r.body != "b/1" {
				of = append(of, r.body)
			}
		}
		if got := fmt.Sprint(of); got != "[a/1 a/1 a/1 a/1 a/2 a/3]" && got != "[a/1 a/1 a/1 a/2 a/3]" {
			t.Errorf("attempts %s", got)
		}
		w.isWaiting("crm", 0)
		if p := w.spool.PauseOf("crm"); p != (spool.Pause{}) {
			t.Errorf("%+v", p)
		}
	})
}
