//go:build linux && amd64

package crash

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const day = 24 * time.Hour

// noticed bounds how long a lane may take to see that the clock was set: it
// looks every 15 s.
const noticed = 25 * time.Second

// patientBreaker stays closed, so that each delivery has a schedule of its own.
const patientBreaker = "breaker: {consecutive_failures: 1000, min_requests: 1000}"

// clocked is a server whose clock can be set, with one sink.
type clocked struct {
	*process
	*clock
	sink *recorder
	// answer is what the sink answers now.
	answer *atomic.Int32
	calls  *volley
}

func newClocked(t *testing.T, spool, sink string) *clocked {
	t.Helper()
	t.Parallel() // it waits for timers
	c := &clocked{answer: &atomic.Int32{}, calls: newVolley(t, 4)}
	c.answer.Store(http.StatusOK)
	c.sink = newRecorder(t, "crm", func(key) int { return int(c.answer.Load()) })
	c.process, c.clock = launchWithClock(t, writeConfig(t, spool, fmt.Sprintf(`
sinks: [{name: crm, webhook: {url: "%s"}, quick_tries: 0, %s}]
rules: [{name: all, to: [crm]}]
`, c.sink.URL, sink)))
	c.awaitServing()
	return c
}

// post sends calls and waits until the sink has been asked for each.
func (c *clocked) post(t *testing.T, calls int) {
	t.Helper()
	c.calls.shoot(t.Context(), c.public, 4, calls)
	c.calls.verdict(t)
}

// arrives wants all calls delivered in time.
func (c *clocked) arrives(t *testing.T, within time.Duration) {
	t.Helper()
	begun := time.Now()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("delivered %d of %d, failed %d\n%s", c.sink.count(), len(c.calls.acked), c.sink.failed.Load(), c.log)
		}
	})
	eventually(t, within, "all calls are delivered", func() bool { return c.sink.count() == len(c.calls.acked) })
	t.Logf("delivered %v after", time.Since(begun).Round(time.Millisecond))
}

// TestCrashClockSchedule: what is scheduled neither stalls for days when the
// clock is set back, nor waits longer when it is set forward; new calls flow on.
func TestCrashClockSchedule(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back": -3 * day, "forward": 3 * day} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, "", "retry: {first: 3s, max: 3s}, "+patientBreaker)
			c.answer.Store(http.StatusInternalServerError)
			c.post(t, 40)
			eventually(t, patience, "every call has failed once", func() bool { return c.sink.failed.Load() >= 40 })
			c.set(t, jump)
			c.answer.Store(http.StatusOK)
			c.post(t, 40)
			c.arrives(t, noticed)
			c.stop()
		})
	}
}

// TestCrashClockPause: a pause that the sink asked for ends in time.
func TestCrashClockPause(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back": -3 * day, "forward": 3 * day} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, "", "retry: {first: 3s, max: 3s}, "+patientBreaker)
			c.answer.Store(http.StatusServiceUnavailable)
			c.post(t, 8)
			eventually(t, patience, "the sink asks for a pause", func() bool { return c.sink.failed.Load() > 0 })
			c.answer.Store(http.StatusOK)
			c.set(t, jump)
			c.arrives(t, noticed)
			c.stop()
		})
	}
}

// TestCrashClockBreaker: an open breaker lets its probe through in time.
func TestCrashClockBreaker(t *testing.T) {
	for name, jump := range map[string]time.Duration{"back": -3 * day, "forward": 3 * day} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(t, "", "retry: {first: 100ms, max: 100ms}, breaker: {consecutive_failures: 3, open_for: 2s}")
			c.answer.Store(http.StatusInternalServerError)
			c.post(t, 8)
			eventually(t, patience, "the breaker opens", func() bool { return c.process.sink("crm").Breaker == "open" })
			c.set(t, jump)
			c.answer.Store(http.StatusOK)
			c.arrives(t, noticed)
			c.stop()
		})
	}
}

// TestCrashClockExpiry: a clock that is set forward beyond give_up_after while
// the sink is unwell ends nothing: no delivery has waited that long.
func TestCrashClockExpiry(t *testing.T) {
	c := newClocked(t, "", "retry: {first: 500ms, max: 500ms, give_up_after: 72h}, "+patientBreaker)
	c.answer.Store(http.StatusInternalServerError)
	c.post(t, 40)
	eventually(t, patience, "every call has failed once", func() bool { return c.sink.failed.Load() >= 40 })
	c.set(t, 4*day)
	failed := c.sink.failed.Load()
	eventually(t, patience, "every call fails again", func() bool { return c.sink.failed.Load() >= failed+80 })
	if s := c.process.sink("crm"); s.DeadLetters > 0 {
		t.Errorf("%d calls that are seconds old were given up", s.DeadLetters)
	}
	c.answer.Store(http.StatusOK)
	c.arrives(t, noticed)
	c.stop()
}

// TestCrashClockReplay: after the clock was set forward, what is replayed is
// delivered now and not when as much time has passed.
func TestCrashClockReplay(t *testing.T) {
	c := newClocked(t, "", "retry: {first: 500ms, max: 500ms}, "+patientBreaker)
	c.answer.Store(http.StatusUnprocessableEntity)
	c.post(t, 5)
	eventually(t, patience, "the refused calls are dead letters", func() bool { return c.process.sink("crm").DeadLetters == 5 })
	c.set(t, 3*day)
	c.answer.Store(http.StatusOK)
	resp, err := adminClient.Post(c.admin+"/api/v1/dead-letters/replay", "application/json", strings.NewReader(`{"filter":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	eventually(t, noticed, "nothing waits any more", func() bool { s := c.process.sink("crm"); return s.Pending == 0 && s.DeadLetters == 0 })
	c.stop()
}

// TestCrashClockRetention: a clock that is set forward by 40 days does not erase
// history and dead letters at the next look of retention, a minute later.
func TestCrashClockRetention(t *testing.T) {
	if !longForm(t) {
		t.Skip("retention looks once a minute: the long form waits for it")
	}
	c := newClocked(t, "", "retry: {first: 500ms, max: 500ms}, "+patientBreaker)
	c.post(t, 20)
	c.arrives(t, patience)
	c.answer.Store(http.StatusUnprocessableEntity)
	c.post(t, 20)
	eventually(t, patience, "the refused calls are dead letters", func() bool { return c.process.sink("crm").DeadLetters == 20 })
	c.set(t, 40*day)
	wait(t.Context(), 70*time.Second)
	if s := c.status(); s.Spool.Calls != 40 || s.Sinks[0].DeadLetters != 20 {
		t.Errorf("of 40 calls %d are left, of 20 dead letters %d", s.Spool.Calls, s.Sinks[0].DeadLetters)
	}
	c.stop()
}

// TestCrashClockRestart: the clock was set back while the process was down.
func TestCrashClockRestart(t *testing.T) {
	c := newClocked(t, "", "retry: {first: 3s, max: 3s}, "+patientBreaker)
	c.answer.Store(http.StatusInternalServerError)
	c.post(t, 40)
	eventually(t, patience, "every call has failed once", func() bool { return c.sink.failed.Load() >= 40 })
	c.kill()
	c.answer.Store(http.StatusOK)
	var p *process
	p, c.clock = launchWithClockAt(t, c.config(), -3*day)
	p.awaitServing()
	c.arrives(t, noticed)
	p.stop()
}

// config is the file that the server was started with.
func (c *clocked) config() string { return c.cmd.Args[len(c.cmd.Args)-1] }

// longForm tells whether the run is one that may take its time.
func longForm(tb testing.TB) bool {
	tb.Helper()
	return numberFromEnv(tb, "CDRELAY_CRASH_LONG", 0) > 0
}
