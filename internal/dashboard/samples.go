package dashboard

import (
	"slices"
	"sync"
	"time"
)

const (
	sampleEvery = time.Minute
	// sampleCount is an hour of samples.
	sampleCount = 60
)

// Counters are read once a minute. All but Waiting only grow.
type Counters struct {
	Received    float64
	Delivered   float64
	DeadLetters float64
	// Waiting is the number of deliveries that wait now.
	Waiting float64
}

// sample is what the counters were at a moment.
type sample struct {
	at time.Time
	Counters
}

// ring keeps the samples of the last hour.
type ring struct {
	mu      sync.Mutex // guards samples
	samples []sample
}

func (r *ring) add(at time.Time, c Counters) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, sample{at, c})
	if over := len(r.samples) - sampleCount; over > 0 {
		r.samples = slices.Delete(r.samples, 0, over)
	}
}

// history is the samples with the present moment as the last.
func (r *ring) history(at time.Time, c Counters) []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(slices.Clone(r.samples), sample{at, c})
}

// growth returns how much a counter grew between the samples. A counter that fell
// was reset, as when a sink was removed, and counts as still.
func growth(h []sample, of func(Counters) float64) []float64 {
	out := make([]float64, 0, len(h))
	for i := 1; i < len(h); i++ {
		out = append(out, max(0, of(h[i].Counters)-of(h[i-1].Counters)))
	}
	return out
}

func values(h []sample, of func(Counters) float64) []float64 {
	out := make([]float64, 0, len(h))
	for _, s := range h[1:] {
		out = append(out, of(s.Counters))
	}
	return out
}

func sum(v []float64) (total float64) {
	for _, x := range v {
		total += x
	}
	return total
}
