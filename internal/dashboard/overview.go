package dashboard

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// overviewPage is the first page.
type overviewPage struct {
	frame
	Charts  []chart
	Width   int
	Height  int
	Sources []sourceRow
	Sinks   []sinkRow
}

type sourceRow struct {
	operate.Source
	// Hour is what came in the last hour.
	Hour float64
}

// sinkRow is a sink with what the page adds.
type sinkRow struct {
	operate.Sink
	PerMinute float64
}

// ByUs reports whether an operator paused the sink.
func (s sinkRow) ByUs() bool { return s.Paused.ByOperator() }

// Broken returns the code of an open or half open breaker that the state does not tell
// of; empty for none.
func (s sinkRow) Broken() string {
	if code := "breaker_" + s.Breaker; s.Breaker != "closed" && s.Breaker != "" && code != s.State {
		return code
	}
	return ""
}

func (b *Dashboard) overview(w http.ResponseWriter, r *http.Request) error {
	f := b.frame(r, "Overview")
	if f.failed != nil {
		return f.failed
	}
	now := b.Counters()
	h := b.ring.history(b.Now(), now)
	p := overviewPage{frame: f, Width: chartWide, Height: chartHigh, Sinks: f.sinks()}
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

// sinks returns the configured sinks, and those that are gone and still hold
// something.
func (f frame) sinks() []sinkRow {
	var out []sinkRow
	for _, s := range f.Status.Sinks {
		out = append(out, sinkRow{Sink: s})
	}
	return out
}

func (b *Dashboard) pause(w http.ResponseWriter, r *http.Request) error {
	if _, err := b.Operate.Pause(r.Context(), r.PathValue("name"), operate.PauseRequest{}); err != nil {
		return err
	}
	return b.see(w, r, "/", "paused", 0)
}

func (b *Dashboard) resume(w http.ResponseWriter, r *http.Request) error {
	if _, err := b.Operate.Resume(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return b.see(w, r, "/", "resumed", 0)
}
