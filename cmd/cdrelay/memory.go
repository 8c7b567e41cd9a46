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
	// memoryShare is how much of the container's memory limit the heap may have;
	// the rest is for SQLite's maps and the kernel's socket buffers.
	memoryShare = 0.8
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
}
