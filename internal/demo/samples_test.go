package demo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublishedSamples holds the samples that are called published against the
// vendors' own, which stand in the golden files of the formats.
func TestPublishedSamples(t *testing.T) {
	for file, golden := range map[string]string{
		"infin8linx-call.json":               "infin8linx/testdata/published-call.txtar",
		"infin8linx-state-event.json":        "infin8linx/testdata/published-state-event.txtar",
		"infin8linx-legacy-as-published.txt": "infin8linx/testdata/published-legacy-not-json.txtar",
		"nxcc-call.json":                     "nxcc/testdata/published-call.txtar",
	} {
		body, err := readSample(file)
		if err != nil {
			t.Fatal(err)
		}
		published, err := os.ReadFile(filepath.Join("../../adapter", golden))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(published), strings.TrimSpace(string(body))) {
			t.Errorf("%s is not what %s holds", file, golden)
		}
	}
}

func TestSamples(t *testing.T) {
	used := map[string]bool{yours: true}
	for _, one := range samples() {
		used[one.file] = true
		body, err := one.body()
		if err != nil {
			t.Fatal(err)
		}
		if valid := json.Valid(body); valid != (one.status != refused) {
			t.Errorf("%s: valid JSON %v, expected to be %s", one.file, valid, one.status)
		}
		if (one.status == accepted) != (len(one.sinks) > 0) {
			t.Errorf("%s: %s, sinks %v", one.file, one.status, one.sinks)
		}
		if one.title == "" || one.note == "" {
			t.Errorf("%s: nothing is said about it", one.file)
		}
	}
	all, err := sampleFiles.ReadDir("samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if !used[f.Name()] {
			t.Errorf("%s is not used", f.Name())
		}
	}
	if _, err := readSample("no-such.json"); err == nil {
		t.Error("a sample that is not there was read")
	}
}
