package listen

import "github.com/prometheus/client_golang/prometheus"

// metrics are those of the listener that callbacks come to.
type metrics struct {
	open    prometheus.GaugeFunc
	refused *prometheus.CounterVec
}

func newMetrics(l *Listener) *metrics {
	m := &metrics{
		open: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "cdrelay_connections", Help: "Connections to the public listener that are served.",
		}, func() float64 { return float64(l.served()) }),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cdrelay_connections_refused_total",
			Help: "Connections to the public listener that were closed because of a bound: connections.max, connections.per_address, or 64 header lines.",
		}, []string{"reason"}),
	}
	for _, why := range []reason{overMax, overAddress, overHead} {
		m.refused.WithLabelValues(string(why))
	}
	return m
}

func (l *Listener) served() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// Describe and Collect make a Listener a prometheus.Collector.
func (l *Listener) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(l, ch) }

// Collect implements prometheus.Collector.
func (l *Listener) Collect(ch chan<- prometheus.Metric) {
	l.metrics.open.Collect(ch)
	l.metrics.refused.Collect(ch)
}
