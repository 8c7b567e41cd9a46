package ruletest

import (
	"fmt"
	"io"
	"strings"
)

// Print writes results for people: every difference, and with verbose every case.
func Print(w io.Writer, results []Result, verbose bool) error {
	var b strings.Builder
	cases, failed, away := 0, 0, 0
	for _, r := range results {
		if r.Err != nil {
			away++
		}
		cases += len(r.Cases)
		failed += r.failures()
		r.print(&b, verbose)
	}
	fmt.Fprintf(&b, "%s, %d failed", count(cases, "case"), failed)
	if away > 0 {
		fmt.Fprintf(&b, ", %s not run", count(away, "file"))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Result) print(b *strings.Builder, verbose bool) {
	switch {
	case r.Err != nil:
		fmt.Fprintf(b, "FAIL  %s\n%s\n", r.File, indent(r.Err.Error(), "      "))
	case r.Failed():
		fmt.Fprintf(b, "FAIL  %s (%d of %s)\n", r.File, r.failures(), count(len(r.Cases), "case"))
	default:
		fmt.Fprintf(b, "ok    %s (%s)\n", r.File, count(len(r.Cases), "case"))
	}
	for _, c := range r.Cases {
		if len(c.Differences) > 0 {
			fmt.Fprintf(b, "  ✗ %s\n%s", c.Name, indent(c.text(), "      "))
		} else if verbose {
			fmt.Fprintf(b, "  ✓ %s\n", c.Name)
		}
	}
}

// text gives the differences, three lines and the notes for each.
func (c CaseResult) text() string {
	var b strings.Builder
	for _, d := range c.Differences {
		fmt.Fprintf(&b, "%s\n  expected  %s\n  got       %s\n", d.Path, d.Expected, d.Got)
		for _, n := range d.Notes {
			fmt.Fprintf(&b, "  (%s)\n", n)
		}
	}
	return b.String()
}

func indent(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
