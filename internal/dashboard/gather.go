package dashboard

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// FromGatherer reads the counters from the metrics of the process. A metric that
// is not there, or cannot be read now, counts as 0.
func FromGatherer(g prometheus.Gatherer) func() Counters {
	return func() Counters {
		var c Counters
		families, _ := g.Gather() // what could be gathered comes with the error
		for _, f := range families {
			for _, m := range f.GetMetric() {
				c.take(f.GetName(), m)
			}
		}
		return c
	}
}

// take adds one series.
func (c *Counters) take(name string, m *dto.Metric) {
	switch name {
	case "cdrelay_callbacks_total":
		switch label(m, "result") {
		case "accepted", "duplicate", "ignored", "undecodable":
			c.Received += m.GetCounter().GetValue()
		}
	case "cdrelay_deliveries_total":
		if label(m, "result") == "delivered" {
			c.Delivered += m.GetCounter().GetValue()
		}
	case "cdrelay_dead_letters_total":
		c.DeadLetters += m.GetCounter().GetValue()
	case "cdrelay_pending_deliveries":
		c.Waiting += m.GetGauge().GetValue()
	}
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
