package main

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// gcPercent lets the heap grow further between collections than Go's 100:
	// little of it lives long, so that most collections find nothing to do. With
	// 300, 2,000 hostile senders made it 211 MB; with 200 they make it 139.
	gcPercent = 200
	// memoryShare is how much of the container's memory limit the heap may have. The
	// rest is for the program itself, SQLite's pages and the kernel's buffers: some
	// 60 MB of the 256 MiB of the chart, measured under the worst senders.
	memoryShare = 0.6
	// usualHeap is the limit of the heap where there is none: that of the chart's
	// container. What cdrelay needs does not grow with what is sent or waits, so a
	// large machine is not a reason to take more.
	usualHeap = 154 << 20
	// noLimit is more than any limit that somebody means.
	noLimit = 1 << 50
)

// fitMemory makes the garbage collector fit a sidecar: lazy while there is room,
// and eager near the memory limit of the container, which the cgroup tells.
// GOGC and GOMEMLIMIT win where they are set; but see heapOf.
func fitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	set := os.Getenv("GOMEMLIMIT") != ""
	// Outside a container there is no limit, which is no fault. It changes nothing
	// where GOMEMLIMIT is set.
	_, _ = memlimit.Set(memlimit.WithRatio(memoryShare))
	switch limit := debug.SetMemoryLimit(-1); {
	case set && limit < noLimit:
		debug.SetMemoryLimit(heapOf(limit))
	case !set && limit > noLimit:
		debug.SetMemoryLimit(usualHeap)
	}
}

// heapOf returns the heap that a GOMEMLIMIT means. It is often that of the
// container, by the downward API of Kubernetes, and Go does not count SQLite's pages
// and the program itself in it: above the usual heap it is shared as the container's
// limit is, so that the process as a whole keeps to it.
func heapOf(limit int64) int64 {
	return min(limit, max(usualHeap, int64(memoryShare*float64(limit))))
}
