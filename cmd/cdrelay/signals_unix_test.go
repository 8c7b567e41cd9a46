//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slowFile is a configuration that hangs: whoever reads it waits until it is given
// its text.
type slowFile struct {
	t    *testing.T
	path string
	in   *os.File
}

func newSlowFile(t *testing.T) *slowFile {
	t.Helper()
	f := &slowFile{t: t, path: filepath.Join(t.TempDir(), "config.yaml")}
	if err := syscall.Mkfifo(f.path, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// awaitReader waits until the process reads the file, and so is far beyond the
// first instruction of serve.
func (f *slowFile) awaitReader() {
	f.t.Helper()
	eventually(f.t, "the configuration is being read", func() (read bool) {
		var err error
		f.in, err = os.OpenFile(f.path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err == nil
	})
	f.t.Cleanup(func() { _ = f.in.Close() }) // twice, where it was given its text
}

// becomes gives the file the text of another one, which then takes its name: who
// reads it again finds one that does not hang.
func (f *slowFile) becomes(config string) {
	f.t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		f.t.Fatal(err)
	}
	_, werr := f.in.Write(text)
	if err := errors.Join(werr, os.Rename(config, f.path), f.in.Close()); err != nil {
		f.t.Fatal(err)
	}
}

// TestSignalsBeforeServing: a SIGHUP ended the process, and a SIGTERM had to wait
// until the start was over.
func TestSignalsBeforeServing(t *testing.T) {
	t.Run("SIGHUP", func(t *testing.T) {
		f := newSlowFile(t)
		s := launch(t, f.path, nil)
		f.awaitReader()
		s.signal(syscall.SIGHUP)
		f.becomes(configure(t, ""))
		eventually(t, "it reads the configuration again", func() bool {
			return strings.Contains(s.log.String(), "the configuration was read again")
		})
	})
	t.Run("SIGTERM", func(t *testing.T) {
		f := newSlowFile(t)
		s := launch(t, f.path, nil)
		f.awaitReader()
		s.signal(syscall.SIGTERM)
		s.ends(0, 2*time.Second)
	})
}

// TestSignalsAreCaughtFirst: before the packages are initialized that take their
// time.
func TestSignalsAreCaughtFirst(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "cdrelay", "version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	caught := strings.Index(string(out), "init github.com/cdrelay/cdrelay/internal/interrupt ")
	for _, slow := range []string{"github.com/nyaruka/phonenumbers", "golang.org/x/crypto/x509roots/fallback"} {
		if at := strings.Index(string(out), "init "+slow+" "); caught < 0 || at < caught {
			t.Errorf("%s is initialized at byte %d, signals are caught at byte %d:\n%s", slow, at, caught, out)
		}
	}
}
