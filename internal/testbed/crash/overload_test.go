package crash

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// memoryLimit is the budget with 1,000,000 deliveries waiting, in MB.
	memoryLimit = 150
	// fewMore is what the number of goroutines may differ by between two idle
	// moments: two for each connection to a sink that is kept, one for each
	// connection of ours, a scrape.
	fewMore = 32
)

// TestCrashOverloadNoRace posts more than a bounded spool and a sink that is away can
// take: 503 and never a lost 200, bounded memory, and back to normal when the
// sink is well again.
func TestCrashOverloadNoRace(t *testing.T) {
	var away atomic.Bool
	late := newRecorder(t, "late", func(key) int {
		if away.Load() {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	// A client may open a connection more than it has senders; at the limit the server
	// would close one for it, under a request perhaps.
	p := launch(t, writeConfig(t, ", max_bytes: 12MiB", sprintfSinks(`
connections: {per_address: 128}
sinks: [{name: late, webhook: {url: "%s"}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}]
rules: [{name: all, to: [late]}]
`, late)))
	p.awaitServing()
	const senders = 64
	v := newVolley(t, senders)
	v.shoot(t.Context(), p.public, 1, 50)
	before := v.taken()
	eventually(t, patience, "the first calls are delivered", func() bool { return late.count() == 50 })
	goroutines := p.idleGoroutines()

	away.Store(true)
	busiest := storm(t, p, v, senders)
	if now := len(v.acked); now < 500 {
		t.Errorf("only %d calls were taken", now)
	}
	during := v.taken()
	away.Store(false)
	eventually(t, patience, "every acknowledged call is delivered", func() bool { return late.count() >= len(v.acked) })
	for _, k := range v.acked {
		if _, ok := late.first(k); !ok {
			t.Errorf("%v was acknowledged and is lost", k)
		}
	}
	eventually(t, patience, "the server is ready again", func() bool { return p.status().Ready })
	v.shoot(t.Context(), p.public, 1, 50)
	after := v.taken()
	v.verdict(t)
	if v.answers["503"] == 0 {
		t.Error("the spool never was full: nothing was overloaded")
	}
	if limit := 20*before.at(0.5) + 50*time.Millisecond; after.at(0.5) > limit {
		t.Errorf("callbacks take %v after the overload, %v before it", after, before)
	}
	v.client.CloseIdleConnections()
	settled(t, p, goroutines)
	_, most := p.memory()
	t.Logf("answers %v; before: %v; during: %v; after: %v; goroutines %d before, at most %d; memory at most %.0f MB",
		v.answers, before, during, after, goroutines, busiest, most)
	p.stop()
}

// storm posts until the spool is full, and a second more. It gives the greatest
// number of goroutines.
func storm(t *testing.T, p *process, v *volley, senders int) (busiest int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		v.fire(ctx, p.public, senders)
	}()
	look := func() {
		busiest = max(busiest, p.goroutines())
		if now, _ := p.memory(); now > memoryLimit {
			t.Errorf("the server takes %.0f MB", now)
		}
	}
	eventually(t, patience, "the spool is full", func() bool {
		look()
		return !p.status().Ready
	})
	for range 10 {
		wait(t.Context(), 100*time.Millisecond)
		look()
	}
	cancel()
	<-done
	// A goroutine for each connection and a background read of it, and some.
	if limit := 2*senders + 100; busiest > limit {
		t.Errorf("%d goroutines for %d senders", busiest, senders)
	}
	return busiest
}

// settled waits until the number of goroutines is what it was.
func settled(t *testing.T, p *process, before int) {
	t.Helper()
	now := 0
	defer func() {
		if now > before+fewMore {
			t.Logf("%d goroutines, %d before", now, before)
		}
	}()
	eventually(t, patience, "the goroutines of the storm have ended", func() bool {
		now = p.goroutines()
		return now <= before+fewMore
	})
}
