package delivery

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// scrapeTimeout bounds the reading of the spool at a scrape.
const scrapeTimeout = 2 * time.Second

// Gauges computes the state of the lanes at each scrape, so that it is never
// stale; it is a prometheus.Collector.
type Gauges struct {
	// Lanes gives the lanes as the spool sees them.
	Lanes func(context.Context) ([]spool.LaneStatus, error)
	// Intake gives the number of dead letters of stage intake.
	Intake func() int64
	// Breaker gives the state of a sink's breaker; false where it has no lane.
	Breaker func(sink string) (outbound.State, bool)
}

// gaugeDescs are the descriptions of the series that Gauges makes.
type gaugeDescs struct{ pending, doubtful, oldest, letters, breaker, paused *prometheus.Desc }

func describe() gaugeDescs {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return gaugeDescs{
		pending:  desc("cdrelay_pending_deliveries", "Deliveries that wait in a lane.", "sink"),
		doubtful: desc("cdrelay_doubtful_deliveries", "Deliveries that wait and fail while the sink takes others.", "sink"),
		oldest:   desc("cdrelay_oldest_pending_timestamp_seconds", "When the oldest waiting delivery that is not doubtful was accepted or last replayed; 0 when none waits.", "sink"),
		letters:  desc("cdrelay_dead_letters", "Dead letters that are kept.", "stage", "sink"),
		breaker:  desc("cdrelay_breaker_state", "1 for the state that the sink's breaker is in.", "sink", "state"),
		paused:   desc("cdrelay_paused_until_timestamp_seconds", "When the lane's pause ends; 0 without one.", "sink"),
	}
}

// Describe implements prometheus.Collector.
func (g *Gauges) Describe(ch chan<- *prometheus.Desc) {
	d := describe()
	for _, desc := range []*prometheus.Desc{d.pending, d.doubtful, d.oldest, d.letters, d.breaker, d.paused} {
		ch <- desc
	}
}

// Collect implements prometheus.Collector.
func (g *Gauges) Collect(ch chan<- prometheus.Metric) {
	d := describe()
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	gauge(d.letters, float64(g.Intake()), string(spool.StageIntake), "")
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	lanes, err := g.Lanes(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(d.pending, err)
		return
	}
	for _, l := range lanes {
		gauge(d.pending, float64(l.Waiting), l.Sink)
		gauge(d.doubtful, float64(l.Doubtful), l.Sink)
		gauge(d.oldest, seconds(l.OldestSure), l.Sink)
		gauge(d.letters, float64(l.DeadLetters), string(spool.StageDelivery), l.Sink)
		gauge(d.paused, seconds(l.Pause.Until), l.Sink)
		if state, ok := g.Breaker(l.Sink); ok {
			for _, s := range []outbound.State{outbound.Closed, outbound.HalfOpen, outbound.Open} {
				gauge(d.breaker, oneIf(s == state), l.Sink, s.String())
			}
		}
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
