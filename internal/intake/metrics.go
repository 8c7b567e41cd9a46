package intake

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/route"
)

// metrics are the collectors that this package owns. Labels are configured
// names and the closed set of results.
type metrics struct {
	callbacks *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	matched   *prometheus.CounterVec
	failed    *prometheus.CounterVec
	unrouted  *prometheus.CounterVec
	// unknown is the series of callbacks that has no source.
	unknown prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		callbacks: counter("callbacks_total", "Callbacks by source and what became of them.", "source", "result"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cdrelay_callback_duration_seconds",
			Help:    "Time from the head of a callback that passed the doors to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15), // 0.5 ms to 8 s

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"source"}),
		matched:  counter("rules_matched_total", "Accepted calls that a rule matched.", "rule"),
		failed:   counter("rule_errors_total", "Accepted calls on which a rule's condition had no value or failed; it counts as false.", "rule"),
		unrouted: counter("unrouted_total", "Accepted calls that no rule gave to a sink.", "source"),
	}
	m.unknown = m.callbacks.WithLabelValues("", string(unknownPath))
	for _, c := range []prometheus.Collector{m.callbacks, m.duration, m.matched, m.failed, m.unrouted} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register intake metrics: %w", err)
		}
	}
	return m, nil
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cdrelay_" + name, Help: help}, labels)
}

// sourceMetrics are the series of one source, looked up once. A series that was
// deleted can still be counted on and is then seen by nobody, so that a request
// in flight over a reload does not bring a dropped source back.
type sourceMetrics struct {
	results  map[result]prometheus.Counter
	duration prometheus.Observer
	unrouted prometheus.Counter
}

// source makes the series of a source, at zero, or finds them as they stand.
func (m *metrics) source(name string) sourceMetrics {
	s := sourceMetrics{
		results:  make(map[result]prometheus.Counter),
		duration: m.duration.WithLabelValues(name),
		unrouted: m.unrouted.WithLabelValues(name),
	}
	for _, r := range results() {
		s.results[r] = m.callbacks.WithLabelValues(name, string(r))
	}
	return s
}

func (m *metrics) dropSource(name string) {
	m.callbacks.DeletePartialMatch(prometheus.Labels{"source": name})
	m.duration.DeleteLabelValues(name)
	m.unrouted.DeleteLabelValues(name)
}

func (s sourceMetrics) count(r result, took time.Duration) {
	s.results[r].Inc()
	if r.authentic() {
		s.duration.Observe(took.Seconds())
	}
}

// ruleMetrics are the series of one rule.
type ruleMetrics struct{ matched, failed prometheus.Counter }

func (m *metrics) rule(name string) ruleMetrics {
	return ruleMetrics{matched: m.matched.WithLabelValues(name), failed: m.failed.WithLabelValues(name)}
}

func (m *metrics) dropRule(name string) {
	m.matched.DeleteLabelValues(name)
	m.failed.DeleteLabelValues(name)
}

// countRules counts the decision on a call that was kept.
func countRules(rules map[string]ruleMetrics, d route.Decision) {
	for _, r := range d.Rules {
		m, known := rules[r.Rule]
		if !known {
			continue
		}
		if r.Matched {
			m.matched.Inc()
		}
		if r.Err != nil {
			m.failed.Inc()
		}
	}
}
