package operate

import (
	"fmt"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// schedule spaces what comes due one after the other. It is by the store's clock, as all
// that is due; operators speak of the wall clock, which is ahead of it where it was set.
type schedule struct {
	start time.Time
	ahead time.Duration
	rate  float64 // in a second; 0 for no bound
	done  int     // that took a place in the rate
}

// maxAhead bounds when a schedule begins: what waits for longer is forgotten.
const maxAhead = 366 * 24 * time.Hour

// schedule returns one that begins not before a time, and now for the zero time.
func (o *Operator) schedule(notBefore time.Time, rate float64) (schedule, error) {
	now := o.deps.Store.Now()
	s := schedule{rate: rate, ahead: time.Now().Round(0).Sub(now).Round(time.Second)} // less is not a clock that was set
	if s.start = notBefore.Add(-s.ahead); s.start.Before(now) {
		s.start = now
	}
	if s.start.Sub(now) > maxAhead {
		return s, &InputError{fmt.Sprintf(`"not_before" is %s, over a year ahead`, stamp(notBefore))}
	}
	return s, nil
}

// due is when the next one comes due.
func (s *schedule) due() time.Time { return spool.ReplayDue(s.start, s.done, s.rate) }

// next is the same by the wall clock; the zero time without a rate.
func (s *schedule) next() call.Time {
	if s.rate <= 0 {
		return call.Time{}
	}
	return call.At(s.due().Add(s.ahead))
}
