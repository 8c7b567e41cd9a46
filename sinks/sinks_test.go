package sinks_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

func TestOneOf(t *testing.T) {
	for _, test := range []struct {
		name, yaml string
		kind       string
		paths      []string
	}{
		{"webhook", "webhook: {url: 'https://a.example'}", "webhook", nil},
		{"slack", "slack: {webhook_url: 'https://a.example/x'}", "slack", nil},
		{"none", "{}", "", []string{""}},
		{"both", "{webhook: {url: 'https://a.example'}, slack: {webhook_url: 'https://a.example/x'}}", "webhook", []string{"slack"}},
		{"paths", "webhook: {url: 'ftp://a.example', auth: {}}", "webhook", []string{"webhook.auth", "webhook.url"}},
		{"path of the kind", "slack: {text: a}", "slack", []string{"slack"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c sinks.Config
			dec := yaml.NewDecoder(bytes.NewReader([]byte(test.yaml)))
			dec.KnownFields(true)
			if err := dec.Decode(&c); err != nil {
				t.Fatal(err)
			}
			var paths []string
			c.Validate(func(path, _ string) { paths = append(paths, path) })
			slices.Sort(paths)
			if diff := cmp.Diff(test.paths, paths); diff != "" {
				t.Errorf("paths of the problems (-want +got):\n%s", diff)
			}
			if got := c.Kind(); got != test.kind {
				t.Errorf("Kind() = %q, want %q", got, test.kind)
			}
			if len(test.paths) == 0 {
				if sink, err := sinks.Build(c, contract.Deps{}); err != nil || sink == nil {
					t.Errorf("Build: %v, %v", sink, err)
				}
			}
		})
	}
}

// What a kind takes by default is known where its lane is configured.
func TestDefaultRate(t *testing.T) {
	for text, want := range map[string]float64{"{}": 0, "webhook: {url: 'https://a.example'}": 0, "slack: {webhook_url: 'https://a.example/x'}": 1} {
		var c sinks.Config
		if err := yaml.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		if got := c.DefaultRate(); got != want {
			t.Errorf("%s: %v a second, want %v", text, got, want)
		}
	}
}

// A failed Build gives no typed nil.
func TestBuildFails(t *testing.T) {
	for _, text := range []string{"{}", "webhook: {method: POST}", "slack: {text: a}"} {
		var c sinks.Config
		if err := yaml.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		if sink, err := sinks.Build(c, contract.Deps{}); err == nil || sink != nil {
			t.Errorf("%s: Build gave %v, %v", text, sink, err)
		}
	}
}
