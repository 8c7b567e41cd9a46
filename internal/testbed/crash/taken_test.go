package crash

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// plainTakes is how often `go test` takes the files of a running server away;
// CDRELAY_CRASH_CUTS sets more, a quarter of them.
const plainTakes = 3

// TestCrashFilesTakenAway removes and moves files of the spool, or its folder, under
// the traffic of a real process. Each time it must be ready again by itself, and a
// SIGKILL after that must lose nothing that was acknowledged before or since.
func TestCrashFilesTakenAway(t *testing.T) {
	seed := seedFromEnv(t)
	var path string
	w := newWardOn(t, seed, func(sinks string) string {
		config := writeConfig(t, "", sinks)
		path = filepath.Join(filepath.Dir(config), "data", "cdrelay.db")
		rename(t, config, filepath.Dir(config)+"/cdrelay.db", path)
		return config
	})
	w.back.Store(true)
	ways := waysToTake()
	tally := map[string]int{}
	refused := 0
	for range max(plainTakes, numberFromEnv(t, "CDRELAY_CRASH_CUTS", plainCuts)/4) {
		way := ways[w.random.IntN(len(ways))]
		tally[way.name]++
		w.calls.awaitAnswer(t.Context())
		wait(t.Context(), time.Duration(w.random.IntN(300))*time.Millisecond)
		if err := way.take(path); err != nil {
			t.Fatal(err)
		}
		w.eventually("the server says that it is not ready", func() bool {
			if w.post() == http.StatusServiceUnavailable {
				refused++
			}
			return strings.Contains(w.p.log.all(), "a file of the spool is not in its place")
		})
		w.eventually("it is in its place again and takes calls", func() bool {
			return strings.Contains(w.p.log.all(), "the spool is in its place again") && w.post() == http.StatusOK
		})
		wait(t.Context(), time.Duration(w.random.IntN(200))*time.Millisecond)
		w.calls.target.Store(nil)
		w.p.kill()
		w.serve()
	}
	w.lostNothing()
	t.Logf("taken away: %v; %d of our own posts were answered 503 meanwhile", tally, refused)
}

// wayToTake takes something of a spool away.
type wayToTake struct {
	name string
	take func(path string) error
}

func waysToTake() []wayToTake {
	return []wayToTake{
		{"file removed", os.Remove},
		{"file moved", func(path string) error { return os.Rename(path, path+time.Now().Format(".150405.000000")) }},
		{"folder removed", func(path string) error { return os.RemoveAll(filepath.Dir(path)) }},
		{"folder moved", func(path string) error {
			return os.Rename(filepath.Dir(path), filepath.Dir(path)+time.Now().Format(".150405.000000"))
		}},
		{"WAL removed", func(path string) error { return os.Remove(path + "-wal") }},
		{"index removed", func(path string) error { return os.Remove(path + "-shm") }},
	}
}
