package crash

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestCrashHostileSendersNoRace: silent, slow and swollen senders beside a healthy one,
// whose callbacks are all taken, in time.
func TestCrashHostileSendersNoRace(t *testing.T) {
	t.Parallel() // it waits for timeouts
	well := newRecorder(t, "well", alike(http.StatusOK))
	p := launch(t, writeConfig(t, "", sprintfSinks(`
sinks: [{name: well, webhook: {url: "%s"}}]
rules: [{name: all, to: [well]}]
`, well)))
	p.awaitServing()
	v := newVolley(t, 4)
	v.shoot(t.Context(), p.public, 4, 200)
	alone := v.taken()
	goroutines := p.idleGoroutines()

	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	idle := openIdle(t, p, numberFromEnv(t, "CDRELAY_CRASH_IDLE", 500))
	var hostile sync.WaitGroup
	for range 100 {
		hostile.Go(func() { slowHead(ctx, t, p) })
	}
	for range 50 {
		hostile.Go(func() { slowBody(ctx, t, p) })
	}
	for range 4 {
		hostile.Go(func() { swollen(ctx, t, p) })
	}
	ended := make(chan struct{})
	go func() {
		hostile.Wait()
		close(ended)
	}()
	healthy(ctx, p, v, ended)
	beside := v.taken()
	v.verdict(t)
	if n := v.answers["503"]; n > 0 {
		t.Errorf("%d healthy callbacks were refused", n)
	}
	if beside.at(0.5) > 10*alone.at(0.5)+50*time.Millisecond || beside.at(0.99) > 2*time.Second {
		t.Errorf("healthy callbacks take %v beside hostile ones, %v alone", beside, alone)
	}
	eventually(t, patience, "the healthy calls are delivered", func() bool { return well.count() == len(v.acked) })
	for _, c := range idle {
		_ = c.Close() // the server may have closed it first
	}
	settled(t, p, goroutines)
	_, most := p.memory()
	// An idle connection costs two buffers of 4 KiB and a stack.
	if limit := memoryLimit + 0.03*float64(len(idle)); most > limit {
		t.Errorf("the server took %.0f MB", most)
	}
	t.Logf("%d idle connections; alone: %v; beside: %v; memory at most %.0f MB", len(idle), alone, beside, most)
	p.stop()
}

// healthy posts at an even pace until the hostile senders have ended.
func healthy(ctx context.Context, p *process, v *volley, ended <-chan struct{}) {
	for ctx.Err() == nil {
		select {
		case <-ended:
			return
		default:
		}
		v.shoot(ctx, p.public, 4, 20)
		wait(ctx, 20*time.Millisecond)
	}
}

// openIdle opens connections that never say anything, as many as the limit of
// open files allows.
func openIdle(t *testing.T, p *process, n int) (open []net.Conn) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < uint64(n)+500 {
		t.Logf("the limit of open files is %d: fewer than %d idle connections", limit.Cur, n)
		n = int(limit.Cur) - 500
	}
	for range n {
		open = append(open, dial(t.Context(), t, p))
	}
	return open
}

func dial(ctx context.Context, t *testing.T, p *process) net.Conn {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(p.public, "http://"))
	if err != nil {
		t.Error(err)
		return &net.TCPConn{}
	}
	return c
}

// slowHead sends a head byte by byte and never ends it; the server must.
func slowHead(ctx context.Context, t *testing.T, p *process) {
	t.Helper()
	head := "POST /callbacks/dialer?key=dialer-secret HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X-Slow: loris\r\n", 1000)
	drip(ctx, t, p, "", head)
}

// slowBody announces a large body and sends it byte by byte.
func slowBody(ctx context.Context, t *testing.T, p *process) {
	t.Helper()
	const head = "POST /callbacks/dialer?key=dialer-secret HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
	drip(ctx, t, p, head, strings.Repeat(" ", 1000))
}

// drip sends some text at once and the rest a byte at a time, and wants the
// server to end the connection before that has come to its end.
func drip(ctx context.Context, t *testing.T, p *process, first, rest string) {
	t.Helper()
	c := dial(ctx, t, p)
	defer func() { _ = c.Close() }()
	begun := time.Now()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_, _ = io.Copy(io.Discard, c) // ends when the server ends it
	}()
	if _, err := io.WriteString(c, first); err != nil {
		return
	}
	for i := range len(rest) {
		select {
		case <-over:
			return
		case <-ctx.Done():
			t.Errorf("a slow sender was borne for %v", time.Since(begun))
			return
		case <-time.After(200 * time.Millisecond):
		}
		if _, err := io.WriteString(c, rest[i:i+1]); err != nil {
			return
		}
	}
}

// swollen sends huge heads and gzip bombs, which have their answers.
func swollen(ctx context.Context, t *testing.T, p *process) {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	bomb := gzipped(64 << 20)
	for range 15 {
		header(ctx, t, p, client)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.public+"/callbacks/dialer?key=dialer-secret", bytes.NewReader(bomb))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Encoding", "gzip")
		// 503: other bodies fill the budget at that moment.
		answered(t, client, req, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable)
	}
}

func header(ctx context.Context, t *testing.T, p *process, client *http.Client) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.public+"/callbacks/dialer?key=dialer-secret", http.NoBody)
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("X-Huge", strings.Repeat("a", 1<<20))
	answered(t, client, req, http.StatusRequestHeaderFieldsTooLarge)
}

// answered wants one of the answers, or the connection closed under a request
// that was too large to be read to its end.
func answered(t *testing.T, client *http.Client, req *http.Request, want ...int) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		return
	}
	_ = resp.Body.Close() // its status is what counts
	if !slices.Contains(want, resp.StatusCode) {
		t.Errorf("answer %d, want one of %v", resp.StatusCode, want)
	}
}

// gzipped packs so many zeros.
func gzipped(zeros int64) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.CopyN(w, zero{}, zeros) // memory takes all
	_ = w.Close()
	return b.Bytes()
}

// zero reads as zeros for ever.
type zero struct{}

func (zero) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
