package crash

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestCrashHostileSinksNoRace: a sink that never answers, one that answers a byte a
// second and one that answers 1 GB, beside a healthy lane.
func TestCrashHostileSinksNoRace(t *testing.T) {
	well := newRecorder(t, "well", alike(http.StatusOK))
	silent := httptest.NewServer(http.HandlerFunc(noAnswer))
	dripping := httptest.NewServer(http.HandlerFunc(drippingAnswer))
	flooding := httptest.NewServer(http.HandlerFunc(floodingAnswer))
	for _, s := range []*httptest.Server{silent, dripping, flooding} {
		t.Cleanup(s.Close)
	}
	p := launch(t, writeConfig(t, "", fmt.Sprintf(`
sinks:
  - {name: well, webhook: {url: "%s"}}
  - {name: silent, timeout: 2s, webhook: {url: "%s"}, breaker: {open_for: 500ms}}
  - {name: dripping, timeout: 2s, webhook: {url: "%s"}, breaker: {open_for: 500ms}}
  - {name: flooding, timeout: 2s, webhook: {url: "%s"}, breaker: {open_for: 500ms}}
rules:
  - {name: first, to: [well]}
  - {name: others, when: call.method == "ai_agent", to: [silent, dripping, flooding]}
`, well.URL, silent.URL, dripping.URL, flooding.URL)))
	p.awaitServing()
	goroutines := p.idleGoroutines()
	v := newVolley(t, 4)
	v.dialerOnly = true // goes to the healthy sink only
	alone := batches(t, p, v, well)
	v.dialerOnly = false
	beside := batches(t, p, v, well)
	v.verdict(t)
	// A lane that waited for another would wait for timeouts of 2 s.
	if beside.at(0.95) > 3*alone.at(0.95)+time.Second {
		t.Errorf("the healthy sink gets its calls after %v; alone: %v", beside, alone)
	}
	if s := p.sink("silent"); s.Pending != 200 || s.DeadLetters != 0 {
		t.Errorf("the silent sink's calls: %+v", s)
	}
	if s := p.sink("dripping"); s.Pending != 200 || s.DeadLetters != 0 {
		t.Errorf("the dripping sink's calls: %+v", s)
	}
	eventually(t, patience, "an answer of 1 GB is cut off and counts as an answer", func() bool { return p.sink("flooding").Pending == 0 })
	_, most := p.memory()
	if most > memoryLimit {
		t.Errorf("the server took %.0f MB", most)
	}
	v.client.CloseIdleConnections()
	settled(t, p, goroutines)
	t.Logf("healthy lane, from the first post of 40 to each delivery: alone %v; beside %v; memory at most %.0f MB", alone, beside, most)
	p.stop()
}

// batches posts ten times 40 calls and gives how long each took to arrive, from
// the first post of its batch.
func batches(t *testing.T, p *process, v *volley, well *recorder) (all times) {
	t.Helper()
	for range 10 {
		n := len(v.acked)
		begun := time.Now()
		v.shoot(t.Context(), p.public, 4, 40)
		eventually(t, patience, "the healthy sink gets its calls", func() bool { return well.count() == len(v.acked) })
		for _, k := range v.acked[n:] {
			a, _ := well.first(k)
			all = append(all, a.answered.Sub(begun))
		}
		wait(t.Context(), 200*time.Millisecond)
	}
	return all
}

// noAnswer takes the request and says nothing until the client has gone, which
// is noticed only when the body was read.
func noAnswer(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a client that is gone ends it, too
	<-r.Context().Done()
}

// drippingAnswer sends its headers at once and its body a byte a second.
func drippingAnswer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // see noAnswer
	w.WriteHeader(http.StatusOK)
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte("x")); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush() // the reader may have gone
		wait(r.Context(), time.Second)
	}
}

// floodingAnswer sends 1 GB.
func floodingAnswer(w http.ResponseWriter, r *http.Request) {
	block := make([]byte, 64<<10)
	for range 1 << 30 / len(block) {
		if _, err := w.Write(block); err != nil || r.Context().Err() != nil {
			return
		}
	}
}
