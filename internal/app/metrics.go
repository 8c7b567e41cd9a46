package app

import (
	"errors"
	"maps"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/cdrelay/cdrelay/internal/config"
)

// metrics are those of the process and its configuration.
type metrics struct {
	reloadOK   prometheus.Gauge
	reloadTime prometheus.Gauge
	hash       prometheus.Gauge
	purged     prometheus.Counter
	wrongToken prometheus.Counter
}

func newMetrics(r prometheus.Registerer, version string) (*metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := &metrics{
		reloadOK:   gauge("cdrelay_config_last_reload_successful", "1 when the configuration was last read without an error."),
		reloadTime: gauge("cdrelay_config_last_reload_success_timestamp_seconds", "When the configuration was last read without an error."),
		hash:       gauge("cdrelay_config_hash", "The first 48 bits of the hash of the configuration, as a number."),
		purged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cdrelay_spool_history_purged_total", Help: "Delivered calls erased before their time because of spool.max_bytes.",
		}),
	}
	m.wrongToken = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "cdrelay_admin_unauthorized_total", Help: "Requests to the private listener with a wrong token.",
	})
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "cdrelay_build_info", Help: "1, with the version of the binary.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	var errs []error
	for _, c := range []prometheus.Collector{
		m.reloadOK, m.reloadTime, m.hash, m.purged, m.wrongToken, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		errs = append(errs, r.Register(c))
	}
	return m, errors.Join(errs...)
}

// readiness is what /readyz answers, computed at the scrape.
func readiness(ready func() error) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "cdrelay_ready", Help: "1 when callbacks are taken, as /readyz tells; else 0.",
	}, func() float64 {
		if ready() != nil {
			return 0
		}
		return 1
	})
}

// shares are what sources hold in the spool, computed at the scrape: those that are
// configured and those that still hold something.
type shares struct{ app *App }

// Describe implements prometheus.Collector.
func (s shares) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(s, ch) }

// Collect implements prometheus.Collector.
func (s shares) Collect(ch chan<- prometheus.Metric) {
	held := s.app.spool.Shares()
	maps.DeleteFunc(held, func(_ string, bytes int64) bool { return bytes == 0 })
	for _, c := range s.app.state.Load().loaded.Sources {
		held[c.Name] += 0 // is there now
	}
	desc := prometheus.NewDesc("cdrelay_spool_source_bytes",
		"About the bytes of a source's calls that wait or ended as dead letters, and of its callbacks that were not understood; it may fill three quarters of max_bytes.",
		[]string{"source"}, nil)
	for source, bytes := range held {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(bytes), source)
	}
}

func (m *metrics) historyPurged(calls int) { m.purged.Add(float64(calls)) }

// loaded notes a configuration that is in use now.
func (m *metrics) loaded(h config.Hash) {
	m.hash.Set(h.Number())
	m.reloadOK.Set(1)
	m.reloadTime.SetToCurrentTime()
}

// reloadRefused notes that a configuration was not taken.
func (m *metrics) reloadRefused() { m.reloadOK.Set(0) }
