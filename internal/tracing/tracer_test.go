package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	pb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/cdrelay/cdrelay/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stand is a collector.
type stand struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	status int
	spans  []*pb.Span
	header http.Header
	about  string
}

func newStand(t *testing.T) *stand {
	t.Helper()
	s := &stand{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.header = r.Header
		if s.status != http.StatusOK {
			http.Error(w, strings.Repeat("no ", 1000), s.status)
			return
		}
		s.take(t, r.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *stand) take(t *testing.T, body io.Reader) {
	t.Helper()
	z, err := gzip.NewReader(body)
	if err != nil {
		t.Error(err)
		return
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Error(err)
	}
	var req collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(b, &req); err != nil {
		t.Error(err)
	}
	for _, rs := range req.GetResourceSpans() {
		s.about = rs.GetResource().String()
		for _, ss := range rs.GetScopeSpans() {
			s.spans = append(s.spans, ss.GetSpans()...)
		}
	}
}

func (s *stand) answer(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// safeBuffer is a log that the exporter writes while a test reads.
type safeBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// tracing gives a tracer with what it logs, in use for the configuration.
func tracing(t *testing.T, c Config) (*Tracer, *safeBuffer) {
	t.Helper()
	log := &safeBuffer{}
	tr := New("test", slog.New(slog.NewTextHandler(log, nil)))
	use(t, tr, c)
	t.Cleanup(func() { tr.Shutdown(context.WithoutCancel(t.Context())) })
	return tr, log
}

func use(t *testing.T, tr *Tracer, c Config) {
	t.Helper()
	e, err := tr.Prepare(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	tr.Use(t.Context(), e)
}

// callAndAttempt makes a callback with the context and one attempt of its call,
// and gives the context that was kept and the headers that were sent.
func callAndAttempt(t *testing.T, tr *Tracer, in Context) (kept Context, sent http.Header) {
	t.Helper()
	c := tr.Callback(t.Context(), in, "dialer", time.Now())
	kept = c.Context()
	c.Answered("accepted", "dialer:1", 1, http.StatusOK)
	a := tr.Attempt(t.Context(), kept, Delivery{Sink: "crm", CallID: "dialer:1", MessageID: "msg_1", Revision: 1})
	sent = http.Header{}
	a.Inject(sent)
	a.Try(time.Now(), time.Second, http.StatusServiceUnavailable, "unwell")
	a.Ended("unwell", false)
	return kept, sent
}

func TestWithoutACollectorTheContextIsPassedOn(t *testing.T) {
	plain, _ := tracing(t, Config{})
	for name, tr := range map[string]*Tracer{"nil": nil, "not configured": plain} {
		t.Run(name, func(t *testing.T) {
			const in = Context(parent + " a=1,b=2")
			kept, sent := callAndAttempt(t, tr, in)
			if kept != in {
				t.Errorf("kept %q, want what came", kept)
			}
			got := sent.Get("traceparent")
			if len(got) != len(parent) || got[:36] != parent[:36] || got[52:] != parent[52:] || got[36:52] == parent[36:52] {
				t.Errorf("sent %s, want %s with another span id", got, parent)
			}
			if state := sent.Get("tracestate"); state != "a=1,b=2" {
				t.Errorf("tracestate %q", state)
			}
			if _, again := callAndAttempt(t, tr, in); again.Get("traceparent") == got {
				t.Error("two attempts have one span id")
			}
			if kept, sent := callAndAttempt(t, tr, ""); kept != "" || len(sent) != 0 {
				t.Errorf("of no context: kept %q, sent %v", kept, sent)
			}
			if _, sent := callAndAttempt(t, tr, "damaged in the store"); len(sent) != 0 {
				t.Errorf("of no valid context: sent %v", sent)
			}
		})
	}
}

func TestNoContextCostsNothing(t *testing.T) {
	tr, _ := tracing(t, Config{})
	ctx, h, now := t.Context(), http.Header{}, time.Now()
	if n := testing.AllocsPerRun(100, func() {
		c := tr.Callback(ctx, Incoming(h), "dialer", now)
		c.Answered("accepted", "dialer:1", 1, http.StatusOK)
		a := tr.Attempt(ctx, c.Context(), Delivery{Sink: "crm", CallID: "dialer:1"})
		a.Inject(h)
		a.Try(now, time.Second, http.StatusOK, "delivered")
		a.Ended("delivered", true)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAHeaderOfTheConfigurationStays(t *testing.T) {
	h := http.Header{}
	h.Set("traceparent", "mine")
	(*Tracer)(nil).Attempt(t.Context(), parent, Delivery{}).Inject(h)
	if got := h.Values("traceparent"); len(got) != 1 || got[0] != "mine" {
		t.Errorf("sent %q", got)
	}
}

func TestSpansAreExported(t *testing.T) {
	s := newStand(t)
	tr, log := tracing(t, Config{Endpoint: s.URL, Headers: map[string]secret.Value{"X-Api-Key": secret.New("planted-secret")}})
	kept, sent := callAndAttempt(t, tr, parent+" a=1")
	callAndAttempt(t, tr, "")
	tr.Attempt(t.Context(), parent, Delivery{Sink: "crm"}) // not made, so never ended
	tr.Shutdown(t.Context())
	if len(s.spans) != 4 || s.header.Get("X-Api-Key") != "planted-secret" || !strings.Contains(s.about, "cdrelay") {
		t.Fatalf("%d spans with %v about %s", len(s.spans), s.header, s.about)
	}
	callback, attempt, root, child := s.spans[0], s.spans[1], s.spans[2], s.spans[3]
	same := func(what string, a, b []byte) {
		if !bytes.Equal(a, b) {
			t.Errorf("%s: %x and %x", what, a, b)
		}
	}
	of := func(c Context) []byte { id := c.span().SpanID(); return id[:] }
	trace := Context(parent).span().TraceID()
	same("the callback is a child of its sender's span", callback.GetParentSpanId(), of(parent))
	same("and of its trace", callback.GetTraceId(), trace[:])
	same("the callback's context is kept", callback.GetSpanId(), of(kept))
	same("the attempt is a child of the callback", attempt.GetParentSpanId(), callback.GetSpanId())
	same("its context is sent on", attempt.GetSpanId(), of(Context(sent.Get("traceparent"))))
	if sent.Get("tracestate") != "a=1" || !strings.HasSuffix(string(kept), "-01 a=1") {
		t.Errorf("tracestate: kept %q, sent %v", kept, sent)
	}
	if len(root.GetParentSpanId()) != 0 || bytes.Equal(root.GetTraceId(), callback.GetTraceId()) {
		t.Error("a callback without context does not begin a trace")
	}
	same("and its attempt belongs to it", child.GetParentSpanId(), root.GetSpanId())
	for _, want := range []string{"crm", "dialer:1", "msg_1", "unwell", "503"} {
		if !strings.Contains(attempt.String(), want) {
			t.Errorf("the attempt does not tell %s: %s", want, attempt)
		}
	}
	if attempt.GetStatus().GetCode() != pb.Status_STATUS_CODE_ERROR || callback.GetStatus().GetCode() == pb.Status_STATUS_CODE_ERROR {
		t.Errorf("statuses %v and %v", attempt.GetStatus(), callback.GetStatus())
	}
	if text := log.String(); text != "" {
		t.Errorf("logged: %s", text)
	}
}

func TestTheDecisionToSample(t *testing.T) {
	s := newStand(t)
	none := 0.0
	tr, _ := tracing(t, Config{Endpoint: s.URL, SampleRatio: &none})
	for in, flag := range map[Context]string{"": "-00", unsampled: "-00", parent: "-01"} {
		if kept, sent := callAndAttempt(t, tr, in); !strings.HasSuffix(string(kept), flag) || !strings.HasSuffix(sent.Get("traceparent"), flag) {
			t.Errorf("of %q: kept %q, sent %v, want the flag %s", in, kept, sent, flag)
		}
	}
	tr.Shutdown(t.Context())
	if len(s.spans) != 2 { // those whose sender asked for it
		t.Errorf("%d spans were exported, want 2", len(s.spans))
	}
}

func TestACollectorThatRefusesIsToldOnce(t *testing.T) {
	s := newStand(t)
	tr, log := tracing(t, Config{Endpoint: s.URL, Headers: map[string]secret.Value{"X-Api-Key": secret.New("planted-secret")}})
	for _, status := range []int{200, 401, 401, 200, 200} {
		s.answer(status)
		callAndAttempt(t, tr, "")
		if err := tr.current.Load().provider.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	text := log.String()
	if n := strings.Count(text, "\n"); n != 2 || !strings.Contains(text, "does not take spans") || !strings.Contains(text, "takes spans again") {
		t.Errorf("%d lines, want one for each change:\n%s", n, text)
	}
	if strings.Contains(text, "planted-secret") || len(text) > 4*maxDetail {
		t.Errorf("logged: %s", text)
	}
	for result, want := range map[string]float64{resultExported: 6, resultFailed: 4} {
		if got := testutil.ToFloat64(tr.spans.WithLabelValues(result)); got != want {
			t.Errorf("%v spans %s, want %v", got, result, want)
		}
	}
}

func TestADeadCollectorDoesNotHoldUpTheEnd(t *testing.T) {
	hang := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(func() { close(hang); s.Close() })
	tr, log := tracing(t, Config{Endpoint: s.URL})
	callAndAttempt(t, tr, "")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	tr.Shutdown(ctx)
	if took := time.Since(begun); took > flushTime {
		t.Errorf("the end took %v", took)
	}
	if !strings.Contains(log.String(), "spans that waited were not exported") {
		t.Errorf("logged: %s", log)
	}
}

func TestAReloadChangesTheCollector(t *testing.T) {
	first, second := newStand(t), newStand(t)
	tr, _ := tracing(t, Config{Endpoint: first.URL})
	before := tr.current.Load()
	use(t, tr, Config{Endpoint: first.URL})
	if tr.current.Load() != before {
		t.Error("the same configuration has begun anew")
	}
	callAndAttempt(t, tr, "")
	use(t, tr, Config{Endpoint: second.URL})
	callAndAttempt(t, tr, "")
	use(t, tr, Config{})
	callAndAttempt(t, tr, "")
	tr.Shutdown(t.Context())
	if len(first.spans) != 2 || len(second.spans) != 2 {
		t.Errorf("%d and %d spans, want those of their time", len(first.spans), len(second.spans))
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	other := newStand(t)
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusPermanentRedirect))
	t.Cleanup(s.Close)
	tr, _ := tracing(t, Config{Endpoint: s.URL, Headers: map[string]secret.Value{"X-Api-Key": secret.New("planted-secret")}})
	callAndAttempt(t, tr, "")
	tr.Shutdown(t.Context())
	if other.header != nil {
		t.Error("the headers went to another host")
	}
}
