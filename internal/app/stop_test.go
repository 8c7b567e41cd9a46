package app_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// kept is a connection over which one request follows another.
type kept struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func keep(t *testing.T, addr net.Addr) *kept {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &kept{t, c, bufio.NewReader(c)}
}

// ask sends a request and returns its status and whether it closes the connection.
func (k *kept) ask(head, body string) (status int, closes bool) {
	k.t.Helper()
	if _, err := fmt.Fprintf(k.conn, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body); err != nil {
		k.t.Fatal(err)
	}
	res, err := http.ReadResponse(k.in, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		k.t.Fatal(err)
	}
	return res.StatusCode, res.Close
}

// TestAnswersCloseTheirConnectionsFromTheStopOn: within shutdown.delay connections
// were kept, so that their senders came back to a server that was gone.
func TestAnswersCloseTheirConnectionsFromTheStopOn(t *testing.T) {
	r := run(t, strings.Replace(head(t.TempDir()), "delay: 300ms", "delay: 2s", 1))
	const call = `{"id": 1, "companycode": "77", "type": "callout", "starttime": "2025-10-16 17:31:13"}`
	requests := []struct {
		head, body string
		status     int
	}{
		{"POST /callbacks/dialer?key=k", call, http.StatusOK},
		{"POST /callbacks/dialer?key=wrong", call, http.StatusUnauthorized},
		{"POST /nowhere", call, http.StatusNotFound},
		{"GET /callbacks/dialer", "", http.StatusMethodNotAllowed},
	}
	var before []*kept
	for _, q := range requests {
		k := keep(t, r.Addr())
		if status, closes := k.ask(q.head, q.body); status != q.status || closes {
			t.Errorf("%s: %d, closes %v", q.head, status, closes)
		}
		before = append(before, k)
	}
	private := keep(t, r.AdminAddr())
	if status, closes := private.ask("GET /healthz", ""); status != http.StatusOK || closes {
		t.Errorf("/healthz: %d, closes %v", status, closes)
	}
	r.end()
	eventually(t, "not ready", func() bool { status, _ := r.get("/readyz"); return status == http.StatusServiceUnavailable })
	for i, q := range requests {
		if status, closes := before[i].ask(q.head, q.body); status != q.status || !closes {
			t.Errorf("within shutdown.delay %s: %d, closes %v", q.head, status, closes)
		}
	}
	if status, closes := private.ask("GET /healthz", ""); status != http.StatusOK || !closes {
		t.Errorf("within shutdown.delay /healthz: %d, closes %v", status, closes)
	}
}

// TestSinksAreReplacedEachOnItsOwn: a changed sink waited until the slowest of the
// others had ended, and the reload with it.
func TestSinksAreReplacedEachOnItsOwn(t *testing.T) {
	asked, release := make(chan struct{}, 9), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release }))
	t.Cleanup(slow.Close)
	var old, fresh atomic.Int64
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2" {
			fresh.Add(1)
		} else {
			old.Add(1)
		}
	}))
	t.Cleanup(crm.Close)
	dir := t.TempDir()
	text := func(version int) string {
		return head(dir) + fmt.Sprintf(`
sinks:
  - {name: slow, webhook: {url: "%s/%d"}, timeout: 30s}
  - {name: crm, webhook: {url: "%s/%d"}}
rules: [{name: all, to: [slow, crm]}]
`, slow.URL, version, crm.URL, version)
	}
	r := run(t, text(1))
	r.post(1)
	<-asked
	eventually(t, "the old address gets the first call", func() bool { return old.Load() == 1 })
	begun := time.Now()
	if err := r.reload(text(2)); err != nil {
		t.Fatal(err)
	}
	r.post(2)
	eventually(t, "the new address gets the second call", func() bool { return fresh.Load() == 1 })
	if took := time.Since(begun); took > 10*time.Second || len(asked) > 0 {
		t.Errorf("the second call took %v, and the slow sink was asked %d times more", took, len(asked))
	}
	// A third configuration comes before the second sink has had its turn.
	if err := r.reload(text(3)); err != nil {
		t.Fatal(err)
	}
	close(release)
	eventually(t, "the slow sink gets both calls", func() bool {
		_, body := r.get("/api/v1/status")
		return strings.Count(body, `"pending":0,"in_flight":0`) == 2
	})
}

// TestAChangedSinkKeepsItsBreakerAndPause: a reload must not send a herd at a sink
// that is down, nor end what an operator ordered.
func TestAChangedSinkKeepsItsBreakerAndPause(t *testing.T) {
	dead := newCounter(t, http.StatusInternalServerError)
	dir := t.TempDir()
	text := func(path string) string {
		return head(dir) + fmt.Sprintf(`
sinks:
  - {name: dead, webhook: {url: "%s/%s"}, quick_tries: 0, breaker: {consecutive_failures: 1, open_for: 1h}}
rules: [{to: [dead]}]
`, dead.URL, path)
	}
	r := run(t, text("a"))
	r.post(1)
	keeps := func(when string) {
		t.Helper()
		eventually(t, when, func() bool {
			_, m := r.get("/metrics")
			return strings.Contains(m, `cdrelay_breaker_state{sink="dead",state="open"} 1`)
		})
	}
	keeps("the breaker opens")
	if err := r.Spool().SetPause(t.Context(), "dead", spool.Pause{By: spool.ByOperator}); err != nil {
		t.Fatal(err)
	}
	n := dead.n.Load()
	for _, path := range []string{"b", "c"} {
		if err := r.reload(text(path)); err != nil {
			t.Fatal(err)
		}
		keeps("after a reload to " + path)
	}
	if _, m := r.get("/metrics"); !strings.Contains(m, `cdrelay_paused_until_timestamp_seconds{sink="dead"} 2.534`) {
		t.Error("the pause has ended")
	}
	if got := dead.n.Load(); got != n {
		t.Errorf("the sink was asked %d times more", got-n)
	}
}
