package house

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The README's commands are kept honest in one of three ways. A block of sh
//
//   - that has `<!-- verified -->` on the line before it is run, in a copy of the
//     tree, one block after the other, with `bash -e`: it needs no network,
//     leaves nothing running and takes less than two minutes;
//   - that consists of make targets only is checked against the Makefile;
//   - all others have `<!-- not run: why -->` on the line before them.
const (
	verifiedMark = "<!-- verified -->"
	notRunMark   = "<!-- not run: "
	firstScreen  = 40 // lines
	blockLimit   = 2 * time.Minute
)

var (
	makeCommand = regexp.MustCompile(`(?m)(?:^|[\s` + "`" + `])make ([a-z][a-z-]*)`)
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	// endless are the targets that never end, or that run this very test.
	endless = []string{"run", "test", "test-race", "test-static", "verify", "crash", "crash-short", "bench", "fuzz"}
)

// block is one fenced block of a document.
type block struct {
	line     int // of its fence
	language string
	mark     string // the line before the fence
	text     string
}

func TestReadme(t *testing.T) {
	report(t, checkReadme(read(t, "README.md"), read(t, "Makefile")))
}

func TestReadmeCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("the README's commands build the program")
	}
	dir := copyTree(t)
	for _, b := range blocks(read(t, "README.md")) {
		if b.language == "sh" && b.mark == verifiedMark {
			t.Run(fmt.Sprintf("line %d", b.line), func(t *testing.T) { runBlock(t, dir, b) })
		}
	}
}

func TestReadmeNotices(t *testing.T) {
	makefile := "run: build ## run it\nbuild:\ntest:\n"
	sh := func(mark, text string) string { return mark + "\n```sh\n" + text + "\n```\n" }
	good := sh("", "make run # the demo\nmake test") + sh(verifiedMark, "make build\nbin/x version") + sh("<!-- not run: needs a cluster -->", "helm install")
	expect(t, checkReadme(good, makefile))
	expect(t, checkReadme(strings.Repeat("\n", firstScreen)+good, makefile), "make run", "make test")
	expect(t, checkReadme(good+sh("", "bin/x version"), makefile), "README.md:16")
	expect(t, checkReadme(good+"and `make cake`\n", makefile), "make cake")
	expect(t, checkReadme(good+sh(verifiedMark, "make test"), makefile), "make test in a verified block")
	expect(t, checkReadme(good+sh("<!-- verified-->", "x"), makefile), "README.md:16")
}

// checkReadme looks at the first screen and at how each block is kept honest.
func checkReadme(text, makefile string) []string {
	var targets []string
	for _, m := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
	}
	var complaints []string
	lines := strings.SplitN(text, "\n", firstScreen+1)
	screen := strings.Join(lines[:min(len(lines), firstScreen)], "\n")
	for _, command := range []string{"make run", "make test"} {
		if !strings.Contains(screen, command) {
			complaints = append(complaints, "the first screen of README.md does not show "+command)
		}
	}
	for _, m := range makeCommand.FindAllStringSubmatch(shown(text), -1) {
		if !slices.Contains(targets, m[1]) {
			complaints = append(complaints, fmt.Sprintf("README.md speaks of make %s, which the Makefile does not have", m[1]))
		}
	}
	for _, b := range blocks(text) {
		if problem := judgeBlock(b); problem != "" {
			complaints = append(complaints, fmt.Sprintf("README.md:%d: %s", b.line, problem))
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

func runBlock(t *testing.T, dir string, b block) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), blockLimit, fmt.Errorf("a verified block takes less than %v", blockLimit))
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-e", "-c", b.text)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("README.md:%d: %v %v\n%s\n%s", b.line, err, context.Cause(ctx), b.text, out)
	}
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
