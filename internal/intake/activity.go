package intake

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/tally"
)

// maxRefusals bounds the refused callbacks that are remembered of a source.
const maxRefusals = 5

// Activity is what came to a source lately.
type Activity struct {
	// Recent counts the callbacks by what became of them, as the metric does.
	Recent tally.Counts
	// Last is the last one that passed the doors; nil before the first.
	Last *Callback
	// Refused are the latest that were not taken for what they were or how they came,
	// the newest first; what could not be understood is kept as a dead letter instead.
	Refused []Refusal
}

// Callback is when a callback came and what became of it.
type Callback struct {
	At     time.Time
	Result string
	Status int
}

// Refusal is a callback that was refused. Nothing of what it carried is in it.
type Refusal struct {
	Callback
	// Client is the address of the sender; invalid where a proxy did not name one.
	Client netip.Addr
	Reason string
}

// activity collects the Activity of one source, over reloads too.
type activity struct {
	recent *tally.Tally

	mu      sync.Mutex // guards everything below
	last    Callback
	refused []Refusal // the oldest first
}

func newActivity() *activity {
	var kinds []string
	for _, r := range results() {
		kinds = append(kinds, string(r))
	}
	return &activity{recent: tally.New(kinds...)}
}

// note keeps what became of a callback, and from whom it came where it was refused.
func (a *activity) note(at time.Time, took time.Duration, given answer, client func() netip.Addr) {
	a.recent.Add(string(given.result), took)
	c := Callback{At: at, Result: string(given.result), Status: given.status}
	if given.result.refused() {
		a.refuse(Refusal{Callback: c, Client: client(), Reason: cmp.Or(given.reason, given.detail)})
	}
	if given.result.authentic() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.last = c
	}
}

func (a *activity) refuse(r Refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.refused) == maxRefusals {
		a.refused = slices.Delete(a.refused, 0, 1)
	}
	a.refused = append(a.refused, r)
}

func (a *activity) activity() Activity {
	out := Activity{Recent: a.recent.Counts()}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.last.At.IsZero() {
		last := a.last
		out.Last = &last
	}
	out.Refused = slices.Clone(a.refused)
	slices.Reverse(out.Refused)
	return out
}

// Activity returns what came to each source lately, by its name.
func (h *Handler) Activity() map[string]Activity {
	out := map[string]Activity{}
	for _, src := range h.current.Load().byPath {
		out[src.name] = src.activity.activity()
	}
	return out
}

// remember keeps what is known of each source, nothing at first.
func (s *set) remember(before *set) {
	known := map[string]*activity{}
	if before != nil {
		for _, src := range before.byPath {
			known[src.name] = src.activity
		}
	}
	for _, src := range s.byPath {
		if src.activity = known[src.name]; src.activity == nil {
			src.activity = newActivity()
		}
	}
}
