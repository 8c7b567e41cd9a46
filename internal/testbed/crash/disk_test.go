package crash

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

// recoverWithin is how long a server may take to notice what its disk does.
const recoverWithin = 15 * time.Second

const diskSinks = `
sinks:
  - {name: well, webhook: {url: "%[1]s"}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
  - {name: away, webhook: {url: "%[2]s"}, retry: {first: 50ms, max: 500ms}, breaker: {open_for: 200ms}}
rules: [{name: all, to: [well, away]}]
`

// TestCrashFailingDisk lets the disk of the real process fail while it serves,
// looks at what it says, lets the disk be well again, and then ends the power.
func TestCrashFailingDisk(t *testing.T) {
	seed := seedFromEnv(t)
	cuts := numberFromEnv(t, "CDRELAY_CRASH_CUTS", plainCuts)
	faults := diskFaults()
	if cuts == plainCuts {
		faults = faults[:2]
	}
	for round := range max(1, cuts/cutsOnOneDisk) {
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				w := newWard(t, seed+uint64(1000*round+i), "")
				w.partly = f.partly
				w.fall(f.fault(w.random))
				w.isIll()
				w.isCured()
				w.losesPower()
				w.lostNothing()
			})
		}
	}
}

// diskFault is a way to fail from a random moment on. Pages of the index of the
// WAL are mapped: on a real disk they stay in memory, and FUSE gives their
// write-back the name of the file.
type diskFault struct {
	name   string
	fault  func(*rand.Rand) faultfs.Fault
	partly bool
}

func diskFaults() []diskFault {
	same := func(f faultfs.Fault) func(*rand.Rand) faultfs.Fault {
		return func(*rand.Rand) faultfs.Fault { return faultfs.Sparing("*-shm", f) }
	}
	return []diskFault{
		{"no room to grow", func(r *rand.Rand) faultfs.Fault { return faultfs.NoRoom(r.Int64N(200_000)) }, true},
		{"sync fails", same(faultfs.SyncFails()), false},
		{"no space at every write", same(faultfs.Full()), false},
		{"write fails", same(faultfs.WriteFails()), false},
		{"read-only", same(faultfs.ReadOnly()), false},
	}
}

// ward is a server on a disk that falls ill.
type ward struct {
	t      *testing.T
	disk   *faultfs.Disk
	config string
	random *rand.Rand
	calls  *generator
	hangUp context.CancelFunc
	well   *recorder
	away   *recorder
	back   atomic.Bool // the sink that was away answers again
	p      *process
	asked  int
	partly bool // a disk that is full still takes what is small
	// damaged says that something was, so that it may have been set aside.
	damaged bool
}

func newWard(t *testing.T, seed uint64, spool string) *ward {
	t.Helper()
	disk := faultfs.New(t)
	w := newWardOn(t, seed, func(sinks string) string { return configOn(t, disk, spool, sinks) })
	w.disk = disk
	return w
}

// newWardOn begins with the configuration that config makes around the sinks.
func newWardOn(t *testing.T, seed uint64, config func(sinks string) string) *ward {
	t.Helper()
	w := &ward{
		t: t, random: rand.New(rand.NewPCG(seed, 4<<32)), calls: newGenerator(t, seed, 10*time.Millisecond),
	}
	w.well = newRecorder(t, "well", alike(http.StatusOK))
	w.away = newRecorder(t, "away", func(key) int {
		if w.back.Load() {
			return http.StatusOK
		}
		return http.StatusBadGateway
	})
	w.config = config(sprintfSinks(diskSinks, w.well, w.away))
	w.serve()
	ctx, hangUp := context.WithCancel(t.Context())
	w.hangUp = hangUp
	t.Cleanup(func() { hangUp(); w.calls.running.Wait() })
	w.calls.start(ctx, connections)
	return w
}

func (w *ward) serve() {
	w.t.Helper()
	w.p = launch(w.t, w.config)
	w.p.awaitServing()
	w.calls.target.Store(&w.p.public)
}

// fall makes the disk fail at a random moment of the traffic, when enough is
// stored that was never attempted.
func (w *ward) fall(f faultfs.Fault) {
	w.t.Helper()
	w.eventually("calls wait for the sink that is away", func() bool { return w.p.sink("away").Pending >= 100 })
	wait(w.t.Context(), time.Duration(w.random.IntN(500))*time.Millisecond)
	w.disk.Fail(f)
}

// isIll looks at what the server says while its disk fails, and lets the sink
// that was away come back: what is stored must reach it.
func (w *ward) isIll() {
	w.t.Helper()
	w.eventually("a callback is answered 503", func() bool { return w.post() == http.StatusServiceUnavailable })
	w.eventually("/readyz is 503", func() bool {
		status, header, body := w.ask("/readyz")
		return status == http.StatusServiceUnavailable && header.Get("Retry-After") != "" && strings.Contains(body, `"detail":"`)
	})
	_, _, reason := w.ask("/readyz")
	stored, before := w.p.sink("away").Pending, w.away.count()
	w.back.Store(true)
	begun := time.Now()
	// Not all: a revision waits until it is on the disk what became of an older
	// one, and so does a delivery that failed once.
	w.eventually("most of what is stored is delivered", func() bool { return w.away.count()-before >= int(stored)*2/3 })
	w.t.Logf("%s; two thirds of %d stored deliveries were made in %v on the failing disk", strings.TrimSpace(reason), stored, time.Since(begun).Round(time.Millisecond))
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); {
		if status, _, _ := w.ask("/readyz"); status != http.StatusServiceUnavailable {
			w.t.Fatalf("/readyz on the failing disk: %d", status)
		}
		if status, _, _ := w.ask("/healthz"); status != http.StatusOK {
			w.t.Fatalf("/healthz: %d", status)
		}
		if status := w.post(); status != http.StatusServiceUnavailable && !w.partly {
			w.t.Fatalf("a callback on the failing disk: %d", status)
		}
		wait(w.t.Context(), 50*time.Millisecond)
	}
	if n := strings.Count(w.p.log.all(), `"the spool cannot write"`); n != 1 {
		w.t.Errorf("the log says %d times that the spool cannot write", n)
	}
}

// isCured lets the disk be well again: the same process must take callbacks.
func (w *ward) isCured() {
	w.t.Helper()
	w.disk.Fail()
	begun := time.Now()
	w.eventually("/readyz is 200 again", func() bool { status, _, _ := w.ask("/readyz"); return status == http.StatusOK })
	w.eventually("a callback is answered 200 again", func() bool { return w.post() == http.StatusOK })
	w.t.Logf("well again after %v", time.Since(begun).Round(time.Millisecond))
	wait(w.t.Context(), 300*time.Millisecond)
	if !w.p.alive() {
		w.t.Fatalf("the server ended: %v\n%s", w.p.err, w.p.log)
	}
}

// losesPower shows whether all that was acknowledged since is on the disk, and
// not only in the cache of a kernel whose sync had failed.
func (w *ward) losesPower() {
	w.t.Helper()
	w.disk.Cut(w.random.Uint64())
	w.calls.target.Store(nil)
	w.p.kill()
	if err := w.disk.Remount(); err != nil {
		w.t.Fatal(err)
	}
	w.serve()
}

// lostNothing compares what was acknowledged with what became of it, and counts
// what is missing.
func (w *ward) lostNothing() (lost int) {
	w.t.Helper()
	w.hangUp()
	w.calls.running.Wait()
	awaitEmptyLanes(w.t, w.p)
	dead := deadBySink(w.p)
	for _, s := range []*recorder{w.well, w.away} {
		missing, repeated := compare(w.t, w.calls, s, dead[s.name])
		lost += missing
		w.t.Logf("%s: acknowledged %d, missing %d, dead letters %d, repeated %d", s.name, len(w.calls.acked), missing, len(dead[s.name]), repeated)
	}
	if n := w.p.status().Spool.SetAside; n != 0 && !w.damaged {
		w.t.Errorf("%d records or files were set aside: the disk lost nothing that it had synced", n)
	}
	w.p.stop()
	if w.t.Failed() {
		w.t.Logf("log of the last server:\n%s", w.p.log)
	}
	return lost
}

// post sends a new callback.
func (w *ward) post() int {
	w.t.Helper()
	w.asked++
	req, err := w.calls.samples.request(w.t.Context(), w.p.public, 9, w.asked, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.send(req)
}

// send posts a callback, notes what was taken, and looks at the form of an answer
// 503.
func (w *ward) send(req *http.Request) int {
	w.t.Helper()
	status, header, body := exchange(w.t, req)
	if status == http.StatusServiceUnavailable && (header.Get("Retry-After") == "" || header.Get("Content-Type") != "application/problem+json") {
		w.t.Errorf("an answer 503 with %v %s", header, body)
	}
	if status != http.StatusServiceUnavailable && status != http.StatusOK {
		w.t.Errorf("a callback is answered %d %s", status, body)
	}
	var r receipt
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			w.t.Fatal(err)
		}
		w.calls.note(r, 1)
	}
	return status
}

// ask gives an answer of the private listener.
func (w *ward) ask(path string) (int, http.Header, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.p.admin+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return exchange(w.t, req)
}

func exchange(tb testing.TB, req *http.Request) (int, http.Header, string) {
	tb.Helper()
	resp, err := adminClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// eventually waits, and shows the log where it waits in vain.
func (w *ward) eventually(what string, f func() bool) {
	w.t.Helper()
	for end := time.Now().Add(recoverWithin); !f(); wait(w.t.Context(), 20*time.Millisecond) {
		if time.Now().After(end) || !w.p.alive() {
			_, _, ready := w.ask("/readyz")
			w.t.Fatalf("in vain: %s\n%s%+v\n%s", what, ready, w.p.status(), w.p.log)
		}
	}
}
