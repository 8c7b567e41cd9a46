package delivery

import (
	"math"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// wait is the wait after attempt n = h.Spent, before the next one: random between
// 0 and
//
//	min(max, first × factorⁿ⁻¹)
//
// It counts attempts: quick tries change nothing. For a doubtful delivery Longest
// takes the place of max, and the wait is three quarters of that or more: there is
// no herd to spread, and doubtful_attempts shall last for a weekend where few
// attempts are in doubt. random returns a number in [0, 1).
func (r RetrySettings) wait(h spool.History, random func() float64) time.Duration {
	top := float64(r.First) * math.Pow(r.Factor, float64(h.Spent-1))
	if h.Doubtful {
		top = min(top, float64(r.Longest()))
		return time.Duration(top*3/4 + top/4*random())
	}
	return time.Duration(min(top, float64(r.Max)) * random())
}

// Longest is the longest wait of the schedule, that of a doubtful delivery.
func (r RetrySettings) Longest() time.Duration { return max(r.Max, r.GiveUpAfter/4) }
