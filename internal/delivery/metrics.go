package delivery

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Metrics are the counters of all lanes; it is a prometheus.Collector.
type Metrics struct {
	deliveries *prometheus.CounterVec
	letters    *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	replayed   *prometheus.CounterVec
	steps      *prometheus.CounterVec
	lookups    *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	latency    *prometheus.HistogramVec
}

// NewMetrics makes the counters; Watch makes the series of a sink.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: 1.1,
		}, []string{"sink"})
	}
	return &Metrics{
		deliveries: counter("cdrelay_deliveries_total", "Deliveries that ended, by how.", "sink", "result"),
		letters:    counter("cdrelay_dead_letters_total", "Dead letters made, by stage, sink and reason.", "stage", "sink", "reason"),
		attempts:   counter("cdrelay_attempts_total", "Wire tries, by result.", "sink", "result"),
		replayed:   counter("cdrelay_replayed_total", "Dead letters put back into their lane by an operator.", "sink"),
		steps:      counter("cdrelay_step_requests_total", "Wire tries of sinks that take several requests for a delivery, by step and result.", "sink", "step", "result"),
		lookups:    counter("cdrelay_lookup_cache_total", "Lookups of steps: answered by what was kept (hit), by what was not found a short time ago (empty), or by the sink (asked).", "sink", "step", "result"),
		duration: histogram("cdrelay_attempt_duration_seconds", "Time of one wire try.",
			.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60),
		latency: histogram("cdrelay_delivery_latency_seconds", "Time from the callback's receipt to its delivery.",
			.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 28800, 86400),
	}
}

// Values of the label result that no meaning and no reason gives.
const (
	resultDelivered = "delivered"
	resultRender    = "render"
	// resultSuperseded: a newer revision of the call took its place.
	resultSuperseded = "superseded"
)

// results are the values of the label result of attempts_total.
func results() []outbound.Meaning {
	return []outbound.Meaning{
		outbound.Delivered, outbound.Rejected, outbound.Unwell, outbound.Timeout,
		outbound.Connect, outbound.Credentials, outbound.Paused,
	}
}

// Watch makes all series of a sink, at zero, and those of stage intake.
func (m *Metrics) Watch(sink string) {
	m.deliveries.WithLabelValues(sink, resultDelivered)
	for _, r := range deliveryReasons() {
		m.deliveries.WithLabelValues(sink, string(r))
		m.letters.WithLabelValues(string(spool.StageDelivery), sink, string(r))
	}
	for _, r := range results() {
		m.attempts.WithLabelValues(sink, r.String())
	}
	m.attempts.WithLabelValues(sink, resultRender)
	m.replayed.WithLabelValues(sink)
	m.duration.WithLabelValues(sink)
	m.latency.WithLabelValues(sink)
	m.letters.WithLabelValues(string(spool.StageIntake), "", string(spool.Undecoded))
}

// WatchSteps makes the series of the steps of a sink, at zero; looked are the results
// of lookups.
func (m *Metrics) WatchSteps(sink string, steps, looked []string) {
	for _, step := range steps {
		for _, r := range results() {
			m.steps.WithLabelValues(sink, step, r.String())
		}
		for _, r := range looked {
			m.lookups.WithLabelValues(sink, step, r)
		}
	}
}

// WatchSettling makes the series of a sink that waits for newer revisions, at zero.
func (m *Metrics) WatchSettling(sink string) { m.deliveries.WithLabelValues(sink, resultSuperseded) }

// Looked returns what counts the lookups of a sink.
func (m *Metrics) Looked(sink string) func(step, result string) {
	return func(step, result string) { m.lookups.WithLabelValues(sink, step, result).Inc() }
}

// deliveryReasons are the reasons of dead letters of stage delivery.
func deliveryReasons() []spool.Reason {
	return slices.DeleteFunc(spool.Reasons(), func(r spool.Reason) bool { return r == spool.Undecoded })
}

// Forget deletes the series of a sink that a reload removed.
func (m *Metrics) Forget(sink string) {
	labels := prometheus.Labels{"sink": sink}
	for _, v := range []interface{ DeletePartialMatch(prometheus.Labels) int }{
		m.deliveries, m.letters, m.attempts, m.replayed, m.steps, m.lookups, m.duration, m.latency,
	} {
		v.DeletePartialMatch(labels)
	}
}

// SinkRemoved counts dead letters made because their sink is gone.
func (m *Metrics) SinkRemoved(sink string, n int) { m.ended(sink, spool.SinkRemoved, n) }

// Undecodable counts a dead letter of stage intake.
func (m *Metrics) Undecodable() {
	m.letters.WithLabelValues(string(spool.StageIntake), "", string(spool.Undecoded)).Inc()
}

// Replayed counts dead letters put back into a sink's lane.
func (m *Metrics) Replayed(sink string, n int) { m.replayed.WithLabelValues(sink).Add(float64(n)) }

// delivered counts a delivery. Its latency is left out where it is not known,
// and never negative: a histogram's sum must not fall.
func (m *Metrics) delivered(sink string, received time.Time) {
	m.deliveries.WithLabelValues(sink, resultDelivered).Inc()
	if !received.IsZero() {
		m.latency.WithLabelValues(sink).Observe(max(0, time.Since(received).Seconds()))
	}
}

func (m *Metrics) ended(sink string, reason spool.Reason, n int) {
	m.deliveries.WithLabelValues(sink, string(reason)).Add(float64(n))
	m.letters.WithLabelValues(string(spool.StageDelivery), sink, string(reason)).Add(float64(n))
}

func (m *Metrics) attempted(sink string, t outbound.Try) {
	m.attempts.WithLabelValues(sink, t.Meaning.String()).Inc()
	if t.Name != "" {
		m.steps.WithLabelValues(sink, t.Name, t.Meaning.String()).Inc()
	}
	m.duration.WithLabelValues(sink).Observe(t.Duration.Seconds())
}

func (m *Metrics) superseded(sink string) { m.deliveries.WithLabelValues(sink, resultSuperseded).Inc() }

func (m *Metrics) rendered(sink string) { m.attempts.WithLabelValues(sink, resultRender).Inc() }

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.collectors() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.collectors() {
		c.Collect(ch)
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.deliveries, m.letters, m.attempts, m.replayed, m.steps, m.lookups, m.duration, m.latency}
}
