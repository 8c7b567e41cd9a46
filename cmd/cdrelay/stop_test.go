package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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
