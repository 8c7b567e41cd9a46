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
// GOGC and GOMEMLIMIT win where they are set.
func fitMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// Outside a container there is no limit, which is no fault.
	_, _ = memlimit.Set(memlimit.WithRatio(memoryShare))
	if os.Getenv("GOMEMLIMIT") == "" && debug.SetMemoryLimit(-1) > noLimit {
		debug.SetMemoryLimit(usualHeap)
	}
}
