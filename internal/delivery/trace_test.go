package delivery

import (
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestTraceContextIsSentOn: the same trace at every attempt, over a restart too,
// with a span id of its own; none where the callback had none.
func TestTraceContextIsSentOn(t *testing.T) {
	bubble(t, func(w *world) {
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		to := always(sick)
		r := w.start("crm", setup{quick: 1}, to)
		_, err := w.spool.Accept(w.t.Context(), spool.Acceptance{
			Record: &call.Record{Schema: call.SchemaID, ID: "test:a", Source: "test"}, Trace: parent + " vendor=1",
			Route: func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		w.sleep(5 * time.Second)
		r.stop(time.Second)
		w.down(time.Minute)
		to.becomes(fine)
		w.start("crm", setup{}, to)
		w.accept("crm", "b")
		w.sleep(time.Minute)
		w.isState("crm", "delivered", "a", "b")

		spans := map[string]int{}
		for _, q := range to.requests {
			got, state := q.header.Get("traceparent"), q.header.Get("tracestate")
			if q.body == "b/1" {
				if got != "" || state != "" {
					t.Errorf("a call without trace context was sent with %q and %q", got, state)
				}
				continue
			}
			if len(got) != len(parent) || got[:36] != parent[:36] || got[52:] != parent[52:] || state != "vendor=1" {
				t.Fatalf("sent %q with %q", got, state)
			}
			spans[got]++
		}
		if _, same := spans[parent]; same || len(spans) < 2 {
			t.Errorf("traceparents sent: %v; want one of its own for each attempt", spans)
		}
	})
}
