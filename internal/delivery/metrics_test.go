package delivery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func registry(t *testing.T, all ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	for _, c := range all {
		if err := r.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func gather(t *testing.T, g prometheus.Gatherer) []*dto.MetricFamily {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// counter gives the value of the series of that name that has the labels' values.
func (w *world) counter(name string, values ...string) float64 {
	w.t.Helper()
	for _, f := range gather(w.t, registry(w.t, w.metrics)) {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && hasLabels(m, values) {
				return m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	w.t.Errorf("no series %s %v", name, values)
	return 0
}

func hasLabels(m *dto.Metric, values []string) bool {
	for _, v := range values {
		found := false
		for _, l := range m.GetLabel() {
			found = found || l.GetValue() == v
		}
		if !found {
			return false
		}
	}
	return true
}

// series are the names of all series of a sink, with the values of the labels.
func series(families []*dto.MetricFamily, sink string) map[string]float64 {
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			of := false
			for _, l := range m.GetLabel() {
				of = of || l.GetName() == "sink" && l.GetValue() == sink
				if l.GetName() != "sink" {
					labels = append(labels, l.GetValue())
				}
			}
			if of {
				out[strings.Join(append([]string{f.GetName()}, labels...), " ")] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return out
}

func TestSeriesExistFromTheStart(t *testing.T) {
	m := NewMetrics()
	m.Watch("crm")
	m.Watch("other")
	r := registry(t, m)
	got := series(gather(t, r), "crm")
	want := []string{
		"cdrelay_deliveries_total delivered", "cdrelay_deliveries_total rejected", "cdrelay_deliveries_total render",
		"cdrelay_deliveries_total expired", "cdrelay_deliveries_total sink_removed",
		"cdrelay_dead_letters_total rejected delivery", "cdrelay_dead_letters_total render delivery",
		"cdrelay_dead_letters_total expired delivery", "cdrelay_dead_letters_total sink_removed delivery",
		"cdrelay_attempts_total delivered", "cdrelay_attempts_total rejected", "cdrelay_attempts_total unwell",
		"cdrelay_attempts_total timeout", "cdrelay_attempts_total connect", "cdrelay_attempts_total credentials",
		"cdrelay_attempts_total paused", "cdrelay_attempts_total render",
		"cdrelay_deliveries_total failing", "cdrelay_dead_letters_total failing delivery", "cdrelay_replayed_total", "cdrelay_attempt_duration_seconds", "cdrelay_delivery_latency_seconds",
	}
	for _, name := range want {
		if v, ok := got[name]; !ok || v != 0 {
			t.Errorf("%s: %v, there: %v", name, v, ok)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d series, want %d: %v", len(got), len(want), got)
	}

	m.SinkRemoved("crm", 3)
	m.Replayed("crm", 2)
	m.Undecodable()
	got = series(gather(t, r), "crm")
	if got["cdrelay_deliveries_total sink_removed"] != 3 || got["cdrelay_dead_letters_total sink_removed delivery"] != 3 || got["cdrelay_replayed_total"] != 2 {
		t.Errorf("%v", got)
	}
	if got := series(gather(t, r), ""); got["cdrelay_dead_letters_total undecodable intake"] != 1 {
		t.Errorf("stage intake: %v", got)
	}
	m.Forget("crm")
	if left := series(gather(t, r), "crm"); len(left) != 0 {
		t.Errorf("left after Forget: %v", left)
	}
	if left := series(gather(t, r), "other"); len(left) != len(want) {
		t.Errorf("Forget took series of another sink: %v", left)
	}
}

func TestCountersOfOutcomes(t *testing.T) {
	bubble(t, func(w *world) {
		w.metrics.Watch("crm")
		s := setup{timeout: time.Second, texts: map[string]error{"z": errWire}}
		s.Retry.GiveUpAfter = 10 * time.Minute
		s.ConsecutiveFailures = 1000
		to := answers(func(n int, body string) reply {
			if body == "old/1" {
				return sick
			}
			return []reply{{}, sick, {err: errWire}, {hang: true}, {status: 401}, {status: 429, retryAfter: "1"}, {status: 422}, fine}[min(n, 7)]
		})
		w.start("crm", s, to)
		w.accept("crm", "a")
		w.sleep(5 * time.Minute)
		w.accept("crm", "b", "z", "old")
		w.sleep(30 * time.Minute)
		w.isWaiting("crm", 0)
		attempts := func(result string) float64 { return w.counter("cdrelay_attempts_total", "crm", result) }
		for result, want := range map[string]float64{"connect": 1, "timeout": 1, "credentials": 1, "paused": 1, "rejected": 1, "delivered": 1, "render": 1} {
			if got := attempts(result); got != want {
				t.Errorf("attempts_total %s is %v, want %v", result, got, want)
			}
		}
		if n := w.counter("cdrelay_attempt_duration_seconds", "crm"); n != float64(to.got()) || attempts("unwell") < 3 {
			t.Errorf("%v durations of %d requests, %v unwell", n, to.got(), attempts("unwell"))
		}
		for result, want := range map[string]float64{"delivered": 1, "rejected": 1, "render": 1, "expired": 1} {
			if got := w.counter("cdrelay_deliveries_total", "crm", result); got != want {
				t.Errorf("deliveries_total %s is %v, want %v", result, got, want)
			}
		}
		for _, reason := range []string{"rejected", "render", "expired"} {
			if got := w.counter("cdrelay_dead_letters_total", "crm", reason, "delivery"); got != 1 {
				t.Errorf("dead_letters_total %s is %v", reason, got)
			}
		}
		if n := w.counter("cdrelay_delivery_latency_seconds", "crm"); n != 1 {
			t.Errorf("%v latencies", n)
		}
	})
}

func TestLatencyIsNeverNegativeNorMadeUp(t *testing.T) {
	m := NewMetrics()
	m.delivered("crm", time.Time{})
	m.delivered("crm", time.Now().Add(time.Hour))
	for _, f := range gather(t, registry(t, m)) {
		if f.GetName() == "cdrelay_delivery_latency_seconds" {
			h := f.GetMetric()[0].GetHistogram()
			if h.GetSampleCount() != 1 || h.GetSampleSum() != 0 {
				t.Errorf("%d samples, sum %v", h.GetSampleCount(), h.GetSampleSum())
			}
		}
	}
}

func TestGauges(t *testing.T) {
	at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	g := &Gauges{
		Lanes: func(context.Context) ([]spool.LaneStatus, error) {
			return []spool.LaneStatus{
				{Sink: "crm", Configured: true, Waiting: 5, Doubtful: 2, DeadLetters: 2, Oldest: time.UnixMilli(500), OldestSure: time.UnixMilli(1500), Pause: spool.Pause{Until: at, By: spool.BySink}},
				{Sink: "gone", Waiting: 1},
			}, nil
		},
		Intake:  func() int64 { return 7 },
		Breaker: func(sink string) (outbound.State, bool) { return outbound.HalfOpen, sink == "crm" },
	}
	got := map[string]float64{}
	for _, f := range gather(t, registry(t, g)) {
		for _, m := range f.GetMetric() {
			name := strings.TrimPrefix(f.GetName(), "cdrelay_")
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{
		"pending_deliveries crm": 5, "pending_deliveries gone": 1, "doubtful_deliveries crm": 2, "doubtful_deliveries gone": 0,
		"oldest_pending_timestamp_seconds crm": 1.5, "oldest_pending_timestamp_seconds gone": 0,
		"dead_letters  intake": 7, "dead_letters crm delivery": 2, "dead_letters gone delivery": 0,
		"breaker_state crm closed": 0, "breaker_state crm half_open": 1, "breaker_state crm open": 0,
		"paused_until_timestamp_seconds crm": float64(at.UnixMilli()) / 1000, "paused_until_timestamp_seconds gone": 0,
	}
	for name, v := range want {
		if have, ok := got[name]; !ok || have != v {
			t.Errorf("%s is %v (there: %v), want %v", name, have, ok, v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
}

func TestGaugesOfABrokenStore(t *testing.T) {
	g := &Gauges{
		Lanes:   func(context.Context) ([]spool.LaneStatus, error) { return nil, errors.New("disk error") },
		Intake:  func() int64 { return 0 },
		Breaker: func(string) (outbound.State, bool) { return outbound.Closed, false },
	}
	families, err := registry(t, g).Gather()
	if err == nil || !strings.Contains(err.Error(), "disk error") || len(families) != 1 {
		t.Errorf("%v, %d families: want the error, and what does not depend on the store", err, len(families))
	}
}

func TestMetricsAreClean(t *testing.T) {
	m := NewMetrics()
	m.Watch("crm")
	g := &Gauges{
		Lanes:   func(context.Context) ([]spool.LaneStatus, error) { return []spool.LaneStatus{{Sink: "crm"}}, nil },
		Intake:  func() int64 { return 0 },
		Breaker: func(string) (outbound.State, bool) { return outbound.Open, true },
	}
	problems, err := testutil.GatherAndLint(registry(t, m, g))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
