package sqlite

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the collectors that the spool feeds while it works.
type metrics struct {
	duration prometheus.Histogram
	calls    prometheus.Histogram
	errors   *prometheus.CounterVec
}

// ops lists the values of the label op.
func ops() []string {
	return []string{"accept", "undecodable", "commit", "lanes", "pause", "replay", "purge", "resend", "expire", "settle", "retry", "amend", "bury", "supersede", "retention", "vacuum", "set_aside", "probe", "clock", "erase", "note", "reopen", "place", "checkpoint", "hang", "index", "keep", "recount", "event"}
}

func newMetrics() *metrics {
	m := &metrics{
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cdrelay_spool_commit_duration_seconds", Help: "Time of one commit with its sync.",
			Buckets:                     []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
			NativeHistogramBucketFactor: 1.1,
		}),
		calls: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cdrelay_spool_commit_calls", Help: "Calls accepted in one commit (group commit), where there were any.",
			Buckets:                     []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024},
			NativeHistogramBucketFactor: 1.1,
		}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cdrelay_spool_errors_total", Help: "Operations that the spool could not carry out, by kind.",
		}, []string{"op"}),
	}
	for _, op := range ops() {
		m.errors.WithLabelValues(op)
	}
	return m
}

func (m *metrics) commit(d time.Duration, calls int, err error) {
	if err != nil {
		m.errors.WithLabelValues("commit").Inc()
		return
	}
	m.duration.Observe(d.Seconds())
	if calls > 0 {
		m.calls.Observe(float64(calls))
	}
}

func (m *metrics) failed(op string) { m.errors.WithLabelValues(op).Inc() }

// Describe and Collect make a Store a prometheus.Collector: its own histograms
// and counters, and gauges computed at the scrape.
func (s *Store) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

// Collect implements prometheus.Collector.
func (s *Store) Collect(ch chan<- prometheus.Metric) {
	s.metrics.duration.Collect(ch)
	s.metrics.calls.Collect(ch)
	s.metrics.errors.Collect(ch)
	gauge := func(name, help string, v float64, labels ...string) {
		names := []string{"kind"}[:len(labels)]
		ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), prometheus.GaugeValue, v, labels...)
	}
	pending, history, dead := s.bytesByKind()
	const bytesHelp = "Bytes in use, shared out by the number of calls: waiting ones, delivered history, dead letters (an estimate)."
	gauge("cdrelay_spool_bytes", bytesHelp, pending, "pending")
	gauge("cdrelay_spool_bytes", bytesHelp, history, "history")
	gauge("cdrelay_spool_bytes", bytesHelp, dead, "dead")
	gauge("cdrelay_spool_max_bytes", "The configured spool.max_bytes.", float64(s.limits.Load().MaxBytes))
	gauge("cdrelay_spool_limit_bytes", "How many bytes may be in use: spool.max_bytes, or what the file system holds where that is less.", float64(s.limit.Load()))
	if free, err := s.free(); err == nil {
		gauge("cdrelay_spool_free_bytes", "Room on the file system of the spool.", float64(free))
	}
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("cdrelay_spool_quarantined_total",
		"Damaged files and records that were set aside.", nil, nil), prometheus.CounterValue, float64(s.asides.Load()))
}

// bytesByKind shares the bytes in use out by counts: exact sizes would need a
// pass over the file.
func (s *Store) bytesByKind() (pending, history, dead float64) {
	waiting, letters := int64(0), s.intakes.Load()
	for _, l := range s.allLanes() {
		waiting = max(waiting, l.waiting.Load()) // the same calls may wait in several lanes
		letters += l.dead.Load()
	}
	total := max(s.calls.Load()+s.intakes.Load(), waiting+letters, 1)
	each := float64(s.used.Load()) / float64(total)
	pending, dead = each*float64(waiting), each*float64(letters)
	return pending, float64(s.used.Load()) - pending - dead, dead
}
