package crash

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fullBody is the size of the largest callback.
const fullBody = 1 << 20

// shapes are the insides of callbacks that take the most memory in some place:
// each is repeated until the callback has its full size.
func shapes() map[string]struct{ before, unit, after string } {
	return map[string]struct{ before, unit, after string }{
		"letters":          {`"other":"`, "a", `"`},
		"quotation marks":  {`"other":"`, "‹", `"`},
		"markup":           {`"other":"`, "<", `"`},
		"escapes":          {`"other":"`, `\"`, `"`},
		"unicode escapes":  {`"other":"`, `\u0001`, `"`},
		"digits":           {`"caller":"`, "1", `"`},
		"not UTF-8":        {`"other":"`, "\xff", `"`},
		"members":          {`"x":0`, `,"":0`, ``},
		"lists of numbers": {`"x":[0`, `,1`, `]`},
		"objects":          {`"x":[0`, `,{"":0}`, `]`},
		"repeated objects": {`"x":1,"x":[0`, `,{"a":{"":0},"a":[]}`, `]`},
		"nesting":          {`"x":[0`, `,[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]`, `]`},
	}
}

// swollenBody returns callback n of a shape, gzipped.
func swollenBody(shape string, n int) []byte {
	s := shapes()[shape]
	head := fmt.Sprintf(`{"callId":"swollen-%d","direction":0,%s`, n, s.before)
	room := fullBody - len(head) - len(s.after) - len("}")
	return packed(head + strings.Repeat(s.unit, room/len(s.unit)) + s.after + "}")
}

// packed gzips a text.
func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // memory takes all
	_ = z.Close()
	return b.Bytes()
}

// flood posts callbacks and notes those that were acknowledged.
type flood struct {
	tb     testing.TB
	client *http.Client
	// also is an answer that is right besides 200 and 503.
	also string

	mu      sync.Mutex // guards everything below
	acked   map[string]bool
	answers map[string]int
}

func newFlood(tb testing.TB) *flood {
	tb.Helper()
	f := &flood{tb: tb, client: &http.Client{Timeout: patience}, acked: map[string]bool{}, answers: map[string]int{}}
	tb.Cleanup(f.client.CloseIdleConnections)
	return f
}

// post sends a body and notes the answer, which must be 200, or 503 with
// Retry-After.
func (f *flood) post(ctx context.Context, target string, body []byte) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target+"/callbacks/nxlink", bytes.NewReader(body))
	if err != nil {
		f.tb.Error(err)
		return
	}
	req.Header.Set("Token", "nxcc-secret")
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := f.client.Do(req)
	if err != nil {
		f.note(err.Error(), "")
		return
	}
	defer func() { _ = resp.Body.Close() }()
	var r receipt
	switch resp.StatusCode {
	case http.StatusOK:
		err = json.NewDecoder(resp.Body).Decode(&r)
	case http.StatusServiceUnavailable:
		if resp.Header.Get("Retry-After") == "" {
			err = fmt.Errorf("503 without Retry-After")
		}
	}
	if err != nil {
		f.note(err.Error(), "")
		return
	}
	f.note(resp.Status[:3], r.ID)
}

func (f *flood) note(answer, id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[answer]++
	if id != "" {
		f.acked[id] = true
	}
	if answer != "200" && answer != "503" && answer != f.also {
		f.tb.Error(answer)
	}
}

// pour posts the bodies of numbers up to n, so many at once.
func (f *flood) pour(ctx context.Context, target string, atOnce, n int, body func(int) []byte) {
	var posting sync.WaitGroup
	var next atomic.Int64
	for range atOnce {
		posting.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				f.post(ctx, target, body(int(i)))
			}
		})
	}
	posting.Wait()
}

// hanging are sinks that take requests and do not answer until they are told to.
type hanging struct {
	servers []*httptest.Server
	answer  chan struct{} // closed when they answer

	mu  sync.Mutex // guards got
	got []map[string]bool
}

func newHanging(tb testing.TB, sinks int) *hanging {
	tb.Helper()
	h := &hanging{answer: make(chan struct{})}
	for i := range sinks {
		h.got = append(h.got, map[string]bool{})
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(i, w, r) }))
		tb.Cleanup(s.Close)
		h.servers = append(h.servers, s)
	}
	return h
}

func (h *hanging) serve(sink int, w http.ResponseWriter, r *http.Request) {
	// The id stands before everything that is long.
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(r.Body, head)
	_, id, _ := strings.Cut(string(head[:n]), `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the sender was killed
	}
	select {
	case <-h.answer:
	case <-r.Context().Done():
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got[sink][id] = true
	w.WriteHeader(http.StatusOK)
}

// count is how many calls a sink has got.
func (h *hanging) count(sink int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got[sink])
}

// config is that of the sinks, all of which get every call.
func (h *hanging) config() string {
	var sinks, names []string
	for i, s := range h.servers {
		names = append(names, fmt.Sprintf("sink-%d", i))
		sinks = append(sinks, fmt.Sprintf(`
  - {name: sink-%d, timeout: 2s, quick_tries: 0, max_request: 2MiB, webhook: {url: "%s"}, retry: {first: 100ms, max: 500ms}, breaker: {open_for: 200ms}}`, i, s.URL))
	}
	return "sinks:" + strings.Join(sinks, "") + "\nrules: [{name: all, to: [" + strings.Join(names, ", ") + "]}]\n"
}

// drained waits until each sink has got each acknowledged call, or a dead letter
// says why not.
func (h *hanging) drained(p *process, acked int) {
	p.tb.Helper()
	close(h.answer)
	eventually(p.tb, 2*patience, "every acknowledged call is delivered or is a dead letter", func() bool {
		if !p.alive() {
			p.tb.Fatalf("the server ended: %v\n%s", p.err, p.log)
		}
		for i, s := range p.status().Sinks {
			if s.Pending > 0 || h.count(i)+int(s.DeadLetters) < acked {
				return false
			}
		}
		return true
	})
}

// TestCrashSwollenCallbacksNoRace posts forty callbacks of 1 MiB, sixteen at once, in
// some 50 KB, for twelve sinks that hang, then kills the server and starts it
// again: within the memory of a pod it answers, starts and drains.
func TestCrashSwollenCallbacksNoRace(t *testing.T) {
	for shape := range shapes() {
		t.Run(shape, func(t *testing.T) {
			t.Parallel() // each server has a memory limit of its own
			callbacks, sinks := 40, 12
			if shape != "letters" && os.Getenv("CDRELAY_CRASH_LONG") == "" {
				callbacks, sinks = 16, 4
			}
			h := newHanging(t, sinks)
			c, config := newCage(t), writeConfig(t, "", h.config())
			p := c.launch(t, config)
			p.awaitServing()
			f := newFlood(t)
			f.pour(t.Context(), p.public, 16, callbacks, func(n int) []byte { return swollenBody(shape, n) })
			if !p.alive() {
				t.Fatalf("the server ended: %v\n%s", p.err, p.log)
			}
			if len(f.acked) == 0 {
				t.Error("no callback was taken")
			}
			wait(t.Context(), time.Second) // the lanes lease what they can
			checkMemory(p)
			if !p.kill() {
				t.Fatalf("the server ended by itself: %v\n%s", p.err, p.log)
			}
			p = c.launch(t, config)
			p.awaitServing()
			wait(t.Context(), time.Second)
			h.drained(p, len(f.acked))
			checkMemory(p)
			t.Logf("answers %v", f.answers)
			p.stop()
		})
	}
}

// TestCrashSwollenBacklogNoRace fills the spool with callbacks of 1 MiB while no sink
// answers, until they are refused, and starts the server again and again: each
// start gets ready, and what was acknowledged is delivered in the end.
func TestCrashSwollenBacklogNoRace(t *testing.T) {
	h := newHanging(t, 12)
	c, config := newCage(t), writeConfig(t, ", max_bytes: 40MiB", h.config())
	p := c.launch(t, config)
	p.awaitServing()
	f := newFlood(t)
	f.pour(t.Context(), p.public, 4, 60, func(n int) []byte { return swollenBody("letters", n) })
	if f.answers["503"] == 0 || len(f.acked) < 10 {
		t.Errorf("answers %v, want a spool that fills up", f.answers)
	}
	for range 3 {
		if !p.kill() {
			t.Fatalf("the server ended by itself: %v\n%s", p.err, p.log)
		}
		p = c.launch(t, config)
		p.awaitServing()
		wait(t.Context(), time.Second)
	}
	h.drained(p, len(f.acked))
	checkMemory(p)
	p.stop()
}
