package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client keeps no connection, so that none outlives its test.
func client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
}

// counter is a sink that counts its requests.
type counter struct {
	*httptest.Server
	n atomic.Int64
}

func newCounter(t *testing.T, status int) *counter {
	t.Helper()
	c := &counter{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.n.Add(1)
		w.WriteHeader(status)
	}))
	t.Cleanup(c.Close)
	return c
}

// head begins every configuration of these tests.
func head(dir string) string {
	return fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
spool: {path: %q}
shutdown: {delay: 300ms, grace: 5s}
sources:
  - {name: dialer, format: infin8linx, auth: {query: {name: key, value: k}}}
`, filepath.Join(dir, "s.db"))
}

func parse(t *testing.T, text string) *config.Loaded {
	t.Helper()
	l, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// running is an app with what it takes to end it.
type running struct {
	*app.App
	t    *testing.T
	text atomic.Pointer[string]
	end  context.CancelFunc
	done chan error
}

func run(t *testing.T, text string) *running {
	t.Helper()
	r := &running{t: t, done: make(chan error, 1)}
	r.text.Store(&text)
	var err error
	r.App, err = app.New(t.Context(), parse(t, text), app.Options{
		Version: "test", Log: slog.New(slog.DiscardHandler), Level: new(slog.LevelVar),
		Load: func() (*config.Loaded, error) { return config.Parse("c.yaml", []byte(*r.text.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(r.stop)
	return r
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (r *running) start() {
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	r.end = cancel
	go func() { r.done <- r.Run(ctx) }()
}

func (r *running) stop() {
	r.end()
	select {
	case err := <-r.done:
		r.done <- err
		if err != nil {
			r.t.Errorf("run: %v", err)
		}
	case <-time.After(patience):
		r.t.Error("does not stop")
	}
}

func (r *running) reload(text string) error {
	r.text.Store(&text)
	return r.Reload(r.t.Context())
}

// post sends a call with the given number as id and gives the status.
func (r *running) post(id int) int {
	r.t.Helper()
	body := fmt.Sprintf(`{"id": %d, "companycode": "77", "type": "callout", "callmethod": 3, "billsec": 5, "starttime": "2025-10-16 17:31:13"}`, id)
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.Addr().String()+"/callbacks/dialer?key=k", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(req, nil)
}

func (r *running) get(path string) (status int, body string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.AdminAddr().String()+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	status = r.do(req, &body)
	return status, body
}

func (r *running) do(req *http.Request, body *string) int {
	r.t.Helper()
	res, err := client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		r.t.Fatal(err)
	}
	if body != nil {
		*body = string(b)
	}
	return res.StatusCode
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("not within %v: %s", patience, what)
}

func toCRM(url string) string {
	return fmt.Sprintf("sinks: [{name: crm, webhook: {url: %q}, retry: {first: 50ms, max: 100ms}}]\nrules: [{name: all, to: [crm]}]\n", url)
}

// TestStopsAcceptingLast: while shutdown.delay runs, the server is not ready and
// still takes calls, and what it took is delivered at the next start.
func TestStopsAcceptingLast(t *testing.T) {
	crm := newCounter(t, http.StatusOK)
	dir := t.TempDir()
	r := run(t, head(dir)+toCRM(crm.URL))
	if status, _ := r.get("/readyz"); status != http.StatusOK {
		t.Fatalf("not ready at the start: %d", status)
	}
	r.end()
	eventually(t, "not ready", func() bool { status, _ := r.get("/readyz"); return status == http.StatusServiceUnavailable })
	if status := r.post(1); status != http.StatusOK {
		t.Errorf("while not ready yet: %d", status)
	}
	r.stop()
	run(t, head(dir)+toCRM(crm.URL))
	eventually(t, "the call is delivered", func() bool { return crm.n.Load() >= 1 })
}

// TestASlowSenderDoesNotSpoilTheStop: with half a body of a callback there, the
// lanes leased on through the whole grace, their attempts were cut off at its
// end, and the server ended with an error.
func TestASlowSenderDoesNotSpoilTheStop(t *testing.T) {
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	crm := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-answer }))
	t.Cleanup(crm.Close)
	text := strings.ReplaceAll(head(t.TempDir()), "{delay: 300ms, grace: 5s}", "{delay: 0s, grace: 2s}")
	r := run(t, text+fmt.Sprintf("sinks: [{name: crm, webhook: {url: %q}, concurrency: 1}]\nrules: [{name: all, to: [crm]}]\n", crm.URL))
	var d net.Dialer
	slow, err := d.DialContext(t.Context(), "tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	if _, err := io.WriteString(slow, "POST /callbacks/dialer?key=k HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(slow, make([]byte, 1)); err != nil { // the body is being read
		t.Fatal(err)
	}
	r.post(1)
	r.post(2)
	<-asked // for the first; the second waits for it
	r.end()
	eventually(t, "the stop has begun", func() bool {
		c, err := d.DialContext(t.Context(), "tcp", r.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	<-time.After(300 * time.Millisecond) // the lane stops at the same time
	close(answer)
	r.stop()
	if len(asked) > 0 {
		t.Error("an attempt began after the stop")
	}
}

// TestFailedStartLeavesNothing: the lock of the spool is free and no goroutine
// is left when a listener cannot be bound.
func TestFailedStartLeavesNothing(t *testing.T) {
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	dir := t.TempDir()
	opts := app.Options{Log: slog.New(slog.DiscardHandler)}
	for _, key := range []string{`listen: "127.0.0.1:0"`, `admin: {listen: "127.0.0.1:0"}`} {
		text := strings.Replace(head(dir), key, strings.Replace(key, "127.0.0.1:0", taken.Addr().String(), 1), 1)
		if _, err := app.New(t.Context(), parse(t, text), opts); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("%s taken: %v", key, err)
		}
	}
	run(t, head(dir)) // the lock is free
}

// TestReloadLeavesOtherLanesAlone: the breaker of a sink that did not change
// stays open, its pending call stays, and the changed sink gets the next call.
func TestReloadLeavesOtherLanesAlone(t *testing.T) {
	before, after := newCounter(t, http.StatusOK), newCounter(t, http.StatusOK)
	dead := newCounter(t, http.StatusInternalServerError)
	config := func(url string) string {
		return head(t.TempDir()) + fmt.Sprintf(`
sinks:
  - {name: crm, webhook: {url: %q}}
  - {name: dead, webhook: {url: %q}, quick_tries: 0, breaker: {consecutive_failures: 1, open_for: 1h}}
rules: [{name: all, to: [crm, dead]}]
`, url, dead.URL)
	}
	r := run(t, config(before.URL))
	r.post(1)
	eventually(t, "the breaker of the dead sink opens", func() bool {
		_, m := r.get("/metrics")
		return strings.Contains(m, `cdrelay_breaker_state{sink="dead",state="open"} 1`)
	})
	if err := r.reload(config(after.URL)); err != nil {
		t.Fatal(err)
	}
	_, m := r.get("/metrics")
	if !strings.Contains(m, `cdrelay_breaker_state{sink="dead",state="open"} 1`) || !strings.Contains(m, `cdrelay_pending_deliveries{sink="dead"} 1`) {
		t.Error("the reload touched a sink that did not change")
	}
	r.post(2)
	eventually(t, "the changed sink gets the next call", func() bool { return after.n.Load() == 1 })
	if n := before.n.Load(); n != 1 {
		t.Errorf("the old address got %d", n)
	}
}

// TestReloadOfToken: a token that a reload brings closes the API.
func TestReloadOfToken(t *testing.T) {
	text := head(t.TempDir())
	r := run(t, text)
	if status, _ := r.get("/api/v1/status"); status != http.StatusOK {
		t.Fatal(status)
	}
	if err := r.reload(strings.Replace(text, `admin: {listen: "127.0.0.1:0"}`, `admin: {listen: "127.0.0.1:0", token: secret-token}`, 1)); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.get("/api/v1/status"); status != http.StatusUnauthorized {
		t.Errorf("without the new token: %d", status)
	}
}

// TestReloadRefusesBadFile: nothing changes, and the metric says so.
func TestReloadRefusesBadFile(t *testing.T) {
	crm := newCounter(t, http.StatusOK)
	good := head(t.TempDir()) + toCRM(crm.URL)
	r := run(t, good)
	if err := r.reload(good + "colour: blue\n"); err == nil || !strings.Contains(err.Error(), "colour") {
		t.Fatalf("a bad file: %v", err)
	}
	if _, m := r.get("/metrics"); !strings.Contains(m, "cdrelay_config_last_reload_successful 0") {
		t.Error("the metric does not say so")
	}
	if _, status := r.get("/api/v1/status"); !strings.Contains(status, `"last_refusal":{"at":"`) || !strings.Contains(status, "colour") {
		t.Errorf("the status does not say so: %s", status)
	}
	r.post(1)
	eventually(t, "the old configuration goes on", func() bool { return crm.n.Load() == 1 })
	if err := r.reload(good); err != nil {
		t.Fatal(err)
	}
	if _, m := r.get("/metrics"); !strings.Contains(m, "cdrelay_config_last_reload_successful 1") {
		t.Error("a good file does not mend the metric")
	}
	if _, status := r.get("/api/v1/status"); strings.Contains(status, "last_refusal") {
		t.Errorf("a good file does not end the refusal: %s", status)
	}
}

// TestReloadRemovesSink: its series go, what it is owed waits and is reported.
func TestReloadRemovesSink(t *testing.T) {
	dead := newCounter(t, http.StatusInternalServerError)
	dir := t.TempDir()
	r := run(t, head(dir)+toCRM(dead.URL))
	r.post(1)
	eventually(t, "an attempt fails", func() bool { return dead.n.Load() >= 1 })
	if err := r.reload(head(dir)); err != nil {
		t.Fatal(err)
	}
	_, m := r.get("/metrics")
	if strings.Contains(m, `cdrelay_attempts_total{result="unwell",sink="crm"}`) {
		t.Error("the series of a removed sink stay")
	}
	if !strings.Contains(m, `cdrelay_pending_deliveries{sink="crm"} 1`) {
		t.Error("what the removed sink is owed is not reported")
	}
	if _, status := r.get("/api/v1/status"); !strings.Contains(status, `"name":"crm","kind":"","configured":false`) {
		t.Errorf("status: %s", status)
	}
	if err := r.reload(head(dir) + toCRM(dead.URL)); err != nil {
		t.Fatal(err)
	}
	n := dead.n.Load()
	eventually(t, "the sink that came back is tried again", func() bool { return dead.n.Load() > n })
}

// ledger is a sink that takes its time and notes how often each message came.
type ledger struct {
	*httptest.Server
	mu   sync.Mutex
	came map[string]int
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{came: map[string]int{}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		l.came[r.Header.Get("webhook-id")]++
		l.mu.Unlock()
		<-time.After(20 * time.Millisecond) // a reload finds attempts on their way
	}))
	t.Cleanup(l.Close)
	return l
}

// check tells whether each of n messages came once.
func (l *ledger) check(t *testing.T, name string, n int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.came) != n {
		t.Errorf("%s got %d calls of %d", name, len(l.came), n)
	}
	for id, times := range l.came {
		if times != 1 {
			t.Errorf("%s got %s %d times", name, id, times)
		}
	}
}

// TestReloadUnderLoad: while callbacks pour in and the configuration changes
// again and again, none is refused, and each call arrives once: at the sink that
// changes, with attempts on their way, and at the one that does not.
func TestReloadUnderLoad(t *testing.T) {
	crm, archive := newLedger(t), newLedger(t)
	dir := t.TempDir()
	config := func(version int) string {
		return head(dir) + fmt.Sprintf(`
sinks:
  - {name: crm, webhook: {url: "%s/v%d"}}
  - {name: archive, webhook: {url: %q}}
rules: [{name: all, to: [crm, archive]}]
`, crm.URL, version, archive.URL)
	}
	r := run(t, config(0))
	const posters, calls = 8, 400
	refused := make(chan int, calls)
	var posting sync.WaitGroup
	for poster := range posters {
		posting.Go(func() {
			for id := poster; id < calls; id += posters {
				if status := r.post(id + 1); status != http.StatusOK {
					refused <- status
				}
			}
		})
	}
	go func() { posting.Wait(); close(refused) }()
	reloads := 0
	for posted := false; !posted; {
		reloads++
		if err := r.reload(config(reloads)); err != nil {
			t.Error(err)
		}
		select {
		case status, more := <-refused:
			if posted = !more; more {
				t.Errorf("a callback was answered %d", status)
			}
		default:
		}
	}
	if reloads < 3 {
		t.Errorf("only %d reloads while calls came in", reloads)
	}
	eventually(t, "nothing waits and nothing is on its way", func() bool {
		_, body := r.get("/api/v1/status")
		return strings.Count(body, `"pending":0,"in_flight":0`) == 2
	})
	crm.check(t, "crm", calls)
	archive.check(t, "archive", calls)
}
