package crash

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	// What the binary is made of: without it a cached result of `go test` would
	// stand for a binary that has changed.
	_ "github.com/cdrelay/cdrelay/internal/app"
)

// patience bounds every wait for something that is certain to come.
const patience = 60 * time.Second

// top is the top of the repository, where the product's module is.
const top = "../../.."

// binaryEnv names a binary that has been built, as `make verify` does: with the race
// detector for all tests but those named …NoRace, which measure what is shipped.
const binaryEnv = "CDRELAY_BINARY"

// cdrelay returns the path of that binary, or builds one into a folder that TestMain
// removes.
var cdrelay = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(binaryEnv); path != "" {
		_, err := os.Stat(path) // also tells `go test` that results depend on it
		return path, err
	}
	path := filepath.Join(binaryDir, "cdrelay")
	build := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/cdrelay")
	build.Dir = top
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build cdrelay: %w\n%s", err, out)
	}
	return path, nil
})

var binaryDir string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cdrelay-crash-")
	if err != nil {
		panic(err)
	}
	binaryDir = dir
	defer func() { _ = os.RemoveAll(dir) }()
	return m.Run()
}

// numberFromEnv gives the number that the environment sets, or the fallback.
func numberFromEnv(tb testing.TB, name string, fallback int) int {
	tb.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// seedFromEnv gives the seed of a run and logs it.
func seedFromEnv(tb testing.TB) uint64 {
	tb.Helper()
	seed := uint64(numberFromEnv(tb, "CDRELAY_CRASH_SEED", int(time.Now().UnixNano()&0x7fffffff)))
	tb.Logf("CDRELAY_CRASH_SEED=%d", seed)
	return seed
}

// writeConfig writes a configuration with free ports and a spool of its own, and
// gives its path.
func writeConfig(tb testing.TB, spool, rest string) string {
	tb.Helper()
	dir := tb.TempDir()
	text := fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
spool: {path: %s/cdrelay.db%s}
shutdown: {grace: 5s}
sources:
  - {name: dialer, format: infin8linx, region: ID, auth: {query: {name: key, value: dialer-secret}}}
  - {name: nxlink, format: nxcc, region: HK, auth: {header: {name: token, value: nxcc-secret}}}
`, dir, spool) + rest
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// process is one run of the binary.
type process struct {
	tb  testing.TB
	cmd *exec.Cmd
	log *logTail
	// public and admin are the addresses, to be read once serving is closed.
	public, admin string
	serving       chan struct{}
	// ended is closed after the process was waited for; err is its end.
	ended chan struct{}
	err   error
}

// launch starts the binary and does not wait for it to serve.
func launch(tb testing.TB, config string) *process {
	tb.Helper()
	return launchWith(tb, config, (*exec.Cmd).Start)
}

// launchWith lets start do more than start.
func launchWith(tb testing.TB, config string, start func(*exec.Cmd) error) *process {
	tb.Helper()
	path, err := cdrelay()
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{
		tb: tb, cmd: exec.CommandContext(tb.Context(), path, "serve", "-c", config), log: &logTail{},
		serving: make(chan struct{}), ended: make(chan struct{}),
	}
	p.cmd.SysProcAttr = child()
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := start(p.cmd); err != nil {
		tb.Fatal(err)
	}
	go p.read(stderr)
	tb.Cleanup(p.cleanUp)
	return p
}

func (p *process) cleanUp() {
	if p.alive() {
		_ = p.cmd.Process.Kill() // may end by itself meanwhile
		<-p.ended
	}
}

// read keeps the end of the log, finds the addresses in it, and waits for the
// process.
func (p *process) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.log.add(lines.Text())
		var line struct{ Msg, Listen, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "cdrelay serves" {
			p.public, p.admin = "http://"+line.Listen, "http://"+line.Admin
			close(p.serving)
		}
	}
	_, _ = io.Copy(io.Discard, stderr) // after a line that was too long
	p.err = p.cmd.Wait()
	if p.log.raced() { // also of a process that was killed since
		p.tb.Errorf("the race detector complains\n%s", p.log)
	}
	close(p.ended)
}

// awaitServing waits until the process answers callbacks.
func (p *process) awaitServing() {
	p.tb.Helper()
	select {
	case <-p.serving:
	case <-p.ended:
		p.tb.Fatalf("the server ended instead of serving: %v\n%s", p.err, p.log)
	case <-time.After(patience):
		p.tb.Fatalf("the server does not serve\n%s", p.log)
	}
}

func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal tells whether the process was still there to get it.
func (p *process) signal(s syscall.Signal) bool {
	p.tb.Helper()
	err := p.cmd.Process.Signal(s)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.tb.Fatal(err)
	}
	return err == nil
}

// kill ends the process with SIGKILL and tells whether that was its end.
func (p *process) kill() bool {
	p.tb.Helper()
	p.signal(syscall.SIGKILL)
	<-p.ended
	exit, ok := errors.AsType[*exec.ExitError](p.err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// stop ends the process with SIGTERM, which must give exit code 0.
func (p *process) stop() {
	p.tb.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.tb.Fatalf("the server does not stop\n%s", p.log)
	}
	if p.err != nil {
		p.tb.Errorf("the server ended with %v\n%s", p.err, p.log)
	}
}

// logTail keeps the end of a log, and apart from it what is worth reading when a
// test fails: no lines of level Info, but races and panics.
type logTail struct {
	mu    sync.Mutex // guards below
	lines []string
	worth []string
	race  bool
}

// worthMost is how much of a log a failing test prints.
const worthMost = 40

func (l *logTail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= 200 {
		l.lines = append(l.lines[:0], l.lines[100:]...)
	}
	l.lines = append(l.lines, line)
	l.race = l.race || strings.Contains(line, "WARNING: DATA RACE")
	if strings.Contains(line, `"level":"INFO"`) {
		return
	}
	// Of the report of a race the beginning counts, of all else the end.
	if len(l.worth) == worthMost && !l.race {
		l.worth = l.worth[1:]
	}
	if len(l.worth) < worthMost {
		l.worth = append(l.worth, line)
	}
}

// raced reports whether the race detector has complained.
func (l *logTail) raced() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.race
}

// all returns the end of the log.
func (l *logTail) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// String returns what a failing test prints.
func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.worth, "\n")
}

// adminClient is for the private listener alone.
var adminClient = &http.Client{Timeout: patience}

// get asks the private listener for a JSON answer.
func (p *process) get(path string, into any) {
	p.tb.Helper()
	body := p.text(path)
	if err := json.Unmarshal([]byte(body), into); err != nil {
		p.tb.Fatalf("%s: %v\n%s", path, err, body)
	}
}

// text asks the private listener for an answer 200.
func (p *process) text(path string) string {
	p.tb.Helper()
	resp, err := adminClient.Get(p.admin + path)
	if err != nil {
		p.tb.Fatalf("%v\n%s", err, p.log)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.tb.Fatalf("GET %s: %s %v\n%s", path, resp.Status, err, body)
	}
	return string(body)
}

// metric gives one series of /metrics, 0 where it is not there.
func (p *process) metric(series string) float64 {
	p.tb.Helper()
	for line := range strings.SplitSeq(p.text("/metrics"), "\n") {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				p.tb.Fatal(err)
			}
			return v
		}
	}
	return 0
}

// laneStatus is what the status tells of a sink.
type laneStatus struct {
	Name        string
	Pending     int64
	InFlight    int   `json:"in_flight"`
	DeadLetters int64 `json:"dead_letters"`
	Breaker     string
}

// serverStatus is the part of the status that the tests read.
type serverStatus struct {
	Ready bool
	Sinks []laneStatus
	Spool struct {
		Calls    int64
		SetAside int64 `json:"set_aside"`
	}
}

func (p *process) status() (s serverStatus) {
	p.tb.Helper()
	p.get("/api/v1/status", &s)
	return s
}

// sink gives the status of one sink.
func (p *process) sink(name string) laneStatus {
	p.tb.Helper()
	for _, s := range p.status().Sinks {
		if s.Name == name {
			return s
		}
	}
	return laneStatus{}
}

// letter is a dead letter of stage delivery, with the revision of its record.
type letter struct {
	ID, Sink, Reason string
	CallID           string `json:"call_id"`
	Record           struct {
		ID       string
		Revision int
	}
}

// letters reads all dead letters of stage delivery, each with its record.
func (p *process) letters() []letter {
	p.tb.Helper()
	var all []letter
	for cursor := ""; ; {
		var page struct {
			Items []letter
			Next  string `json:"next_cursor"`
		}
		p.get("/api/v1/dead-letters?stage=delivery&limit=500&cursor="+url.QueryEscape(cursor), &page)
		for _, l := range page.Items {
			p.get("/api/v1/dead-letters/"+l.ID, &l)
			all = append(all, l)
		}
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// eventually waits until f holds.
func eventually(tb testing.TB, within time.Duration, what string, f func() bool) {
	tb.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); {
		if f() {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	tb.Fatalf("not within %v: %s", within, what)
}
