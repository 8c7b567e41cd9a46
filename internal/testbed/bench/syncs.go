package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// intakeAndSyncs is one section.
func (h *harness) intakeAndSyncs(ctx context.Context) (section, error) {
	out, err := h.intake(ctx)
	if err != nil {
		return out, err
	}
	return out, h.syncs(ctx, &out)
}

// syncs counts the real calls of fsync and fdatasync with strace, those of
// checkpoints too. The rate of such a run means nothing. Where there is no
// strace, the table goes without the figure.
func (h *harness) syncs(ctx context.Context, out *section) (err error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		h.say("syncs are not counted: there is no strace")
		return nil
	}
	h.say("syncs, counted by strace")
	counts := filepath.Join(h.dir, "strace")
	s, err := h.paused(ctx, []string{strace, "-f", "--seccomp-bpf", "-c", "-e", "trace=fsync,fdatasync", "-o", counts})
	if err != nil {
		return err
	}
	l, err := h.fire(ctx, &s.side, 64)
	if err := errors.Join(err, s.closeTraced()); err != nil {
		return err
	}
	n, err := countSyncs(counts)
	if err != nil {
		return err
	}
	out.add("intake.64.syncs", "fsync and fdatasync per callback, 64 connections, start and stop included", "", n/float64(l.Answered)).most(0.2)
	return nil
}

// closeTraced stops the program that strace started; strace ends with it.
func (s *server) closeTraced() error {
	pid := s.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return errors.Join(err, s.kill())
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return errors.Join(err, s.kill())
	}
	return errors.Join(syscall.Kill(child, syscall.SIGTERM), s.cmd.Wait())
}

// countSyncs adds the calls of the table that strace left.
func countSyncs(path string) (total float64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // only read
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		// % time, seconds, usecs/call, calls, errors if any, syscall
		fields := strings.Fields(lines.Text())
		if len(fields) >= 5 && strings.HasSuffix(fields[len(fields)-1], "sync") {
			n, err := strconv.ParseFloat(fields[3], 64)
			if err != nil {
				return 0, err
			}
			total += n
		}
	}
	if total == 0 {
		return 0, errors.Join(fmt.Errorf("strace counted no sync in %s", path), lines.Err())
	}
	return total, lines.Err()
}
