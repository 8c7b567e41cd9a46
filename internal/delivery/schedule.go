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
// It counts attempts: quick tries change nothing. random returns a number in
// [0, 1).
func (r RetrySettings) wait(h spool.History, random func() float64) time.Duration {
	top := float64(r.First) * math.Pow(r.Factor, float64(h.Spent-1))
	return time.Duration(min(top, float64(r.Max)) * random())
}
