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
	// A WAL that was emptied late makes room for a few now and then, so that what is
	// asserted is that callbacks are refused, and below how much is taken at all.
	refused := 0
	w.eventually("twenty more callbacks are refused", func() bool {
		if status, _, _ := w.ask("/healthz"); status != http.StatusOK {
			t.Fatalf("/healthz: %d", status)
		}
		if w.post() == http.StatusServiceUnavailable {
			refused++
		}
		return refused >= 20
	})
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
