package crash

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCrashMaxBytes fills spool.max_bytes with what a dead sink leaves waiting:
// the server refuses callbacks, goes on with the other sink, and takes callbacks
// again when the dead one is back.
func TestCrashMaxBytes(t *testing.T) {
	seed := seedFromEnv(t)
	w := newWard(t, seed, ", max_bytes: 1MiB")
	w.eventually("the spool is full", func() bool { return w.post() == http.StatusServiceUnavailable })
	w.eventually("/readyz names max_bytes", func() bool {
		status, _, body := w.ask("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "spool.max_bytes")
	})
	var refused, taken int
	for end := time.Now().Add(time.Second); time.Now().Before(end); wait(t.Context(), 20*time.Millisecond) {
		if status, _, _ := w.ask("/healthz"); status != http.StatusOK {
			t.Fatalf("/healthz: %d", status)
		}
		if w.post() == http.StatusOK {
			taken++
		} else {
			refused++
		}
	}
	// A WAL that was emptied late makes room for a few.
	if taken > refused/2 {
		t.Errorf("at max_bytes %d callbacks were taken and %d refused", taken, refused)
	}
	w.eventually("the sink that is well gets all", func() bool { return w.p.sink("well").Pending == 0 })
	if used := w.p.metric("cdrelay_spool_bytes{kind=\"pending\"}"); used > 3<<19 {
		t.Errorf("%v bytes wait, with max_bytes 1 MiB", used)
	}
	waiting := w.p.sink("away").Pending
	w.back.Store(true)
	begun := time.Now()
	w.eventually("/readyz is 200 again", func() bool { status, _, _ := w.ask("/readyz"); return status == http.StatusOK })
	w.eventually("a callback is answered 200 again", func() bool { return w.post() == http.StatusOK })
	t.Logf("%d waited for the dead sink; callbacks are taken %v after its return", waiting, time.Since(begun).Round(time.Millisecond))
	w.losesPower()
	w.lostNothing()
}
