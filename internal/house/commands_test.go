package house

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The commands of the README and of docs are kept honest in one of three ways. A
// block of sh
//
//   - that has `<!-- verified -->` on the line before it is run, in a copy of the
//     tree: the blocks of a page one after the other in one bash, with -e and
//     pipefail, with cdrelay installed. They need no network, and a page takes less
//     than two minutes;
//   - that consists of make targets only is checked against the Makefile;
//   - all others have `<!-- not run: why -->` on the line before them.
const (
	verifiedMark = "<!-- verified -->"
	notRunMark   = "<!-- not run: "
	pageLimit    = 2 * time.Minute
)

var (
	makeCommand = regexp.MustCompile(`(?m)(?:^|[\s` + "`" + `])make ([a-z][a-z-]*)`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	// endless are the targets that never end, or that run this very test.
	endless = []string{"run", "test", "test-race", "test-static", "verify", "crash", "bench", "bench-growth", "bench-go", "bench-docs", "fuzz"}

	// The addresses of a page; other ones are put in their places, since somebody
	// else may listen there.
	loopbackPort = regexp.MustCompile(`127\.0\.0\.1:(\d{4,5})`)
	// Commands that find the private listener where it is by default.
	operatorCommand = regexp.MustCompile(`(?m)(cdrelay (?:calls|dlq|sinks) [a-z]+)`)
)

// adminPort is where commands look for a server unless told.
const adminPort = "8081"

// block is one fenced block of a document.
type block struct {
	line     int // of its fence
	language string
	mark     string // the line before the fence
	text     string
}

// pages are the documents whose commands are looked at.
func pages(tb testing.TB) []string {
	tb.Helper()
	return slices.DeleteFunc(files(tb, ".md"), func(name string) bool {
		return name != "README.md" && !strings.HasPrefix(name, "docs/")
	})
}

func TestCommandsAreMarked(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, page := range pages(t) {
		report(t, checkCommands(page, read(t, page), makefile))
	}
}

func TestCommandsNoRace(t *testing.T) {
	bin := installed(t)
	for _, page := range pages(t) {
		var script strings.Builder
		for _, b := range blocks(read(t, page)) {
			if b.language == "sh" && b.mark == verifiedMark {
				fmt.Fprintf(&script, "echo '== %s:%d'\n%s", page, b.line, b.text)
			}
		}
		if script.Len() > 0 {
			t.Run(page, func(t *testing.T) { runScript(t, copyTree(t), bin, elsewhere(t, script.String())) })
		}
	}
}

// installed builds the program as the documents do, so that what they build has
// been compiled before their time runs.
func installed(t *testing.T) string {
	t.Helper()
	dir := copyTree(t)
	cmd := exec.CommandContext(t.Context(), "make", "build")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "bin")
}

func TestCommandsNotices(t *testing.T) {
	makefile := "run: build ## run it\nbuild:\ntest:\n"
	sh := func(mark, text string) string { return mark + "\n```sh\n" + text + "\n```\n" }
	good := sh("", "make run # the demo\nmake test") + sh(verifiedMark, "make build\nbin/x version") + sh("<!-- not run: needs a cluster -->", "helm install")
	check := func(text string) []string { return checkCommands("docs/a.md", text, makefile) }
	expect(t, check(good))
	expect(t, check(good+sh("", "bin/x version")), "docs/a.md:16")
	expect(t, check(good+"and `make cake`\n"), "make cake")
	expect(t, check(good+sh(verifiedMark, "make test")), "make test in a verified block")
	expect(t, check(good+sh("<!-- verified-->", "x")), "docs/a.md:16")
}

// TestElsewhere: a page's ports are replaced, each one by the same other one, and
// operators' commands learn of it.
func TestElsewhere(t *testing.T) {
	got := elsewhere(t, "a 127.0.0.1:8081 b 127.0.0.1:9000 c 127.0.0.1:8081\ncdrelay dlq list --sink x\ncdrelay check\n")
	m := regexp.MustCompile(`^a 127\.0\.0\.1:(\d+) b 127\.0\.0\.1:(\d+) c 127\.0\.0\.1:(\d+)\ncdrelay dlq list --admin http://127\.0\.0\.1:(\d+) --sink x\ncdrelay check\n$`).FindStringSubmatch(got)
	if m == nil || m[1] != m[3] || m[1] != m[4] || m[1] == m[2] || m[1] == adminPort {
		t.Errorf("%q", got)
	}
}

// checkCommands looks at how each block of a page is kept honest.
func checkCommands(page, text, makefile string) []string {
	var targets []string
	for _, m := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
	}
	var complaints []string
	for _, m := range makeCommand.FindAllStringSubmatch(shown(text), -1) {
		if !slices.Contains(targets, m[1]) {
			complaints = append(complaints, fmt.Sprintf("%s speaks of make %s, which the Makefile does not have", page, m[1]))
		}
	}
	for _, b := range blocks(text) {
		if problem := judgeBlock(b); problem != "" {
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s", page, b.line, problem))
		}
	}
	return complaints
}

// judgeBlock says what is wrong with the marks of a block, or nothing.
func judgeBlock(b block) string {
	switch {
	case b.language != "sh", strings.HasPrefix(b.mark, notRunMark):
		return ""
	case b.mark == verifiedMark:
		for _, m := range makeCommand.FindAllStringSubmatch(b.text, -1) {
			if slices.Contains(endless, m[1]) {
				return "make " + m[1] + " in a verified block never ends or runs this test"
			}
		}
		return ""
	}
	for line := range strings.Lines(b.text) {
		command, _, _ := strings.Cut(line, "#")
		if words := strings.Fields(command); len(words) > 0 && words[0] != "make" {
			return "nothing runs this block: put " + verifiedMark + " or " + notRunMark + "why --> on the line before it"
		}
	}
	return ""
}

// shown gives what a document shows as code: its blocks and spans. Prose may
// make anything.
func shown(text string) string {
	return strings.Join(code.FindAllString(text, -1), "\n")
}

// blocks gives the fenced blocks of a document.
func blocks(text string) []block {
	var found []block
	var open *block
	before := ""
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		language, fence := strings.CutPrefix(trimmed, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, language: language, mark: before}
		case fence:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
		before = trimmed
	}
	return found
}

// elsewhere lets a script listen where nobody else does.
func elsewhere(t *testing.T, script string) string {
	t.Helper()
	free := map[string]string{}
	for _, m := range loopbackPort.FindAllStringSubmatch(script, -1) {
		if free[m[1]] == "" {
			free[m[1]] = freePort(t)
		}
	}
	script = loopbackPort.ReplaceAllStringFunc(script, func(address string) string {
		return "127.0.0.1:" + free[strings.TrimPrefix(address, "127.0.0.1:")]
	})
	if port := free[adminPort]; port != "" {
		script = operatorCommand.ReplaceAllString(script, "$1 --admin http://127.0.0.1:"+port)
	}
	return script
}

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it only kept the port
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// runScript runs the commands of a page and ends what they left running.
func runScript(t *testing.T, dir, bin, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), pageLimit, fmt.Errorf("the commands of a page take less than %v", pageLimit))
	defer cancel()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", script)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out // a file: what is left running holds it open
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = end
	err = cmd.Run()
	_ = end() // mostly nothing is left
	if err == nil {
		return
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	said, readErr := io.ReadAll(out)
	t.Errorf("%v %v\n%s\n%s\n%v", err, context.Cause(ctx), script, said, readErr)
}

// copyTree copies the working tree, without what git ignores, so that commands
// may write where they like.
func copyTree(tb testing.TB) string {
	tb.Helper()
	from, to := root(tb), tb.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		switch {
		case name == ".git" || slices.Contains(untracked, name):
			continue
		case e.IsDir():
			err = os.CopyFS(target, os.DirFS(source))
		case e.Type().IsRegular():
			err = os.WriteFile(target, []byte(read(tb, name)), 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return to
}
