// Command tally turns the output of `go test -json` into what a person wants to
// read: the closing line of each package, the whole output of what failed, the
// reason of what was skipped, and one line of counts. It exits 1 when anything
// failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
}

// tally collects the output of tests that have not ended and the counts.
type tally struct {
	out                     io.Writer
	pending                 map[string]map[string]*strings.Builder // package, test
	failing                 map[string]bool                        // packages with a test that failed
	passed, failed, skipped int
}

func main() {
	name := flag.String("name", "", "the word before the counts")
	file := flag.String("out", "", "where the counts are written, too")
	flag.Parse()

	t := &tally{out: os.Stdout, pending: map[string]map[string]*strings.Builder{}, failing: map[string]bool{}}
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
	counts := fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
	t.show(*name + ": " + counts + "\n")
	if *file != "" {
		if err := os.WriteFile(*file, []byte(counts+"\n"), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "tally:", err)
			os.Exit(1)
		}
	}
	if t.failed > 0 {
		os.Exit(1)
	}
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
		if show && tests[e.Test] != nil {
			t.show(tests[e.Test].String())
		}
		delete(tests, e.Test)
		return
	}
	if show {
		for _, rest := range tests {
			t.show(rest.String())
		}
	}
	delete(t.pending, e.Package)
}
