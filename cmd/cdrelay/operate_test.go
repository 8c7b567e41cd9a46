package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cdrelay/cdrelay/internal/call"
)

// TestOperate drives the commands that talk to a running server; each script has
// a server of its own, with a sink named crm that refuses everything at first.
func TestOperate(t *testing.T) {
	scripts, err := filepath.Glob("testdata/operate/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel() // it waits for a server
			runOperate(t, file)
		})
	}
}

// stage is what a script works on.
type stage struct {
	*server
	config string
	answer atomic.Int64 // what the sink answers with
}

func runOperate(t *testing.T, file string) {
	t.Helper()
	s := &stage{}
	s.answer.Store(422)
	crm := newSink(t, func(int) int { return int(s.answer.Load()) })
	s.config = configure(t, `
sinks: [{name: crm, webhook: {url: "%s"}, retry: {first: 50ms, max: 200ms}}]
rules: [{name: all, to: [crm]}]
`, crm.URL)
	change(t, s.config, `admin: {listen: "127.0.0.1:0"}`, `admin: {listen: "127.0.0.1:0", token: admin-secret}`)
	s.server = start(t, s.config)
	other := newSink(t, always(200))
	testscript.Run(t, testscript.Params{
		Files: []string{file},
		Setup: func(env *testscript.Env) error {
			env.Setenv("ADMIN", s.admin)
			env.Setenv("PUBLIC", s.public)
			env.Setenv(tokenVariable, "admin-secret")
			env.Setenv("SPOOL", filepath.Join(filepath.Dir(s.config), "cdrelay.db"))
			env.Setenv("CRM", crm.URL)
			env.Setenv("OTHER", other.URL)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"post": s.postCmd, "answer": s.answerCmd, "until": untilCmd, "edit": s.editCmd, "wait-log": s.waitLogCmd,
		},
	})
}

// postCmd posts callbacks: post STATUS FILE [from to]...
func (s *stage) postCmd(ts *testscript.TestScript, _ bool, args []string) {
	body, err := os.ReadFile(filepath.Join("testdata", "callbacks", args[1]))
	if err != nil {
		body = []byte(ts.ReadFile(args[1]))
	}
	text := strings.NewReplacer(args[2:]...).Replace(string(body))
	if status, answer := s.post(dialer, text); strconv.Itoa(status) != args[0] {
		ts.Fatalf("%d %s", status, answer)
	}
}

// answerCmd sets what the sink answers.
func (s *stage) answerCmd(ts *testscript.TestScript, _ bool, args []string) {
	status, err := strconv.ParseInt(args[0], 10, 64)
	ts.Check(err)
	s.answer.Store(status)
}

// editCmd changes the configuration and has it read: edit FROM TO
func (s *stage) editCmd(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(s.config)
	ts.Check(err)
	ts.Check(os.WriteFile(s.config, []byte(strings.ReplaceAll(string(text), args[0], args[1])), 0o600))
	ts.Check(s.cmd.Process.Signal(syscall.SIGHUP))
}

func (s *stage) waitLogCmd(ts *testscript.TestScript, _ bool, args []string) {
	wait(ts, args[0], func() string { return s.log.String() })
}

// untilCmd runs cdrelay until its output matches: until PATTERN ARG...
func untilCmd(ts *testscript.TestScript, _ bool, args []string) {
	wait(ts, args[0], func() string {
		cmd := exec.Command("cdrelay", args[1:]...)
		cmd.Env = append(os.Environ(), tokenVariable+"="+ts.Getenv(tokenVariable))
		out, _ := cmd.CombinedOutput() // shown when it does not match
		return string(out)
	})
}

func wait(ts *testscript.TestScript, pattern string, text func() string) {
	want := regexp.MustCompile(pattern)
	last := ""
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(30 * time.Millisecond) {
		if last = text(); want.MatchString(last) {
			return
		}
	}
	ts.Fatalf("not within %v: %s; last\n%s", patience, pattern, last)
}

func TestMasksNumbersInText(t *testing.T) {
	o := &operator{}
	for text, want := range map[string]string{
		"no +6281234567890 here": "no +62*********90 here", "0812 3456 7890": "081*********90", "at 2026-01-31 09:30:00": "at 2026-01-31 09:30:00", "422: field 12": "422: field 12",
		"dial tcp 10.255.255.53:443: refused": "dial tcp 10.255.255.53:443: refused",
	} {
		if got := o.masked(call.Masker{}, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestProgress: a bar grows, is drawn ten times a second at most, and always at
// the end.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to bytes.Buffer
		p := &progress{to: &to, verb: "replayed", total: 1000}
		for _, done := range []int{0, 10, 20, 500, 1000} {
			p.at(done)
			time.Sleep(50 * time.Millisecond)
		}
		p.end()
		want := "\rreplayed 0 of 1000 [" + strings.Repeat(".", 30) + "]" +
			"\rreplayed 20 of 1000 [" + strings.Repeat(".", 30) + "]" +
			"\rreplayed 1000 of 1000 [" + strings.Repeat("#", 30) + "]\r\x1b[K"
		if got := to.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		to.Reset()
		p = &progress{to: &to, verb: "purged", total: 4}
		p.at(3)
		if got := to.String(); !strings.Contains(got, "["+strings.Repeat("#", 22)+strings.Repeat(".", 8)+"]") {
			t.Errorf("three quarters: %q", got)
		}
		(&progress{total: 1}).at(1) // nobody watches
	})
}
