package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	// podMemory is the memory limit of the chart.
	podMemory = 256 << 20
	// attackedMemory is the budget of resident memory under any attack, in MB.
	attackedMemory = 220
)

// cage is a memory limit for processes: of the kernel where cgroups can be made,
// which kills a process that goes beyond it, and else of the heap alone.
type cage struct {
	// procs is the file that takes the ids of processes; empty without cgroups.
	procs string
}

// newCage makes a limit of the pod's memory, which ends with the test.
func newCage(tb testing.TB) cage {
	tb.Helper()
	name := fmt.Sprintf("cdrelay-%d-%s", os.Getpid(), strings.NewReplacer("/", "-", " ", "-").Replace(tb.Name()))
	for _, kind := range []struct{ folder, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(kind.folder, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		tb.Cleanup(func() { _ = os.Remove(dir) }) // empty once its processes have ended
		limit := filepath.Join(dir, kind.limit)
		if _, err := os.Stat(limit); err != nil {
			continue // the folder holds no memory controller
		}
		if err := os.WriteFile(limit, []byte(strconv.Itoa(podMemory)), 0); err == nil {
			return cage{procs: filepath.Join(dir, "cgroup.procs")}
		}
	}
	tb.Log("no cgroup can be made here: GOMEMLIMIT takes its place")
	return cage{}
}

// launch starts the server within the limit.
func (c cage) launch(tb testing.TB, config string) *process {
	tb.Helper()
	return launchWith(tb, config, func(cmd *exec.Cmd) error {
		if c.procs == "" {
			cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", podMemory/10*6))
			return cmd.Start()
		}
		cmd.Args = append([]string{"sh", "-c", `echo $$ > "$0" && exec "$@"`, c.procs, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
		return cmd.Start()
	})
}

// checkMemory complains where a process has taken more than its budget.
func checkMemory(p *process) {
	p.tb.Helper()
	_, most := p.memory()
	if most > attackedMemory {
		p.tb.Errorf("the server took %.0f MB, want at most %d", most, attackedMemory)
	}
	p.tb.Logf("memory at most %.0f MB", most)
}
