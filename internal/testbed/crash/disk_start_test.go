package crash

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

// TestCrashStartOnAFailingDisk: a process whose spool cannot be opened ends with
// a clear word and exit code 1, for its supervisor to try again. One that was
// killed while its disk was full still has its WAL, so it serves and delivers,
// which is what makes room.
func TestCrashStartOnAFailingDisk(t *testing.T) {
	for _, c := range []struct {
		before, name string
		fault        faultfs.Fault
		says         string // in its last words; empty where it serves
	}{
		{"stopped", "no room", faultfs.NoRoom(0), "see whether its disk is full"},
		{"killed", "no room", faultfs.NoRoom(0), ""},
		{"killed", "no space at every write", faultfs.Full(), "no space left on device"},
		{"killed", "read-only", faultfs.ReadOnly(), "read-only file system"},
		{"killed", "sync fails", faultfs.SyncFails(), "input/output error"},
		{"new", "no room", faultfs.NoRoom(0), "no space left on device"},
	} {
		t.Run(c.before+" and "+c.name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t, seedFromEnv(t), "")
			w.rests(c.before)
			w.disk.Fail(c.fault)
			if c.says == "" {
				w.servesAllTheSame()
			} else {
				w.refuses(c.says)
				w.disk.Fail()
				w.serve()
			}
			w.back.Store(true)
			w.eventually("callbacks are taken", func() bool { return w.post() == http.StatusOK })
			w.lostNothing()
		})
	}
}

// rests ends the first process and its callbacks; a new spool has seen none.
func (w *ward) rests(how string) {
	w.t.Helper()
	wait(w.t.Context(), 300*time.Millisecond)
	w.hangUp()
	w.calls.running.Wait()
	if how == "stopped" {
		w.p.stop()
		return
	}
	w.p.kill()
	if how == "new" {
		rename(w.t, w.config, "/data/", "/other/")
		w.calls.acked = map[key]struct{}{}
	}
}

// servesAllTheSame wants the stored deliveries made, and then makes room. The sink
// that was away is back before the start: a delivery that fails on a full disk waits
// for the commit of its retry.
func (w *ward) servesAllTheSame() {
	w.t.Helper()
	w.back.Store(true)
	stored := len(w.calls.acked) // none of them was delivered to it
	w.serve()
	w.eventually("most of what is stored is delivered", func() bool { return w.away.count() >= stored*2/3 })
	w.disk.Fail()
}

// refuses wants the process to end with exit code 1 and these words.
func (w *ward) refuses(says string) {
	w.t.Helper()
	p := launch(w.t, w.config)
	select {
	case <-p.ended:
	case <-time.After(recoverWithin):
		w.t.Fatalf("the server neither serves nor ends\n%s", p.log)
	}
	text := p.log.all()
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(text, says) || !strings.Contains(text, w.disk.Folder()) {
		w.t.Errorf("exit %d: %s", code, text)
	}
	w.t.Log(text)
}
