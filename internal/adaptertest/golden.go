package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cdrelay/cdrelay/internal/call"
)

//nolint:gochecknoglobals // a test's flag must exist before flags are parsed
var update = flag.Bool("update", false, "write what the adapters give as the golden cases' expectations")

// Golden runs all cases of testdata. It fails when there is none.
func Golden(t *testing.T, convert call.Convert) {
	t.Helper()
	check := newChecker(t)
	for _, path := range casePaths(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := readCase(t, path)
			r, err := convert(c.body, c.source)
			check.result(t, c.body, c.source, r, err)
			name, got := expectation(t, r, err)
			if *update {
				c.write(t, name, got)
				return
			}
			if diff := cmp.Diff(c.expected(name), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

// goldenCase is one file of testdata.
type goldenCase struct {
	path   string
	source call.Source
	body   []byte
	file   *txtar.Archive
}

func casePaths(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no golden cases under testdata (%v)", err)
	}
	return paths
}

func readCase(tb testing.TB, path string) goldenCase {
	tb.Helper()
	file, err := txtar.ParseFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	c := goldenCase{path: path, file: file, source: call.Source{Name: "test"}}
	settings, ok := c.section("source")
	body, hasBody := c.section("body")
	if !ok || !hasBody || len(file.Comment) == 0 {
		tb.Fatalf("%s: a case has a comment and the sections source and body", path)
	}
	for line := range strings.Lines(settings) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		c.set(tb, key, value)
	}
	c.body = []byte(body)
	return c
}

func (c *goldenCase) set(tb testing.TB, key, value string) {
	tb.Helper()
	switch key {
	case "name":
		c.source.Name = value
	case "region":
		c.source.Region = value
	case "numbers":
		c.source.Numbers = call.Numbers(value)
	case "timezone":
		zone, err := time.LoadLocation(value)
		if err != nil {
			tb.Fatalf("%s: %v", c.path, err)
		}
		c.source.Zone = zone
	default:
		tb.Fatalf("%s: unknown setting %q", c.path, key)
	}
}

func (c *goldenCase) section(name string) (string, bool) {
	for _, f := range c.file.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

// expected is the named section, empty where the file has none.
func (c *goldenCase) expected(name string) string {
	text, _ := c.section(name)
	return text
}

func (c *goldenCase) write(tb testing.TB, name, text string) {
	tb.Helper()
	var kept []txtar.File
	for _, f := range c.file.Files {
		if f.Name == "source" || f.Name == "body" {
			kept = append(kept, f)
		}
	}
	c.file.Files = append(kept, txtar.File{Name: name, Data: []byte(text)})
	if err := os.WriteFile(c.path, txtar.Format(c.file), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// expectation is the section that a result belongs in, and its text there.
func expectation(tb testing.TB, r *call.Record, err error) (section, text string) {
	tb.Helper()
	var event *call.NotACall
	switch {
	case errors.As(err, &event):
		return "error", fmt.Sprintf("not a call: %v\n", err)
	case err != nil:
		return "error", fmt.Sprintf("unreadable: %v\n", err)
	}
	shown := *r
	shown.Raw = nil
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(shown); err != nil {
		tb.Fatal(err)
	}
	return "record", b.String()
}
