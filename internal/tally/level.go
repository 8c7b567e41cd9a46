package tally

import (
	"math"
	"time"
)

const (
	// levels is how many lengths of time are told apart: up to a millisecond, then up to
	// 1.19 times the one before, up to 65 s, and all that is longer.
	levels = 66
	// shortest is the bound of the first level.
	shortest = time.Millisecond
)

// level is the level of a length of time.
func level(d time.Duration) int {
	if d <= shortest {
		return 0
	}
	return min(int(math.Ceil(4*math.Log2(float64(d)/float64(shortest)))), levels-1)
}

// bound is the longest time of a level.
func bound(level int) time.Duration {
	return time.Duration(float64(shortest) * math.Exp2(float64(level)/4))
}

// quantile returns how long that part of the events took at most; 0 without any. What
// is within a level is taken as evenly spread.
func quantile(times [levels]uint32, part float64) time.Duration {
	var total uint64
	for _, n := range times {
		total += uint64(n)
	}
	rank := part * float64(total)
	for i, n := range times {
		if n > 0 && rank <= float64(n) {
			var below time.Duration
			if i > 0 {
				below = bound(i - 1)
			}
			return below + time.Duration(float64(bound(i)-below)*rank/float64(n))
		}
		rank -= float64(n)
	}
	return 0
}
