//go:build linux

package crash

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestNoServerOutlivesItsTest kills a test that has a server, as a test that
// takes too long is killed: the server must end too.
func TestNoServerOutlivesItsTest(t *testing.T) {
	const orphan = "CDRELAY_CRASH_ORPHAN"
	if os.Getenv(orphan) != "" {
		p := launch(t, writeConfig(t, "", ""))
		p.awaitServing()
		t.Logf("pid %d", p.cmd.Process.Pid) // for the test that runs this one
		<-p.ended
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoServerOutlivesItsTest$", "-test.v")
	cmd.Env = append(os.Environ(), orphan+"=1", "TMPDIR="+t.TempDir()) // what is left there goes with this test
	cmd.SysProcAttr = child()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		if _, text, ok := strings.Cut(lines.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(text) // 0 where it is none
		}
	}
	if pid == 0 || !runs(pid) {
		t.Fatalf("the test started no server: pid %d, %v", pid, cmd.Wait())
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	eventually(t, 10*time.Second, "the server has ended", func() bool { return !runs(pid) })
}

// runs tells whether a process is there and no zombie.
func runs(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(b, []byte(") "))
	return !bytes.HasPrefix(state, []byte("Z"))
}
