package dashboard

import (
	"context"
	"net/http"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// overviewPage is the first page.
type overviewPage struct {
	frame
	Charts  []chart
	Width   int
	Height  int
	Sources []sourceRow
	Sinks   []sinkRow
	Totals  spool.Totals
}

type sourceRow struct {
	Source
	// Hour is what came in the last hour.
	Hour float64
}

// sinkRow is a sink as the server and the spool see it.
type sinkRow struct {
	Sink
	Lane spool.LaneStatus
	// State is a code of phrases.
	State     string
	Paused    bool
	ByUs      bool // paused by an operator
	PerMinute float64
}

func (b *Dashboard) overview(w http.ResponseWriter, r *http.Request) error {
	sinks, err := b.sinkRows(r.Context())
	if err != nil {
		return err
	}
	now := b.Counters()
	h := b.ring.history(b.Now(), now)
	p := overviewPage{frame: b.frame(r, "Overview"), Width: chartWide, Height: chartHigh, Sinks: sinks, Totals: b.Store.Totals()}
	received := growth(h, func(c Counters) float64 { return c.Received })
	delivered := growth(h, func(c Counters) float64 { return c.Delivered })
	letters := growth(h, func(c Counters) float64 { return c.DeadLetters })
	waiting := values(h, func(c Counters) float64 { return c.Waiting })
	p.Charts = []chart{
		newChart("Received", "callbacks in the last hour", "calm", sum(received), received),
		newChart("Delivered", "deliveries in the last hour", "good", sum(delivered), delivered),
		newChart("Waiting", "deliveries now", "wait", now.Waiting, waiting),
		newChart("Dead letters", "made in the last hour", "bad", sum(letters), letters),
	}
	for _, s := range p.Status.Sources {
		hour := growth(h, func(c Counters) float64 { return c.BySource[s.Name] })
		p.Sources = append(p.Sources, sourceRow{s, sum(hour)})
	}
	for i, s := range p.Sinks {
		p.Sinks[i].PerMinute = perMinute(h, func(c Counters) float64 { return c.BySink[s.Name] })
	}
	return b.render(w, http.StatusOK, "overview", p)
}

// sinkRows gives the configured sinks, and those that are gone and still hold
// something.
func (b *Dashboard) sinkRows(ctx context.Context) ([]sinkRow, error) {
	lanes, err := b.Store.Lanes(ctx)
	if err != nil {
		return nil, err
	}
	byName := map[string]spool.LaneStatus{}
	for _, l := range lanes {
		byName[l.Sink] = l
	}
	var out []sinkRow
	for _, s := range b.Status().Sinks {
		out = append(out, newSinkRow(s, byName[s.Name]))
		delete(byName, s.Name)
	}
	for _, l := range lanes {
		if _, left := byName[l.Sink]; left {
			out = append(out, newSinkRow(Sink{Name: l.Sink, Breaker: "gone"}, l))
		}
	}
	return out, nil
}

func newSinkRow(s Sink, l spool.LaneStatus) sinkRow {
	paused := l.Pause != (spool.Pause{})
	return sinkRow{Sink: s, Lane: l, State: s.Breaker, Paused: paused, ByUs: paused && l.Pause.By == spool.ByOperator}
}

func (b *Dashboard) pause(w http.ResponseWriter, r *http.Request) error {
	return b.setPause(w, r, spool.Pause{By: spool.ByOperator}, "paused")
}

func (b *Dashboard) resume(w http.ResponseWriter, r *http.Request) error {
	return b.setPause(w, r, spool.Pause{}, "resumed")
}

func (b *Dashboard) setPause(w http.ResponseWriter, r *http.Request, p spool.Pause, what string) error {
	sink := r.PathValue("name")
	if err := b.Store.SetPause(sink, p); err != nil {
		return err
	}
	b.Log.InfoContext(r.Context(), "an operator changed the pause of a sink", "via", via, "sink", sink, "paused", p.By == spool.ByOperator)
	return b.see(w, r, "/", what, 0)
}
