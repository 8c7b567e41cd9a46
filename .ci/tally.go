// Command tally turns the output of `go test -json` into what a person wants to
// read: the closing line of each package, what failed and what it said, the
// reason of what was skipped, and one line of counts. It exits 1 when anything
// failed.
//
// With -complete it compares the tests of the modules that it is given with what
// the runs of `make verify` have left, and exits 1 if a test ran in none of them.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// tally collects the output of tests that have not ended, the counts, and how
// each test ended.
type tally struct {
	out                     io.Writer
	whole                   io.Writer                              // the output of what failed, uncut
	pending                 map[string]map[string]*strings.Builder // package, test
	failing                 map[string]bool                        // packages with a test that failed
	ends                    []string                               // "pass <package> <test> <seconds>" and the like, without subtests
	passed, failed, skipped int
}

func main() {
	name := flag.String("name", "", "the word before the counts")
	folder := flag.String("out", "bin/tally", "the folder where counts and ends of a run are left, in a file of its name")
	complete := flag.Bool("complete", false, "compare the tests of these modules with what the runs have left")
	flag.Parse()

	var err error
	if *complete {
		err = checkComplete(os.Stdout, *folder, flag.Args())
	} else {
		err = run(*name, *folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
}

// run reads a run of tests from standard input, and writes its counts and ends
// into the folder.
func run(name, folder string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(filepath.Dir(folder), name+"-failed.log"))
	if err != nil {
		return err
	}
	t := &tally{out: os.Stdout, whole: log, pending: map[string]map[string]*strings.Builder{}, failing: map[string]bool{}}
	if err := errors.Join(t.read(os.Stdin), log.Close()); err != nil {
		return err
	}
	counts := fmt.Sprintf("%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	t.show(name + ": " + counts)
	if err := os.WriteFile(filepath.Join(folder, name), []byte(counts+strings.Join(t.ends, "")), 0o600); err != nil {
		return err
	}
	if t.failed > 0 {
		return fmt.Errorf("%s: %d failed; all that they said is in %s", name, t.failed, log.Name())
	}
	return os.Remove(log.Name())
}

// read takes the events one by one; a line that is none is shown as it is.
func (t *tally) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil {
				t.show(line)
			} else {
				t.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *tally) take(e event) {
	switch e.Action {
	case "build-output":
		t.show(e.Output)
	case "output":
		t.keep(e)
	case "pass":
		t.end(e, &t.passed, false)
	case "skip":
		t.end(e, &t.skipped, e.Test != "")
	case "fail":
		t.fail(e)
	}
}

// fail counts a test that failed; a package that failed without one (it does not
// build, or died) counts as one, too.
func (t *tally) fail(e event) {
	if e.Test == "" && !t.failing[e.Package] {
		t.failed++
	}
	t.failing[e.Package] = true
	t.end(e, &t.failed, true)
}

// show prints; there is nobody to tell when that does not work.
func (t *tally) show(text string) { _, _ = io.WriteString(t.out, text) }

// keep shows the closing line of a package and holds back everything else until
// it is known how its test ended.
func (t *tally) keep(e event) {
	if e.Test == "" && (strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL\t")) {
		t.show(e.Output)
		return
	}
	if strings.HasPrefix(e.Output, "=== ") {
		return
	}
	tests := t.pending[e.Package]
	if tests == nil {
		tests = map[string]*strings.Builder{}
		t.pending[e.Package] = tests
	}
	if tests[e.Test] == nil {
		tests[e.Test] = &strings.Builder{}
	}
	tests[e.Test].WriteString(e.Output)
}

// end counts a test, and shows its output if asked. A package that ends takes
// along the tests that never did: those that were running when it died.
func (t *tally) end(e event, count *int, show bool) {
	tests := t.pending[e.Package]
	if e.Test != "" {
		*count++
		if !strings.Contains(e.Test, "/") {
			t.ends = append(t.ends, fmt.Sprintln(e.Action, e.Package, e.Test, e.Elapsed))
		}
		if show && tests[e.Test] != nil {
			t.showShort(tests[e.Test].String())
		}
		delete(tests, e.Test)
		return
	}
	if show {
		for _, name := range slices.Sorted(maps.Keys(tests)) {
			t.showShort(tests[name].String())
		}
	}
	delete(t.pending, e.Package)
}

// What a failing test said is shown up to headLines and tailLines: complaints
// come first, and the end of a log last.
const headLines, tailLines = 25, 10

// showShort shows the two ends of a long output; all of it goes to t.whole.
func (t *tally) showShort(text string) {
	_, _ = io.WriteString(t.whole, text) // as in show
	lines := slices.Collect(strings.Lines(text))
	if cut := len(lines) - headLines - tailLines; cut > 1 {
		head, tail := lines[:headLines], lines[len(lines)-tailLines:]
		text = strings.Join(head, "") + fmt.Sprintf("    … %d lines more …\n", cut) + strings.Join(tail, "")
	}
	t.show(text)
}
