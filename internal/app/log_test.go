package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
)

// logBuffer is a log that a server writes while a test reads.
type logBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// logged is a server with its log.
type logged struct {
	*running
	log *logBuffer
}

func runLogged(t *testing.T, text string, handler func(io.Writer, *slog.HandlerOptions) slog.Handler) *logged {
	t.Helper()
	l := &logged{running: &running{t: t, done: make(chan error, 1)}, log: &logBuffer{}}
	level := new(slog.LevelVar)
	l.text.Store(&text)
	var err error
	l.App, err = app.New(t.Context(), parse(t, text), app.Options{
		Version: "test", Log: slog.New(handler(l.log, &slog.HandlerOptions{Level: level})), Level: level,
		Load: func() (*config.Loaded, error) { return config.Parse("c.yaml", []byte(*l.text.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	l.end = cancel
	go func() { l.done <- l.Run(ctx) }()
	t.Cleanup(l.stop)
	return l
}

// send posts a body to the source.
func (l *logged) send(key, body string) {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, "http://"+l.Addr().String()+"/callbacks/dialer?key="+key, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	l.do(req, nil)
}

// waitFor fails the test unless the log comes to hold the text.
func (l *logged) waitFor(text string) {
	l.t.Helper()
	eventually(l.t, "the log says "+text, func() bool { return strings.Contains(l.log.String(), text) })
}

// planted are the numbers of a call, without what people write between digits.
var planted = []string{"81351111451", "19513923001"}

// buried finds sinks with one dead letter in /metrics.
var buried = regexp.MustCompile(`cdrelay_dead_letters{sink="\w+",stage="delivery"} 1`)

// gaps are what may stand between the digits of a number.
var gaps = regexp.MustCompile(`[ ()+./-]`)

// TestNumbersAreMaskedInTheLog: whatever happens to a call, at debug, in both
// formats: its numbers do not stand in the log.
func TestNumbersAreMaskedInTheLog(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(echo.Close)
	text := func(dir string) string {
		return head(dir) + fmt.Sprintf(`
log: {level: debug}
sinks:
  - {name: echo, webhook: {url: %q}}
  - {name: spelled, webhook: {url: %q, body: {n: "+62 ${call.to.raw.substring(0, 3)}-${call.to.raw.substring(3)}"}}}
  - {name: broken, webhook: {url: %q, body: {n: "${int('x' + call.to.raw)}"}}}
  - {name: away, webhook: {url: "http://127.0.0.1:1/${call.to.raw}"}, quick_tries: 0, retry: {first: 1ms, max: 1ms, give_up_after: 1ms}, breaker: {consecutive_failures: 2, open_for: 100ms}}
rules: [{name: all, to: [echo, spelled, broken, away]}]
`, echo.URL, echo.URL, echo.URL)
	}
	for name, handler := range map[string]func(io.Writer, *slog.HandlerOptions) slog.Handler{
		"json": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(w, o) },
		"text": func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) },
	} {
		t.Run(name, func(t *testing.T) {
			l := runLogged(t, text(t.TempDir()), handler)
			body := `{"id": 1, "companycode": "77", "type": "callout", "callmethod": 3, "disnumber": "219513923001", "destnumber": "81351111451", "billsec": 5}`
			l.send("k", body)
			l.send("k", body) // a duplicate
			l.send("wrong", body)
			l.send("k", strings.Replace(body, `"id": 1,`, "", 1))
			l.send("k", `{"id": "81351111451" "219513923001"`)
			l.send("k", `{"event": "ringing", "caller": "81351111451"}`)
			for _, line := range []string{"echo", "spelled", "broken", "away", "undecodable", "no good credentials"} {
				l.waitFor(line)
			}
			eventually(t, "all are dead letters", func() bool {
				_, m := l.get("/metrics")
				return len(buried.FindAllString(m, -1)) == 4
			})
			l.get("/api/v1/calls?number=81351111451")
			l.stop()
			got := gaps.ReplaceAllString(l.log.String(), "")
			for _, number := range planted {
				if strings.Contains(got, number) {
					t.Errorf("%s stands in the log:\n%s", number, l.log)
				}
			}
			if !strings.Contains(l.log.String(), "813******51") {
				t.Errorf("the masked form is not in the log, so the test looks at nothing:\n%s", l.log)
			}
		})
	}
}

// TestTheLevelChangesAtAReload: without a restart, in both directions.
func TestTheLevelChangesAtAReload(t *testing.T) {
	text := head(t.TempDir())
	l := runLogged(t, text+"log: {level: error}\n", func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) })
	l.send("wrong", "{}")
	if got := l.log.String(); strings.Contains(got, "level=DEBUG") || strings.Contains(got, "level=WARN") {
		t.Errorf("at error: %s", got)
	}
	if err := l.reload(text + "log: {level: debug}\n"); err != nil {
		t.Fatal(err)
	}
	l.send("wrong", "{}")
	l.waitFor("callback not taken as a call")
	if err := l.reload(text + "log: {level: warn}\n"); err != nil {
		t.Fatal(err)
	}
	before := strings.Count(l.log.String(), "level=DEBUG")
	l.send("wrong", "{}")
	if got := strings.Count(l.log.String(), "level=DEBUG"); got != before {
		t.Errorf("at warn: %s", l.log)
	}
}

// TestChangesOfStateAreTold: one line each, whatever the number of calls.
func TestChangesOfStateAreTold(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusServiceUnavailable)
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	t.Cleanup(crm.Close)
	text := head(t.TempDir()) + fmt.Sprintf(`
sinks: [{name: crm, webhook: {url: %q}, quick_tries: 0, retry: {first: 10ms, max: 20ms}, breaker: {consecutive_failures: 2, open_for: 100ms}}]
rules: [{name: all, to: [crm]}]
`, crm.URL)
	l := runLogged(t, text, func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) })
	for i := range 5 {
		l.post(i + 1)
	}
	l.waitFor("the breaker opened")
	status.Store(http.StatusOK)
	l.waitFor("the breaker closed")
	for range 2 { // kept once, told once
		l.send("k", "no callback")
	}
	l.waitFor("undecodable")
	if err := l.reload(text + "colour: blue\n"); err == nil {
		t.Error("a bad file was taken")
	}
	if err := l.reload(text + "# changed\n"); err != nil {
		t.Error(err)
	}
	l.stop()
	got := l.log.String()
	for line, want := range map[string]int{
		"cdrelay serves": 1, "the breaker opened": 1, "the breaker closed": 1, "dead letter": 1,
		"the configuration was not changed": 1, "the configuration was changed": 1, "cdrelay stops": 1, "cdrelay has stopped": 1,
	} {
		if n := strings.Count(got, line); n != want {
			t.Errorf("%d lines say %q, want %d:\n%s", n, line, want, got)
		}
	}
}

// TestWhatARemovedSinkIsOwedIsTold at the reload that removes it, and at each
// start.
func TestWhatARemovedSinkIsOwedIsTold(t *testing.T) {
	dead := newCounter(t, http.StatusInternalServerError)
	text := head(t.TempDir())
	handler := func(w io.Writer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(w, o) }
	const line = `msg="deliveries wait for a sink that is not configured" component=app sink=crm deliveries=2`
	l := runLogged(t, text+toCRM(dead.URL), handler)
	l.post(1)
	l.post(2)
	if err := l.reload(text); err != nil {
		t.Fatal(err)
	}
	l.stop()
	if n := strings.Count(l.log.String(), line); n != 1 {
		t.Errorf("the reload told it %d times:\n%s", n, l.log)
	}
	l = runLogged(t, text, handler)
	l.stop()
	if n := strings.Count(l.log.String(), line); n != 1 {
		t.Errorf("the start told it %d times:\n%s", n, l.log)
	}
}
