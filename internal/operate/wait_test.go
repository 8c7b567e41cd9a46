package operate_test

import (
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestWhatWasNeverTriedWaitsForItsTime: it settles, or was sent again at a rate.
func TestWhatWasNeverTriedWaitsForItsTime(t *testing.T) {
	r := newRig(t)
	r.deliver("a")
	settle := operate.Sink{Name: "settling", Configured: true, Breaker: "closed", Settle: time.Minute}
	slow := operate.Sink{Name: "new", Configured: true, Breaker: "closed"}
	r.deps.Server = func() operate.Server { return operate.Server{Sinks: []operate.Sink{slow, settle}} }
	lanes := []spool.LaneConfig{{Sink: "new", GiveUpAfter: time.Hour}, {Sink: "settling", GiveUpAfter: time.Hour, Settle: settle.Settle}}
	if err := r.spool.SetLanes(t.Context(), lanes); err != nil {
		t.Fatal(err)
	}
	b := acceptance("b")
	b.Route = func(*call.Record) ([]string, error) { return []string{"settling"}, nil }
	if _, err := r.spool.Accept(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	again := operate.BulkResend{Filter: &operate.CallFilter{}, Sinks: []string{"new", "settling"}, NotBefore: later, Rate: 1}
	if _, err := r.operator().ResendCalls(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]map[string]string{
		"a": {"new": "planned", "settling": "planned"},
		"b": {"new": "planned", "settling": "settle"},
	} {
		c, err := r.operator().Call(t.Context(), call.NewID("dialer", id))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range c.Deliveries {
			if d.State == "waiting" && (d.Wait == nil || d.Wait.For != want[d.Sink] || d.Wait.NextTryAt.IsZero()) {
				t.Errorf("%s waits for %s: %+v, want %s", id, d.Sink, d.Wait, want[d.Sink])
			}
			delete(want, d.Sink)
		}
		if len(want) > 0 {
			t.Errorf("%s is not owed to %v", id, want)
		}
	}
}
