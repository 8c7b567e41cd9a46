package ruletest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func results() []Result {
	return []Result{
		{File: "good.yaml", Took: 3 * time.Millisecond, Cases: []CaseResult{{Name: "one", Took: time.Millisecond}}},
		{File: "bad.yaml", Cases: []CaseResult{
			{Name: "fine"},
			{Name: "odd <&> \x01", Differences: []Difference{
				{Path: "record.id", Expected: `"a"`, Got: `"b"`},
				{Path: "sinks", Expected: "[]", Got: "[crm]", Notes: []string{`crm: rule "all" matched`}},
			}},
		}},
		{File: "none.yaml", Err: errors.New("none.yaml:1: no\nnone.yaml:2: no")},
	}
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	if err := Print(&b, results(), false); err != nil {
		t.Fatal(err)
	}
	want := "ok    good.yaml (1 case)\n" +
		"FAIL  bad.yaml (1 of 2 cases)\n" +
		"  ✗ odd <&> \x01\n" +
		"      record.id\n        expected  \"a\"\n        got       \"b\"\n" +
		"      sinks\n        expected  []\n        got       [crm]\n        (crm: rule \"all\" matched)\n" +
		"FAIL  none.yaml\n      none.yaml:1: no\n      none.yaml:2: no\n" +
		"3 cases, 1 failed, 1 file not run\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	b.Reset()
	if err := Print(&b, results(), true); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"  ✓ one\n", "  ✓ fine\n", "  ✗ odd"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in %s", line, b.String())
		}
	}
}

// TestJUnit reads the XML as a CI system would.
func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	if err := JUnit(&b, results()); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b.Bytes(), []byte(`<?xml version="1.0" encoding="UTF-8"?>`)) {
		t.Errorf("%.60s", b.String())
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	if got.Tests != 4 || got.Failures != 1 || got.Errors != 1 || len(got.Suites) != 3 {
		t.Errorf("%+v", got)
	}
	if good := got.Suites[0]; good.Name != "good.yaml" || good.Time != "0.003" || good.Cases[0].Failure != nil || good.Cases[0].Error != nil {
		t.Errorf("%+v", good)
	}
	failed := got.Suites[1].Cases[1]
	if failed.Failure == nil || failed.Failure.Message != "2 differences" || !strings.Contains(failed.Failure.Text, "record.id\n  expected  \"a\"") || failed.Name != "odd <&> \uFFFD" {
		t.Errorf("%+v", failed)
	}
	if away := got.Suites[2].Cases[0]; away.Error == nil || !strings.Contains(away.Error.Text, "none.yaml:2") {
		t.Errorf("%+v", away)
	}
}

func TestReportsToABrokenPipe(t *testing.T) {
	for n := range 3 {
		if err := JUnit(&pipe{left: n}, results()); n < 2 && err == nil {
			t.Errorf("no error after %d writes", n)
		}
	}
	if err := Print(&pipe{}, results(), false); err == nil {
		t.Error("no error")
	}
}

// pipe takes so many writes.
type pipe struct{ left int }

func (p *pipe) Write(b []byte) (int, error) {
	if p.left--; p.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}
