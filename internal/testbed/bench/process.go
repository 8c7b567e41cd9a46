package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience bounds every wait for a process.
const patience = 2 * time.Minute

// process is a child. Its owner calls close.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr *tail
}

// start runs a program with the additional environment.
func start(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // our own binaries
	cmd.Env = append(os.Environ(), env...)
	p := &process{cmd: cmd, stderr: &tail{}}
	cmd.Stderr = p.stderr
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return p, nil
}

// rest and wake stop the process and let it go on.
func (p *process) rest() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }
func (p *process) wake() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// close ends the process by SIGTERM and waits for it.
func (p *process) close() error {
	_ = p.in.Close() // ends a peer
	if err := p.wake(); err != nil {
		return errors.Join(err, p.cmd.Wait())
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // may have ended meanwhile
	hang := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer hang.Stop()
	err := p.cmd.Wait()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() && status.Signal() == syscall.SIGTERM {
		return nil // a peer that had not got to the end of its input
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", p.cmd.Path, err, p.stderr)
	}
	return nil
}

// kill ends the process as a crash would.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // says that it was killed
	return err
}

// usage is what a process has used so far.
type usage struct {
	cpu     float64 // seconds
	written int64   // bytes that reached the block layer
}

// used reads the usage of a process that runs.
func (p *process) used() (u usage, err error) {
	text, err := p.proc("stat")
	if err != nil {
		return u, err
	}
	// The name of the command, in parentheses, may hold anything.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const ticks = 100 // USER_HZ, on every Linux that Go runs on
	for _, at := range []int{11, 12} {
		n, err := strconv.ParseFloat(fields[at], 64)
		if err != nil {
			return u, err
		}
		u.cpu += n / ticks
	}
	text, err = p.proc("io")
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(text, "\nwrite_bytes: ")
	line, _, _ := strings.Cut(rest, "\n")
	u.written, err = strconv.ParseInt(line, 10, 64)
	return u, err
}

// memory is the resident size now and at its greatest, in MB of a million bytes.
func (p *process) memory() (now, most float64, err error) {
	text, err := p.proc("status")
	if err != nil {
		return 0, 0, err
	}
	for name, into := range map[string]*float64{"VmRSS:": &now, "VmHWM:": &most} {
		_, rest, _ := strings.Cut(text, name)
		kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		v, err := strconv.ParseFloat(kb, 64)
		if err != nil {
			return 0, 0, err
		}
		*into = v * 1024 / 1e6
	}
	return now, most, nil
}

func (p *process) proc(file string) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	return string(text), err
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex // guards text: a goroutine of os/exec writes
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > 64<<10 {
		t.text = bytes.Clone(t.text[len(t.text)-16<<10:])
	}
	return len(b), nil
}

// String gives what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
