package delivery

import (
	"testing"
	"time"
)

// TestWhatALostLaneReportsIsNotCounted: another process drives the lane by now, makes
// the delivery again, and counts and tells how it ends.
func TestWhatALostLaneReportsIsNotCounted(t *testing.T) {
	for name, answer := range map[string]reply{
		"delivered": {status: 200}, "rejected": {status: 400}, "unwell": {status: 500}, "paused": {status: 429, retryAfter: "30"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				r := w.lane("crm", setup{moving: true, timeout: 500 * time.Millisecond}, script(answer))
				w.metrics.Watch("crm")
				r.store.stolen.Store(true)
				r.run()
				w.accept("crm", "a")
				w.sleep(500*time.Millisecond + commit)
				if r.sink.got() != 1 {
					t.Fatalf("%d requests, want 1", r.sink.got())
				}
				for _, result := range []string{"delivered", "rejected"} {
					if n := w.counter("cdrelay_deliveries_total", "crm", result); n != 0 {
						t.Errorf("%v deliveries are counted as %s", n, result)
					}
				}
				if n := w.log.count("the lane has another owner by now"); n != 1 {
					t.Errorf("the log tells of it %d times, want once", n)
				}
				if n := w.log.count("msg=\"dead letter\""); n != 0 {
					t.Errorf("the log tells of %d dead letters", n)
				}
				w.isWaiting("crm", 1)
			})
		})
	}
}
