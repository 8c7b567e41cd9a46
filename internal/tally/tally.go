package tally

import (
	"slices"
	"sync"
	"time"
)

const (
	// slots is how many parts of a window are counted apart: it moves on by a
	// thirtieth of its length at a time.
	slots = 30
	// maxKinds bounds the kinds of a Tally.
	maxKinds = 10
)

// Tally counts events of a few kinds.
type Tally struct {
	kinds []string
	begun time.Time

	mu    sync.Mutex // guards rings
	rings [3]ring
}

// New returns a Tally of events of these kinds; beyond the tenth none is counted.
func New(kinds ...string) *Tally {
	t := &Tally{kinds: kinds[:min(len(kinds), maxKinds)], begun: time.Now()}
	for i, window := range []time.Duration{5 * time.Minute, time.Hour, 24 * time.Hour} {
		t.rings[i].width = window / slots
	}
	return t
}

// Add counts an event that took so long; 0 where nobody measured it. An event of
// another kind than those of New is not counted.
func (t *Tally) Add(kind string, took time.Duration) {
	if i := slices.Index(t.kinds, kind); i >= 0 {
		t.each(func(s *slot) {
			s.counts[i]++
			s.time(took)
		})
	}
}

// Time adds a time to those of the events, and counts nothing.
func (t *Tally) Time(took time.Duration) { t.each(func(s *slot) { s.time(took) }) }

// each changes the present slot of each window.
func (t *Tally) each(change func(*slot)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	since := time.Since(t.begun)
	for i := range t.rings {
		change(t.rings[i].at(since))
	}
}

// Counts are the counts of the three windows.
type Counts struct{ FiveMinutes, Hour, Day Count }

// Count is what happened within a window.
type Count struct {
	// Since is when the counting began: at the beginning of the window, or of the
	// Tally.
	Since time.Time
	// Total is how many events there were; Of is how many of each kind, without those
	// of which there was none.
	Total int
	Of    map[string]int
	// P50, P95 and P99 are how long that part of the measured ones took at most; 0 where
	// none was measured.
	P50, P95, P99 time.Duration
}

// Counts returns the counts as of now.
func (t *Tally) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	since := now.Sub(t.begun)
	var out [3]Count
	for i := range t.rings {
		out[i] = t.rings[i].count(since, t.kinds)
		out[i].Since = now.Add(-min(since, t.rings[i].reach(since)))
	}
	return Counts{FiveMinutes: out[0], Hour: out[1], Day: out[2]}
}

// ring is one window: the slot of the present and those before it.
type ring struct {
	width  time.Duration // of a slot
	newest int64         // the number of the newest slot since the beginning
	slots  [slots + 1]slot
}

type slot struct {
	counts [maxKinds]uint32
	times  [levels]uint32
}

func (s *slot) time(took time.Duration) {
	if took > 0 {
		s.times[level(took)]++
	}
}

// at moves the window on and returns the slot of the present.
func (r *ring) at(since time.Duration) *slot {
	n := int64(since / r.width)
	if n-r.newest > slots {
		r.newest = n - slots - 1
	}
	for r.newest < n {
		r.newest++
		r.slots[r.newest%(slots+1)] = slot{}
	}
	return &r.slots[r.newest%(slots+1)]
}

// reach is how far back the window goes: to the beginning of its oldest slot.
func (r *ring) reach(since time.Duration) time.Duration { return slots*r.width + since%r.width }

func (r *ring) count(since time.Duration, kinds []string) Count {
	r.at(since)
	var all slot
	for i := range r.slots {
		for k, n := range r.slots[i].counts {
			all.counts[k] += n
		}
		for k, n := range r.slots[i].times {
			all.times[k] += n
		}
	}
	c := Count{Of: map[string]int{}}
	for i, kind := range kinds {
		if n := int(all.counts[i]); n > 0 {
			c.Of[kind] = n
			c.Total += n
		}
	}
	c.P50, c.P95, c.P99 = quantile(all.times, .50), quantile(all.times, .95), quantile(all.times, .99)
	return c
}
