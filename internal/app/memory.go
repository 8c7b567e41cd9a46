package app

import (
	"math"
	"runtime/debug"
)

const (
	// usualMemory is assumed where nothing limits the heap.
	usualMemory = 154 << 20
	// mostMemory is what more memory is not needed for.
	mostMemory = 2 << 30
)

// heapLimit returns the bytes that the budgets of intake and of the lanes are parts
// of: the limit of the heap, which cmd/cdrelay derives from the container's.
func heapLimit() int64 {
	limit := debug.SetMemoryLimit(-1) // a negative limit changes nothing
	if limit == math.MaxInt64 {       // GOMEMLIMIT=off
		return usualMemory
	}
	return min(limit, mostMemory)
}

// The parts of the heap for what lanes have leased, for requests that are larger
// than their records, and for callbacks on their way. As much again is left for
// everything else and for garbage.
func laneMemory() int64     { return heapLimit() / 4 }
func requestMemory() int64  { return heapLimit() / 8 }
func callbackMemory() int64 { return heapLimit() / 4 }
