package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestTraces: trace context goes from the callback to the sink, and a reload
// brings a collector and takes it away again.
func TestTraces(t *testing.T) {
	var spans atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" && r.Header.Get("Authorization") == "Bearer o" {
			spans.Add(1)
		}
	}))
	t.Cleanup(collector.Close)
	got := make(chan string, 10)
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("traceparent") }))
	t.Cleanup(crm.Close)
	plain := head(t.TempDir()) + toCRM(crm.URL)
	traced := plain + fmt.Sprintf("tracing: {otlp_endpoint: %q, headers: {Authorization: Bearer o}}\n", collector.URL)

	const trace = "00-0af7651916cd43dd8448eb211c80319c-"
	r := run(t, plain)
	for i, text := range []string{plain, traced, plain} {
		if err := r.reload(text); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.Addr().String()+"/callbacks/dialer?key=k",
			strings.NewReader(fmt.Sprintf(`{"id": %d, "companycode": "77"}`, i+1)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Traceparent", trace+"b7ad6b7169203331-01")
		if status := r.do(req, nil); status != http.StatusOK {
			t.Fatal(status)
		}
		if sent := <-got; !strings.HasPrefix(sent, trace) || strings.Contains(sent, "b7ad6b7169203331") {
			t.Errorf("the sink got traceparent %q", sent)
		}
	}
	r.stop()
	if spans.Load() == 0 {
		t.Error("the collector got nothing")
	}
}
