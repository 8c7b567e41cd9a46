package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The document that shows the last figures, and its plot.
const (
	document = "docs/performance.md"
	drawing  = "docs/performance-growth.svg"
)

// runDocs sets the figures that lie in the folder into the document. What was
// not measured stays as it is.
func runDocs(_ context.Context, args []string, _ io.Reader, out io.Writer) error {
	s, err := parse("docs", args)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	text := string(b)
	for _, part := range []struct {
		file string
		set  func(text string, content []byte) (string, error)
	}{{"budgets.json", setBudgets}, {"growth.json", setGrowth}, {"go.txt", setGo}} {
		content, err := os.ReadFile(filepath.Join(s.out, part.file))
		if errors.Is(err, fs.ErrNotExist) {
			_, _ = fmt.Fprintf(out, "    %s is not there: its tables stay\n", part.file)
			continue
		}
		if err != nil {
			return err
		}
		if text, err = part.set(text, content); err != nil {
			return fmt.Errorf("%s: %w", part.file, err)
		}
	}
	return os.WriteFile(document, []byte(text), 0o644) //nolint:gosec // a document
}

func setBudgets(text string, content []byte) (string, error) {
	var r report
	if err := json.Unmarshal(content, &r); err != nil {
		return "", err
	}
	var tables strings.Builder
	tables.WriteString(r.preamble())
	for _, s := range r.Sections {
		tables.WriteString("\n" + s.markdown())
	}
	text, err := replace(text, "budgets", tables.String())
	if err != nil {
		return "", err
	}
	sizes, err := sizing(r)
	if err != nil {
		return "", err
	}
	return replace(text, "sizing", sizes)
}

func setGrowth(text string, content []byte) (string, error) {
	var g growthReport
	if err := json.Unmarshal(content, &g); err != nil {
		return "", err
	}
	var tables strings.Builder
	tables.WriteString(g.preamble())
	for _, c := range g.Curves {
		tables.WriteString("\n" + c.markdown())
	}
	if err := os.WriteFile(drawing, []byte(plot(g.Curves)), 0o644); err != nil { //nolint:gosec // a document
		return "", err
	}
	return replace(text, "growth", tables.String())
}

func setGo(text string, content []byte) (string, error) {
	table, err := goTable(string(content))
	if err != nil {
		return "", err
	}
	return replace(text, "go", table)
}

// replace sets what stands between two markers.
func replace(text, name, content string) (string, error) {
	begin, end := "<!-- bench:"+name+" -->\n", "<!-- /bench:"+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("%s has no lines %q and %q", document, strings.TrimSpace(begin), end)
	}
	return before + begin + strings.TrimSpace(content) + "\n" + end + after, nil
}
