package dashboard

import (
	"math"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// overviewPage is the first page.
type overviewPage struct {
	frame
	Charts []chart
	Width  int
	Height int
	Sinks  []sinkRow
}

// sinkRow is a sink with what the page adds.
type sinkRow struct{ operate.Sink }

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

// Hour is what happened in the last hour; nil where nothing is counted.
func (s sinkRow) Hour() *windowRow {
	if s.Recent == nil {
		return nil
	}
	return &windowRow{Window: s.Recent.Hour}
}

// PerMinute is how many deliveries a minute were made in the last five.
func (s sinkRow) PerMinute(now time.Time) float64 {
	if s.Recent == nil {
		return 0
	}
	w := s.Recent.FiveMinutes
	return float64(w.Results["delivered"]) / max(1, now.Sub(w.Since.Time).Minutes())
}

// NotTaken is how many callbacks of the last hour were not answered 200.
func (f frame) NotTaken(r *operate.Recent) int {
	if r.Hour.SuccessRate == nil {
		return 0
	}
	return r.Hour.Total - int(math.Round(*r.Hour.SuccessRate*float64(r.Hour.Total)))
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
	return b.render(w, http.StatusOK, "overview", p)
}

// sinks returns the configured sinks, and those that are gone and still hold
// something.
func (f frame) sinks() []sinkRow {
	var out []sinkRow
	for _, s := range f.Status.Sinks {
		out = append(out, sinkRow{s})
	}
	return out
}
