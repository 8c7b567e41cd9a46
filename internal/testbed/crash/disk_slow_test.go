package crash

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

// TestCrashHangingDisk lets the syncs of a real process hang: it must say that it is
// not ready while they do, and lose nothing.
func TestCrashHangingDisk(t *testing.T) {
	t.Parallel()
	w := newWard(t, seedFromEnv(t), "")
	w.back.Store(true)
	w.calls.awaitAnswer(t.Context())
	release := w.disk.Hang()
	defer release()
	w.eventually("/readyz is 503 and says that the disk does not answer", func() bool {
		status, _, body := w.ask("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "has not answered")
	})
	probes := 0
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); wait(t.Context(), 50*time.Millisecond) {
		if status, _, _ := w.ask("/readyz"); status != http.StatusServiceUnavailable {
			t.Fatalf("/readyz says %d while syncs hang", status)
		}
		if status, _, _ := w.ask("/healthz"); status != http.StatusOK {
			t.Fatalf("/healthz says %d", status)
		}
		if status := w.post(); status != http.StatusServiceUnavailable {
			t.Fatalf("a callback is answered %d while syncs hang", status)
		}
		probes++
	}
	release()
	w.isCured()
	t.Logf("%d probes were answered 503 while syncs hung", probes)
	w.losesPower()
	w.lostNothing()
}

// TestCrashStuckWAL lets the database file refuse every write, and not its WAL: calls
// can be kept and the WAL only grows. That is counted and told, and has a bound.
func TestCrashStuckWAL(t *testing.T) {
	t.Parallel()
	const most = 16 << 20 / 8 * 4 // an eighth of max_bytes, four times
	w := newWard(t, seedFromEnv(t), ", max_bytes: 16MiB")
	w.calls.awaitAnswer(t.Context())
	w.disk.Fail(faultfs.Only("cdrelay.db", faultfs.WriteFails()))
	begun := time.Now()
	for w.postFat(t, 50_000) == http.StatusOK {
		if time.Since(begun) > patience {
			t.Fatalf("callbacks are taken without end\n%s", w.p.log)
		}
	}
	if status, _, body := w.ask("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "the WAL cannot be moved") {
		t.Errorf("/readyz says %d %s", status, body)
	}
	info, err := os.Stat(filepath.Join(w.disk.Folder(), "data", "cdrelay.db-wal"))
	if err != nil || info.Size() > most*3/2 {
		t.Errorf("the WAL has %d bytes, want about %d, %v", info.Size(), most, err)
	}
	if n := w.p.metric(`cdrelay_spool_errors_total{op="checkpoint"}`); n == 0 || strings.Count(w.p.log.all(), "the WAL cannot be moved into the file and grows") != 1 {
		t.Errorf("counted %v times\n%s", n, w.p.log)
	}
	w.back.Store(true)
	w.eventually("what is stored is delivered all the same", func() bool { return w.p.sink("away").Pending == 0 })
	w.isCured()
	t.Logf("refused with a WAL of %d bytes", info.Size())
	w.losesPower()
	w.lostNothing()
}
