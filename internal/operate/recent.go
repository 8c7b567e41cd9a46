package operate

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/tally"
)

// Recent is what happened in the last five minutes, the last hour and the last day.
type Recent struct {
	FiveMinutes Window `json:"five_minutes"`
	Hour        Window `json:"hour"`
	Day         Window `json:"day"`
}

// Window is what happened within a time.
type Window struct {
	// Since is when the counting began: at the beginning of the window, or at the start
	// of the server.
	Since call.Time `json:"since"`
	Total int       `json:"total"`
	// SuccessRate is the part that went well, 0 to 1; absent where nothing happened.
	SuccessRate *float64 `json:"success_rate,omitempty"`
	// Results counts by the result.
	Results map[string]int `json:"results"`
	// Latency is absent where nothing was measured.
	Latency *Latency `json:"latency_ms,omitempty"`
}

// Latency is how long it took at most, for half of what happened, 95 and 99 of 100, in
// milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// RecentOf returns counts in the form of the API; the results that are good make the
// success rate.
func RecentOf(c tally.Counts, good ...string) *Recent {
	return &Recent{windowOf(c.FiveMinutes, good), windowOf(c.Hour, good), windowOf(c.Day, good)}
}

func windowOf(c tally.Count, good []string) Window {
	w := Window{Since: call.At(c.Since), Total: c.Total, Results: c.Of}
	if c.Total > 0 {
		n := 0
		for _, result := range good {
			n += c.Of[result]
		}
		rate := float64(n) / float64(c.Total)
		w.SuccessRate = &rate
	}
	if c.P99 > 0 {
		w.Latency = &Latency{millis(c.P50), millis(c.P95), millis(c.P99)}
	}
	return w
}

// millis returns milliseconds to a hundredth.
func millis(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// shortest returns the smallest window in which something happened; false where nothing
// did.
func (r *Recent) shortest() (Window, bool) {
	if r == nil {
		return Window{}, false
	}
	for _, w := range []Window{r.FiveMinutes, r.Hour, r.Day} {
		if w.Total > 0 {
			return w, true
		}
	}
	return Window{}, false
}
