package crash

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of so many bytes for a test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("cdrelay-test", folder, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("DID NOT RUN: this test needs root and tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// TestCrashDiskFilledByHistory: a file system far smaller than max_bytes is filled by
// what was delivered. That goes first, before its retention, and callbacks are taken
// all the time; a kill on the full disk loses nothing. Then somebody else fills the
// disk: callbacks are refused at worst until there is room again.
func TestCrashDiskFilledByHistory(t *testing.T) {
	const size = 24 << 20
	folder := smallDisk(t, "24m")
	w := newWardOn(t, seedFromEnv(t), func(sinks string) string {
		config := writeConfig(t, ", max_bytes: 4GiB, retention: 1m", sinks)
		rename(t, config, filepath.Dir(config)+"/cdrelay.db", filepath.Join(folder, "data", "cdrelay.db"))
		return config
	})
	w.back.Store(true)
	if !strings.Contains(w.p.log.all(), "more than the file system") {
		t.Errorf("the start does not warn:\n%s", w.p.log)
	}
	largest := w.fatten(t, size*3/2)
	w.calls.mu.Lock()
	acknowledged := len(w.calls.acked)
	w.calls.mu.Unlock()
	t.Logf("%d calls of up to %d bytes kept; %v bytes of %v may be in use", acknowledged, largest, w.p.metric("cdrelay_spool_bytes{kind=\"history\"}"), w.p.metric("cdrelay_spool_limit_bytes"))
	if w.p.metric("cdrelay_spool_history_purged_total") == 0 {
		t.Error("no history was erased")
	}
	w.calls.target.Store(nil)
	w.p.kill()
	w.serve()
	w.eventually("a start on the full disk takes callbacks", func() bool { return w.post() == http.StatusOK })

	ballast := filepath.Join(folder, "ballast")
	fill(t, ballast)
	refused := 0
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); wait(t.Context(), 20*time.Millisecond) {
		if w.post() != http.StatusOK {
			refused++
		}
	}
	t.Logf("with the rest of the disk filled by another file, %d callbacks in 5 s were answered 503", refused)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.eventually("with room again callbacks are taken", func() bool { return w.post() == http.StatusOK })
	w.eventually("/readyz is 200", func() bool { status, _, _ := w.ask("/readyz"); return status == http.StatusOK })
	w.lostNothing()
}

// fatten posts large calls until so many bytes were sent. A refusal must end within
// a few seconds.
func (w *ward) fatten(t *testing.T, bytes int) (largest int) {
	t.Helper()
	for sent := 0; sent < bytes; {
		n := 20_000 + w.random.IntN(60_000)
		largest = max(largest, n)
		began := time.Now()
		for w.postFat(t, n) != http.StatusOK {
			if wait(t.Context(), 50*time.Millisecond); time.Since(began) > 10*time.Second {
				_, _, ready := w.ask("/readyz")
				t.Fatalf("after %d bytes callbacks have been refused for %v: %s\n%s", sent, time.Since(began), ready, w.p.log)
			}
		}
		sent += n
	}
	return largest
}

// postFat sends a new callback of so many bytes.
func (w *ward) postFat(t *testing.T, n int) int {
	t.Helper()
	w.asked++
	body := fmt.Sprintf(`{"callId":"fat-%d","caller":"85235757581","callee":"85235757582","direction":1,"notes":%q}`, w.asked, strings.Repeat("x", n))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.p.public+"/callbacks/nxlink", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("token", "nxcc-secret")
	return w.send(req)
}

// fill takes all room that a disk has.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<20); len(block) > 0; {
		n, err := f.Write(block)
		if err != nil && n == 0 {
			block = block[:len(block)/2]
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
