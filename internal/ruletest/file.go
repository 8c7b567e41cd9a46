package ruletest

import (
	"fmt"
	"os"
	"time"

	"gopkg.in/yaml.v3"
)

// maxFile bounds what is read of a test file, and of a callback's file.
const maxFile = 8 << 20

// file is one test file.
type file struct {
	// Config is the configuration under test, relative to the file.
	Config string `yaml:"config"`
	// Env is set while the configuration is loaded, over what is there.
	Env   map[string]string `yaml:"env"`
	Cases []testCase        `yaml:"cases"`
}

// testCase is one callback with what is expected of it.
type testCase struct {
	Name   string `yaml:"name"`
	Source string `yaml:"source"`
	// Callback is a tree that becomes JSON, or the body as a text.
	Callback tree `yaml:"callback"`
	// File holds the body instead, relative to the test file.
	File       string `yaml:"file"`
	ReceivedAt moment `yaml:"received_at"`
	Revision   int    `yaml:"revision"`
	// Results are what steps take from answers, and Remembered what they took at an
	// earlier revision, by "step" or "sink.step".
	Results    map[string]tree   `yaml:"results"`
	Remembered map[string]string `yaml:"remembered"`
	Expect     expect            `yaml:"expect"`
}

// expect is what a case expects; what is left out is not looked at.
type expect struct {
	Result string `yaml:"result"`
	// Reason is a part of the reason why there is no record.
	Reason string `yaml:"reason"`
	// Record is the fields that are compared; null means absent.
	Record tree `yaml:"record"`
	// Sinks are all that get the call; an empty list is none.
	Sinks    []string `yaml:"sinks"`
	NotSinks []string `yaml:"not_sinks"`
	// Requests are by sink, or by "sink.step".
	Requests map[string]request `yaml:"requests"`
	// Warnings are parts of warnings of the record.
	Warnings []string `yaml:"warnings"`
}

// request is what is expected of a sink's request.
type request struct {
	Method string `yaml:"method"`
	URL    string `yaml:"url"`
	// Headers are those that are compared; null means absent.
	Headers map[string]*string `yaml:"headers"`
	// Body is a tree whose keys are compared, or the whole body as a text.
	Body tree `yaml:"body"`
	// Error is a part of the error of a template that fails.
	Error string `yaml:"error"`
	// Skipped: the step is not made.
	Skipped bool `yaml:"skipped"`
}

// moment is a time in RFC 3339.
type moment struct{ time.Time }

// UnmarshalYAML takes RFC 3339 only: a time without a zone would be nobody's.
func (m *moment) UnmarshalYAML(n *yaml.Node) error {
	t, err := time.Parse(time.RFC3339Nano, n.Value)
	if err != nil {
		return &yaml.TypeError{Errors: []string{
			fmt.Sprintf("line %d: %q is no time: write it like 2025-10-16T09:31:22Z", n.Line, n.Value),
		}}
	}
	m.Time = t
	return nil
}

// readFile reads a file within bounds.
func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
