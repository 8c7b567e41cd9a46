package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slowFile is a configuration that is not there yet: reading it hangs until serve
// is called.
func slowFile(t *testing.T) (path string, serve func()) {
	t.Helper()
	config := configure(t, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
		if err != nil {
			t.Error(err)
			return
		}
		_, werr := f.Write(text)
		// Who reads it again finds a file that does not hang.
		if err := errors.Join(werr, os.Rename(config, path), f.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestSignalsBeforeServing: a SIGHUP ended the process, and a SIGTERM too, or it
// was told only to a start that was over.
func TestSignalsBeforeServing(t *testing.T) {
	t.Run("SIGHUP", func(t *testing.T) {
		path, serve := slowFile(t)
		s := launch(t, path, nil)
		s.signalAwake(syscall.SIGHUP)
		serve()
		eventually(t, "it reads the configuration again", func() bool {
			return strings.Contains(s.log.String(), "the configuration was read again")
		})
	})
	t.Run("SIGTERM", func(t *testing.T) {
		path, _ := slowFile(t)
		s := launch(t, path, nil)
		s.signalAwake(syscall.SIGTERM)
		s.ends(0, 2*time.Second)
	})
}

// signalAwake sends a signal once the process is in Go code of its own: before
// that no program can handle it.
func (s *server) signalAwake(sig os.Signal) {
	s.t.Helper()
	eventually(s.t, "the signals are caught", func() bool {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		if err != nil {
			s.t.Fatal(err)
		}
		var caught uint64
		for line := range strings.Lines(string(status)) {
			if hex, ok := strings.CutPrefix(line, "SigCgt:"); ok {
				_, _ = fmt.Sscanf(strings.TrimSpace(hex), "%x", &caught)
			}
		}
		return caught&(1<<(syscall.SIGHUP-1)) != 0
	})
	<-time.After(20 * time.Millisecond) // Go's runtime catches them a moment before the program does
	s.signal(sig)
}
