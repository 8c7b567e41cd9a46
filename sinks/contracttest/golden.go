package contracttest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

var update = flag.Bool("update", false, "rewrite the golden requests") //nolint:gochecknoglobals // a flag must be there before main parses them

// The parts of a golden file.
const (
	partConfig  = "config.yaml"
	partRecord  = "record.json"
	partGiven   = "given.json" // may be left out
	partRequest = "request"
)

// Golden renders the record of each testdata/*.txtar with its configuration and
// compares the request, or those of all steps, what Prepare adds aside. A JSON body is
// indented for the reader. A render error is in the place of the request. Results
// of steps are those that are given, {"results": {…}, "remembered": {…}}, or
// placeholders.
func Golden(t *testing.T, build func(config []byte) (contract.Sink, error)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			golden(t, file, build)
		})
	}
}

func golden(t *testing.T, file string, build func(config []byte) (contract.Sink, error)) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sink, err := build(part(t, archive, partConfig).Data)
	if err != nil {
		t.Fatalf("config: %v", err)
	}
	var r call.Record
	if err := json.Unmarshal(part(t, archive, partRecord).Data, &r); err != nil {
		t.Fatalf("record: %v", err)
	}
	want, got := part(t, archive, partRequest), previews(sink.Preview(MessageID, &r, given(t, archive)))
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want.Data), got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// given reads the results of steps.
func given(t *testing.T, a *txtar.Archive) (g contract.Given) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == partGiven })
	if i < 0 {
		return g
	}
	var values struct {
		Results    map[string]json.RawMessage `json:"results"`
		Remembered map[string]string          `json:"remembered"`
	}
	if err := json.Unmarshal(a.Files[i].Data, &values); err != nil {
		t.Fatalf("%s: %v", partGiven, err)
	}
	g.Results, g.Remembered = map[string]string{}, values.Remembered
	for name, value := range values.Results {
		g.Results[name] = string(value)
	}
	return g
}

// previews are the requests as a golden file holds them.
func previews(all []contract.Preview) string {
	var b strings.Builder
	for _, one := range all {
		if one.Step != "" {
			fmt.Fprintf(&b, "step %s\n", one.Step)
		}
		if one.Skipped != "" {
			fmt.Fprintf(&b, "skipped: %s\n\n", one.Skipped)
			continue
		}
		b.WriteString(shown(one.Request, one.Err))
	}
	return b.String()
}

func part(t *testing.T, a *txtar.Archive, name string) *txtar.File {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		a.Files = append(a.Files, txtar.File{Name: name})
		i = len(a.Files) - 1
	}
	return &a.Files[i]
}

// shown is a request as a golden file holds it.
func shown(r *outbound.Request, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	if b.WriteByte('\n'); json.Indent(&b, r.Body, "", "  ") != nil {
		b.Write(r.Body)
	}
	if !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	return b.String()
}
