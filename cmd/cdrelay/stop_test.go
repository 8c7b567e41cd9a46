package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hanging is a sink that answers nothing; asked tells of each request.
func hanging(t *testing.T) (url string, asked chan struct{}) {
	t.Helper()
	asked, release := make(chan struct{}, 100), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(release) })
	return s.URL, asked
}

func (s *server) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// ends wants the process to end with an exit code within some time.
func (s *server) ends(code int, within time.Duration) {
	s.t.Helper()
	begun := time.Now()
	select {
	case <-s.ended:
	case <-time.After(within + patience):
		s.t.Fatal("does not end")
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d (%v), want %d", got, s.err, code)
	}
	if took := time.Since(begun); took > within {
		s.t.Errorf("it took %v, want at most %v", took, within)
	}
}

// TestSecondSignalEndsAtOnce: it was swallowed.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	url, asked := hanging(t)
	s := start(t, configure(t, `
sinks: [{name: crm, webhook: {url: "%s"}, timeout: 60s}]
rules: [{name: all, to: [crm]}]
`, url))
	s.post(dialer, callback(t, "infin8linx-call.json"))
	<-asked
	s.signal(syscall.SIGTERM)
	eventually(t, "the stop is logged", func() bool { return strings.Contains(s.log.String(), "cdrelay stops") })
	s.signal(os.Interrupt)
	s.ends(1, 3*time.Second)
}

// TestStopsWhileAReloadWaits: an old lane that waits for its sink held up the
// stop for the timeout of that sink.
func TestStopsWhileAReloadWaits(t *testing.T) {
	url, asked := hanging(t)
	path := configure(t, `
sinks: [{name: crm, webhook: {url: "%s/a"}, timeout: 60s}]
rules: [{name: all, to: [crm]}]
`, url)
	change(t, path, "grace: 5s", "grace: 2s")
	s := start(t, path)
	s.post(dialer, callback(t, "infin8linx-call.json"))
	<-asked
	change(t, path, url+"/a", url+"/b")
	s.signal(syscall.SIGHUP)
	eventually(t, "the reload is over", func() bool { return strings.Contains(s.log.String(), "the configuration was changed") })
	s.signal(syscall.SIGTERM)
	s.ends(0, 4*time.Second)
}

// slowFile is a configuration that is not there yet: reading it hangs until serve
// is called.
func slowFile(t *testing.T) (path string, serve func()) {
	t.Helper()
	config := configure(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
		if err != nil {
			t.Error(err)
			return
		}
		_, werr := f.Write(text)
		// Who reads it again finds a file that does not hang.
		if err := errors.Join(werr, os.Rename(config, path), f.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestSignalsBeforeServing: a SIGHUP ended the process, and a SIGTERM too, or it
// was told only to a start that was over.
func TestSignalsBeforeServing(t *testing.T) {
	t.Run("SIGHUP", func(t *testing.T) {
		path, serve := slowFile(t)
		s := launch(t, path, nil)
		s.signalAwake(syscall.SIGHUP)
		serve()
		eventually(t, "it reads the configuration again", func() bool {
			return strings.Contains(s.log.String(), "the configuration was read again")
		})
	})
	t.Run("SIGTERM", func(t *testing.T) {
		path, _ := slowFile(t)
		s := launch(t, path, nil)
		s.signalAwake(syscall.SIGTERM)
		s.ends(0, 2*time.Second)
	})
}

// signalAwake sends a signal once the process is in Go code of its own: before
// that no program can handle it.
func (s *server) signalAwake(sig os.Signal) {
	s.t.Helper()
	eventually(s.t, "the signals are caught", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		if err != nil {
			s.t.Fatal(err)
		}
		var caught uint64
		for line := range strings.Lines(string(status)) {
			if hex, ok := strings.CutPrefix(line, "SigCgt:"); ok {
				_, _ = fmt.Sscanf(strings.TrimSpace(hex), "%x", &caught)
			}
		}
		return caught&(1<<(syscall.SIGHUP-1)) != 0
	})
	<-time.After(20 * time.Millisecond) // Go's runtime catches them a moment before the program does
	s.signal(sig)
}

// TestALogThatNobodyReadsEndsNothing: a write to a standard error that was closed
// was a SIGPIPE, and one to a pipe that was full waited for ever.
func TestALogThatNobodyReadsEndsNothing(t *testing.T) {
	for name, deaf := range map[string]func(io.Closer) error{
		"closed": io.Closer.Close,
		"full":   func(io.Closer) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			crm := newSink(t, always(http.StatusOK))
			s := launch(t, configure(t, `
log: {level: debug}
sinks: [{name: crm, webhook: {url: "%s"}}]
rules: [{name: all, to: [crm]}]
`, crm.URL), deaf)
			s.awaitServing()
			for range 600 { // each is a line of the log; a pipe holds 64 KiB
				s.post(dialer+"x", "{}")
			}
			if status, _ := s.post(dialer, callback(t, "infin8linx-call.json")); status != http.StatusOK {
				t.Errorf("a callback was answered %d", status)
			}
			eventually(t, "the call is delivered", func() bool { return len(crm.got()) == 1 })
			s.signal(syscall.SIGTERM)
			s.ends(0, 5*time.Second)
		})
	}
}
