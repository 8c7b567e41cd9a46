package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests; none of them waits a fixed time. It is
// long for servers under the race detector on a busy machine.
const patience = 60 * time.Second

// sink is a destination that notes what it gets and answers as told.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	ids    []string
	// answer gives the status for the n-th request, counted from 1.
	answer func(n int) int
}

func newSink(t *testing.T, answer func(n int) int) *sink {
	t.Helper()
	return newSinkAt(t, "127.0.0.1:0", answer)
}

func newSinkAt(t *testing.T, addr string, answer func(n int) int) *sink {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{answer: answer}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.bodies, s.ids = append(s.bodies, string(body)), append(s.ids, r.Header.Get("webhook-id"))
		status := s.answer(len(s.bodies))
		s.mu.Unlock()
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "ok")
	}))
	_ = s.Listener.Close() // the one on a port of its own
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func always(status int) func(int) int { return func(int) int { return status } }

// got gives the bodies of the requests so far.
func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.bodies...)
}

// server is a cdrelay process.
type server struct {
	t      *testing.T
	cmd    *exec.Cmd
	public string
	admin  string
	log    *syncBuffer
	// serving is closed when the process serves.
	serving chan struct{}
	// deaf is what is done with standard error then, in place of reading on.
	deaf func(io.Closer) error
	// ended is closed when the process has; err says how.
	ended chan struct{}
	err   error
}

// syncBuffer is a bytes.Buffer for a writer and a reader.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// worth returns the last lines from level WARN, without the dead letters that most
// tests make.
func (s *syncBuffer) worth() string {
	lines := slices.DeleteFunc(strings.Split(s.String(), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"INFO"`) || strings.Contains(line, `"msg":"dead letter"`)
	})
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// start runs `cdrelay serve` with a configuration that listens on free ports.
func start(t *testing.T, config string) *server {
	t.Helper()
	s := launch(t, config, nil)
	s.awaitServing()
	return s
}

// launch does not wait until the process serves.
func launch(t *testing.T, config string, deaf func(io.Closer) error) *server {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "cdrelay", "serve", "-c", config)
	cmd.SysProcAttr = child()
	s := &server{t: t, cmd: cmd, log: &syncBuffer{}, deaf: deaf, serving: make(chan struct{}), ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read(stderr)
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // ended already, in most tests
		<-s.ended
		if t.Failed() {
			t.Logf("log of the server, from level WARN:\n%s", s.log.worth())
		}
	})
	return s
}

func (s *server) awaitServing() {
	s.t.Helper()
	select {
	case <-s.serving:
	case <-time.After(patience):
		s.t.Fatal("the server does not serve")
	}
}

// read notes the log and finds the addresses in it.
func (s *server) read(stderr io.ReadCloser) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, Listen, Admin string }
		_, _ = s.log.Write(append(lines.Bytes(), '\n'))
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "cdrelay serves" {
			s.public, s.admin = "http://"+line.Listen, "http://"+line.Admin
			if s.deaf != nil {
				s.err = s.deaf(stderr)
			}
			close(s.serving)
			if s.deaf != nil {
				break
			}
		}
	}
	s.err = errors.Join(s.err, s.cmd.Wait())
	close(s.ended)
}

// kill ends the process as a power switch would.
func (s *server) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	<-s.ended
}

// post sends a callback and gives status and body.
func (s *server) post(path, body string, header ...string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.public+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(s.t, req)
}

// get asks the private listener.
func (s *server) get(path string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.admin+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return do(s.t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if f() {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("not within %v: %s", patience, what)
}

// configure writes a configuration and gives its path.
func configure(t *testing.T, format string, args ...any) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
spool: {path: %s/cdrelay.db}
shutdown: {grace: 5s}
sources:
  - {name: dialer, format: infin8linx, region: ID, auth: {query: {name: key, value: dialer-secret}}}
  - {name: nxlink, format: nxcc, region: HK, auth: {header: {name: token, value: nxcc-secret}}}
`, dir) + fmt.Sprintf(format, args...)
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func callback(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "callbacks", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// freePort gives an address on which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// change replaces a part of a file, as an editor would.
func change(t *testing.T, path, from, to string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(from), []byte(to), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}
