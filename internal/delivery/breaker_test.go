package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestOpenBreakerParksTheLane(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start("crm", setup{}, always(sick))
		w.flood("crm", 200)
		w.sleep(20 * time.Second)
		if r.client.State() != outbound.Open {
			t.Fatal("the breaker is not open")
		}
		sent, leases, dues := r.sink.got(), r.store.leases.Load(), r.store.dues.Load()
		if sent > defaultConcurrency {
			t.Errorf("%d requests before the breaker opened", sent)
		}
		tries := 0
		for i := range 200 {
			got := w.status("crm", fmt.Sprintf("crm-%06d", i))
			tries += got.Tries
			if got.Tries == 0 && !got.DueAt.IsZero() {
				t.Errorf("%d is scheduled for %v without an attempt", i, got.DueAt)
			}
		}
		if tries != sent {
			t.Errorf("%d attempts are kept, %d requests came", tries, sent)
		}
		for i := range 9 { // new calls change nothing
			w.accept("crm", fmt.Sprint("more-", i))
			w.sleep(time.Second)
		}
		if r.store.leases.Load() != leases || r.store.dues.Load() != dues || r.sink.got() != sent {
			t.Errorf("while open: %d leases, %d looks, %d requests", r.store.leases.Load()-leases, r.store.dues.Load()-dues, r.sink.got()-sent)
		}
		if now, _ := r.store.holds(); now != 0 {
			t.Errorf("%d deliveries are held while open", now)
		}

		w.sleep(2 * time.Second) // 30 s are over: one probe, which fails
		if n := r.sink.got() - sent; n != 1 {
			t.Errorf("%d requests as a probe", n)
		}
		r.sink.becomes(fine)
		w.sleep(31 * time.Second)
		w.isWaiting("crm", 0)
		if opened, closed := w.log.count("the breaker opened"), w.log.count("the breaker closed"); opened != 1 || closed != 1 {
			t.Errorf("logged %d times as opened, %d as closed", opened, closed)
		}
	})
}

func TestHalfOpenLetsOneThrough(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(sick)
		r := w.start("crm", setup{quick: 2, timeout: 20 * time.Second}, to)
		w.flood("crm", 100)
		w.sleep(25 * time.Second)
		before := to.got()
		to.becomes(reply{status: 200, took: 10 * time.Second})
		to.peak()
		w.sleep(10 * time.Second) // in the middle of the probe
		if n, most := to.got()-before, to.peak(); n != 1 || most != 1 || r.client.State() != outbound.HalfOpen || r.Busy() != 1 {
			t.Errorf("%d requests, %d at once, %v, %d busy", n, most, r.client.State(), r.Busy())
		}
		to.becomes(fine)
		w.sleep(20 * time.Second)
		w.isWaiting("crm", 0)
	})
}

// A quick try of a delivery from before the opening may become the probe. The
// lane's own probe is then refused, and must not run in a circle until that try
// ends.
func TestProbeMeetsAQuickTry(t *testing.T) {
	bubble(t, func(w *world) {
		s := setup{quick: 1, timeout: time.Minute, BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: 100 * time.Millisecond}}
		// a fails and waits for its quick try, half a second at the least; b opens
		// the breaker meanwhile. The quick try is the probe, and hangs.
		to := answers(func(n int, body string) reply {
			if n > 2 {
				return reply{hang: true}
			}
			if body == "b/1" { // no quick try follows an answer that names a time
				return reply{status: 500, retryAfter: "60", took: 100 * time.Millisecond}
			}
			// While b has no worker yet, a makes no quick try.
			return reply{status: 500, took: 10 * time.Millisecond}
		})
		r := w.start("crm", s, to)
		w.accept("crm", "a", "b")
		w.sleep(5 * time.Second)
		leases := r.store.leases.Load()
		if to.bodies() != "a/1 b/1 a/1" && to.bodies() != "b/1 a/1 a/1" || r.client.State() != outbound.HalfOpen {
			t.Fatalf("%s, %v", to.bodies(), r.client.State())
		}
		w.sleep(50 * time.Second)
		if n := r.store.leases.Load() - leases; n == 0 || n > 50*4 {
			t.Errorf("%d leases while the probe hung for 50 s", n)
		}
		to.becomes(fine)
		w.sleep(3 * time.Minute)
		w.isWaiting("crm", 0)
	})
}

// Attempts from before the opening may outlast it. The probe is one of the
// lane's workers all the same.
func TestProbeKeepsTheConcurrency(t *testing.T) {
	bubble(t, func(w *world) {
		s := setup{timeout: 5 * time.Minute, BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: time.Second}}
		s.Concurrency = 3
		to := answers(func(n int, _ string) reply {
			if n == 3 {
				return sick
			}
			return reply{status: 200, took: 2 * time.Minute}
		})
		w.start("crm", s, to)
		w.flood("crm", 20)
		w.sleep(15 * time.Minute)
		if most := to.peak(); most > 3 {
			t.Errorf("%d requests at once, want 3 at most", most)
		}
		w.isWaiting("crm", 0)
	})
}

func TestCredentialsKeepTheCalls(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(reply{status: 401})
		r := w.start("crm", setup{}, to)
		w.flood("crm", 50)
		w.sleep(10 * time.Minute)
		if r.client.State() == outbound.Closed || len(w.letters("crm")) != 0 {
			t.Errorf("breaker %v, %d dead letters", r.client.State(), len(w.letters("crm")))
		}
		w.isWaiting("crm", 50)
		if n := to.got(); n > defaultConcurrency+20 {
			t.Errorf("%d requests in ten minutes: one in 30 s is a probe", n)
		}
		to.becomes(fine)
		w.sleep(2 * time.Minute)
		w.isWaiting("crm", 0)
	})
}

// A delivery that the sink refuses, or that cannot be rendered, does as a probe.
func TestRefusedProbes(t *testing.T) {
	bubble(t, func(w *world) {
		s := setup{BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1}, texts: map[string]error{"b": errWire, "c": errWire}}
		w.start("crm", s, script(sick, reply{status: 422}, fine))
		w.accept("crm", "a")
		w.sleep(commit)
		w.accept("crm", "b", "c", "d", "e")
		w.sleep(time.Minute)
		w.isWaiting("crm", 0)
		var reasons []spool.Reason
		for _, l := range w.letters("crm") {
			reasons = append(reasons, l.Reason)
		}
		if len(reasons) != 3 {
			t.Errorf("dead letters: %v", reasons)
		}
	})
}

// What was leased before the breaker opened, and waits for a worker, goes back
// and is not sent beside the probe.
func TestBatchFromBeforeTheOpeningGoesBack(t *testing.T) {
	bubble(t, func(w *world) {
		s := setup{timeout: time.Minute, BreakerSettings: outbound.BreakerSettings{ConsecutiveFailures: 1, OpenFor: time.Second}}
		s.Concurrency = 2
		s.Retry.GiveUpAfter = 5 * time.Second
		to := answers(func(n int, _ string) reply {
			return []reply{{status: 500, took: 4 * time.Second}, {hang: true}, sick}[min(n, 3)-1]
		})
		r := w.start("crm", s, to)
		w.flood("crm", 30)
		w.sleep(5500 * time.Millisecond) // open since 4 s; the probe after 5 s failed
		if n := to.got(); n != 3 {
			t.Fatalf("%d requests, want two and the probe", n)
		}
		w.isWaiting("crm", 1) // the one that hangs; the probe ended the old ones
		if now, _ := r.store.holds(); now != 1 {
			t.Errorf("%d deliveries are held", now)
		}
	})
}
