package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// childEnv makes the test binary a process of its own: "open:" and a path opens
// that spool and closes it, "limited:" and a path runs into a full disk.
const childEnv = "SPOOL_TEST_CHILD"

func child(task string) int {
	what, path, _ := strings.Cut(task, ":")
	run := map[string]func(string) error{"open": openAndClose, "limited": limited}[what]
	if err := run(path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func openAndClose(path string) error {
	s, err := sqlite.Open(testContext(), spool.Config{Path: path}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}})
	if err != nil {
		return err
	}
	return s.Close(testContext())
}

func runChild(t *testing.T, task string) (code int, text string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+task)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestOneProcessOwnsASpool(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	s := open(t, spool.Config{Path: path})
	holder := fmt.Sprintf("process %d on ", os.Getpid())

	_, err := sqlite.Open(t.Context(), spool.Config{Path: path}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}})
	if err == nil || !strings.Contains(err.Error(), holder) {
		t.Errorf("a second open in this process: %v, want a refusal that names %q", err, holder)
	}
	if code, text := runChild(t, "open:"+path); code != 1 || !strings.Contains(text, holder) {
		t.Errorf("a second process: exit %d with %q, want 1 and %q", code, text, holder)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, text := runChild(t, "open:"+path); code != 0 {
		t.Errorf("after the close: exit %d with %q", code, text)
	}
}

// TestALockIsTakenOnAFullDisk: its text is as long as that of the process before,
// whatever the number of the process.
func TestALockIsTakenOnAFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	if err := open(t, spool.Config{Path: path}).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := read(t, path+".lock")
	if code, text := runChild(t, "open:"+path); code != 0 {
		t.Fatalf("exit %d: %s", code, text)
	}
	if after := read(t, path+".lock"); len(after) != len(before) || bytes.Equal(after, before) || !bytes.HasPrefix(after, []byte("process ")) {
		t.Errorf("before %q, after %q", before, after)
	}
}
