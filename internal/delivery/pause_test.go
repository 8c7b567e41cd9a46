package delivery

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func isPauseOf(prefix string, ra string) func(int, string) reply {
	return func(_ int, body string) reply {
		if strings.HasPrefix(body, prefix) {
			return reply{status: 429, retryAfter: ra}
		}
		return fine
	}
}

// A pause of the account rests the whole lane: opinions are asked after 2, 4, 8
// seconds, until most of the last requests were asked to wait.
func TestPauseOfTheAccount(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(reply{status: 429, retryAfter: "60"})
		r := w.start("crm", setup{Settings: Settings{Concurrency: 1}}, to)
		begun := time.Now()
		for i := range 50 {
			w.accept("crm", fmt.Sprintf("a-%02d", i))
		}
		w.sleep(40 * time.Second)
		var at []time.Duration
		for _, seen := range to.seen() {
			at = append(at, seen.at.Sub(begun).Round(100*time.Millisecond))
		}
		if want := "[0s 2s 6s 14s 30s]"; fmt.Sprint(at) != want {
			t.Errorf("requests after %v, want %s", at, want)
		}
		to.becomes(fine)
		w.sleep(time.Minute)
		w.isWaiting("crm", 0)
		for i := range 5 {
			got := w.status("crm", fmt.Sprintf("a-%02d", i))
			if resultsOf(got) != "paused delivered" {
				t.Errorf("call %d: %s", i, resultsOf(got))
			}
		}
		if n := w.log.count("the sink asked for a pause"); n != 1 {
			t.Errorf("the pause was logged %d times", n)
		}
		if now, _ := r.store.holds(); now != 0 {
			t.Errorf("%d deliveries are held", now)
		}
	})
}

// A pause that only one call meets is its own: the lane rests for 2 seconds, and
// the call waits and ends alone.
func TestPauseOfOneCall(t *testing.T) {
	for _, ra := range []string{"0", "1", "10", "3600"} {
		t.Run(ra, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(w *world) {
				s := setup{Settings: Settings{Concurrency: 1, Retry: RetrySettings{GiveUpAfter: 4 * time.Hour, DoubtfulAttempts: 3}}}
				to := answers(isPauseOf("bad", ra))
				w.start("crm", s, to)
				w.accept("crm", "bad")
				for i := range 50 {
					w.accept("crm", fmt.Sprint("ok-", i))
				}
				w.sleep(3 * time.Second)
				w.isWaiting("crm", 1)
				if p := w.spool.PauseOf("crm"); p != (spool.Pause{}) {
					t.Errorf("the lane is still paused: %+v", p)
				}
				for i := range 5 * 30 {
					w.accept("crm", fmt.Sprint("later-", i))
					w.sleep(2 * time.Minute)
				}
				w.isState("crm", "dead_letter", "bad")
				letters := w.letters("crm")
				if len(letters) != 1 || letters[0].Reason != spool.Failing && letters[0].Reason != spool.Expired {
					t.Errorf("%+v", letters)
				}
			})
		})
	}
}

// The delivery that asked is never the opinion, and where no other waits the
// first that comes is.
func TestOpinionIsTheFirstThatComes(t *testing.T) {
	bubble(t, func(w *world) {
		to := answers(isPauseOf("bad", "600"))
		w.start("crm", setup{}, to)
		w.accept("crm", "bad")
		w.sleep(time.Minute)
		if got := to.bodies(); got != "bad/1" {
			t.Fatalf("requests %s", got)
		}
		w.accept("crm", "a", "b")
		w.sleep(commit)
		w.isState("crm", "delivered", "a", "b")
		w.sleep(8 * time.Minute)
		if got := to.got(); got != 3 {
			t.Errorf("%s: the call that asked was tried before its time", to.bodies())
		}
	})
}

// A single call that is asked to wait for ever, with no other call in its lane,
// is tried less and less often, and ends.
func TestPauseForEverEnds(t *testing.T) {
	for _, status := range []int{429, 503} {
		bubble(t, func(w *world) {
			s := giveUp()
			to := always(reply{status: status, retryAfter: "0"})
			w.start("crm", s, to)
			w.accept("crm", "a")
			w.sleep(5 * time.Minute)
			if n := to.got(); n > 16 {
				t.Errorf("%d requests in 5 minutes", n)
			}
			w.sleep(6 * time.Minute)
			w.isState("crm", "dead_letter", "a")
			if l := w.letters("crm"); len(l) != 1 || l[0].Reason != spool.Expired {
				t.Errorf("%+v", l)
			}
		})
	}
}

// Where everybody is asked to wait, all that is too old ends, not only what was
// tried.
func TestPauseOfTheAccountEndsWhatIsTooOld(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(reply{status: 503, retryAfter: "120"})
		w.start("crm", giveUp(), to)
		w.flood("crm", 300)
		w.sleep(13 * time.Minute)
		w.isWaiting("crm", 0)
		if l := w.letters("crm"); len(l) != 300 || to.got() > 40 {
			t.Errorf("%d dead letters after %d requests", len(l), to.got())
		}
	})
}

func TestPauseIsDurable(t *testing.T) {
	bubble(t, func(w *world) {
		begun := time.Now()
		to := script(reply{status: 503, retryAfter: "1800"}, fine)
		w.start("crm", setup{}, to)
		w.accept("crm", "a")
		w.sleep(commit)
		w.down(20 * time.Minute)
		w.start("crm", setup{}, to)
		w.sleep(9 * time.Minute)
		if to.got() != 1 {
			t.Fatalf("the restart ended the pause")
		}
		w.sleep(time.Minute + commit)
		w.isState("crm", "delivered", "a")
		if at := to.seen()[1].at.Sub(begun); at < 30*time.Minute || at > 30*time.Minute+commit {
			t.Errorf("delivered after %v", at)
		}
	})
}

// All that is on its way when the sink asks for a pause hears the same: one
// pause comes of it, and what was handed out already is not sent.
func TestPauseOfManyAtOnce(t *testing.T) {
	bubble(t, func(w *world) {
		slow := reply{status: 429, retryAfter: "60", took: 50 * time.Millisecond}
		r := w.start("crm", setup{}, always(slow))
		w.flood("crm", 100)
		w.sleep(time.Second)
		if n := r.sink.got(); n != defaultConcurrency {
			t.Errorf("%d requests, want those that were on their way", n)
		}
		if told, made := w.log.count("the sink asked for a pause"), r.store.pauses.Load(); told != 1 || made != 1 {
			t.Errorf("%d pauses were made and %d told", made, told)
		}
		w.sleep(29 * time.Second)
		if n := r.sink.got(); n != lastRequests {
			t.Errorf("%d requests, want opinions until most of %d were asked to wait", n, lastRequests)
		}
		if now, _ := r.store.holds(); now != 0 {
			t.Errorf("%d deliveries are held through the pause", now)
		}
		r.sink.becomes(fine)
		w.sleep(41 * time.Second)
		w.isWaiting("crm", 0)
	})
}

func TestLongerPauseStands(t *testing.T) {
	bubble(t, func(w *world) {
		begun := time.Now()
		w.start("crm", setup{}, answers(func(n int, _ string) reply {
			return reply{status: 429, retryAfter: []string{"600", "60"}[n-1], took: time.Duration(n) * time.Second}
		}))
		w.accept("crm", "a", "b")
		w.sleep(5 * time.Second)
		if p := w.spool.PauseOf("crm"); p.Until.Sub(begun) < 10*time.Minute {
			t.Errorf("the pause ends %v after the beginning", p.Until.Sub(begun))
		}
	})
}

func TestQuickTriesBeforeAPauseAreKept(t *testing.T) {
	bubble(t, func(w *world) {
		w.start("crm", setup{quick: 2}, script(sick, reply{status: 429, retryAfter: "60"}, fine))
		w.accept("crm", "a")
		w.sleep(3 * time.Second)
		if got := w.status("crm", "a"); resultsOf(got) != "unwell paused" || got.Tries != 2 || !got.DueAt.Equal(w.spool.PauseOf("crm").Until.Truncate(time.Millisecond)) {
			t.Errorf("%d tries %q, due %v", got.Tries, resultsOf(got), got.DueAt)
		}
		w.sleep(time.Minute)
		if got := w.status("crm", "a"); got.State != "delivered" || resultsOf(got) != "unwell paused delivered" {
			t.Errorf("%s after %q", got.State, resultsOf(got))
		}
	})
}

func TestOperatorsPauseStandsAboveTheSinks(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, script(reply{status: 429, retryAfter: "60", took: time.Second}, fine))
		w.accept("crm", "a")
		synctest.Wait()
		w.pause("crm", spool.Pause{By: spool.ByOperator})
		w.sleep(5 * time.Minute)
		if p := w.spool.PauseOf("crm"); p.By != spool.ByOperator || r.sink.got() != 1 {
			t.Fatalf("paused by %q, %d requests", p.By, r.sink.got())
		}
		to := r.sink
		w.down(48 * time.Hour)
		r = w.start("crm", setup{}, to)
		w.sleep(5 * time.Minute)
		if to.got() != 1 {
			t.Fatal("the restart ended an operator's pause")
		}
		if n := r.store.leases.Load(); n != 0 {
			t.Errorf("%d leases in an operator's pause", n)
		}
		w.pause("crm", spool.Pause{})
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
	})
}

// An operator may end a pause that the sink asked for.
func TestResumeEndsTheSinksPause(t *testing.T) {
	bubble(t, func(w *world) {
		w.start("crm", setup{}, script(reply{status: 429, retryAfter: "3600"}, fine))
		w.accept("crm", "a")
		w.sleep(commit)
		w.pause("crm", spool.Pause{})
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
	})
}

func TestPauseHoldsWhereTheDiskDoesNotTakeIt(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.lane("crm", setup{}, script(reply{status: 429, retryAfter: "60"}, fine))
		full := errors.New("disk full")
		r.store.pauseErr.Store(&full)
		r.run()
		w.accept("crm", "a")
		w.sleep(59 * time.Second)
		if r.sink.got() != 1 || w.log.count("is not durable") != 1 {
			t.Errorf("%d requests; told %d times", r.sink.got(), w.log.count("is not durable"))
		}
		w.sleep(time.Second + commit)
		w.isState("crm", "delivered", "a")
	})
}

// A clock that ran far ahead when the sink asked for a pause, and was mended
// then, does not silence the lane until the wrong time has come.
func TestPauseFromAWrongClockIsOver(t *testing.T) {
	bubble(t, func(w *world) {
		w.start("crm", setup{}, always(fine))
		w.pause("crm", spool.Pause{Until: time.Now().Add(48 * time.Hour), By: spool.BySink})
		w.accept("crm", "a")
		w.sleep(commit)
		w.isState("crm", "delivered", "a")
	})
}

// The pause of a probe is no failure: the lane rests, and the next one probes.
func TestPauseInTheProbe(t *testing.T) {
	bubble(t, func(w *world) {
		breaker := outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: 10 * time.Second}
		begun := time.Now()
		r := w.start("crm", setup{Settings: Settings{Concurrency: 1}, BreakerSettings: breaker}, script(sick, reply{status: 429, retryAfter: "60"}, fine))
		w.accept("crm", "a", "b", "c")
		w.sleep(11 * time.Second)
		if r.sink.got() != 2 || w.spool.PauseOf("crm").By != spool.BySink {
			t.Fatalf("%d requests, no pause", r.sink.got())
		}
		w.sleep(2 * time.Second)
		if seen := r.sink.seen(); len(seen) < 3 || seen[2].at.Sub(begun).Round(time.Second) != 12*time.Second || seen[2].body == seen[1].body {
			t.Errorf("%s", r.sink.bodies())
		}
		w.sleep(70 * time.Second)
		w.isWaiting("crm", 0)
	})
}
