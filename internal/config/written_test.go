package config_test

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/config"
)

// A zero, an empty text or a fraction that is written is never read as something
// else: 0s is not 72h.
func TestWrittenValuesAreNotReplaced(t *testing.T) {
	const sink = "sinks[0]."
	for at, texts := range map[string][]string{
		"listen":                              {`""`},
		"admin.listen":                        {`""`},
		"admin.token":                         {`""`},
		"spool.path":                          {`""`},
		"spool.retention":                     {"0s"},
		"spool.dead_letter_retention":         {"0s"},
		"spool.max_bytes":                     {"0", `"0"`, "0GiB"},
		"log.level":                           {`""`},
		"log.format":                          {`""`},
		sink + "timeout":                      {"0s"},
		sink + "concurrency":                  {"0", "8.9", "1e1"},
		sink + "quick_tries":                  {"1.9"},
		sink + "retry.first":                  {"0s"},
		sink + "retry.factor":                 {"0", "0.0"},
		sink + "retry.max":                    {"0s"},
		sink + "retry.give_up_after":          {"0s"},
		sink + "rate.burst":                   {"0", "1.5"},
		sink + "breaker.consecutive_failures": {"0", "2.5"},
		sink + "breaker.failure_ratio":        {"0"},
		sink + "breaker.min_requests":         {"0"},
		sink + "breaker.window":               {"0s"},
		sink + "breaker.open_for":             {"0s", "&zero 0s"},
		sink + "webhook.method":               {`""`},
		sink + "webhook.encoding":             {`""`},
		sink + "webhook.envelope":             {`""`},
		"sources[0].auth.digest.tolerance":    {"0s"},
	} {
		for _, text := range texts {
			_, err := config.Parse("c.yaml", []byte(written(t, at, text)))
			if err == nil {
				t.Errorf("%s: %s loads", at, text)
				continue
			}
			if told := err.Error(); strings.Contains(told, "\n") || !strings.Contains(told, ": "+at+": ") || !strings.Contains(told, "c.yaml:") {
				t.Errorf("%s: %s: %s", at, text, told)
			}
		}
	}
}

// Where a zero is a value, or nothing but the zero would hold without it, it is
// taken.
func TestWrittenZerosThatAreValues(t *testing.T) {
	for at, text := range map[string]string{
		"shutdown.delay":          "0s",
		"tracing.sample_ratio":    "0",
		"sources[0].timezone":     `""`,
		"sinks[0].quick_tries":    "0",
		"sinks[0].rate.burst":     "2",
		"sinks[0].webhook.tls.ca": `""`,
	} {
		if _, err := config.Parse("c.yaml", []byte(written(t, at, text))); err != nil {
			t.Errorf("%s: %s: %v", at, text, err)
		}
	}
}

// written is a configuration that loads, with the text as the value of one more
// key.
func written(t *testing.T, at, text string) string {
	t.Helper()
	type m = map[string]any
	tree := m{
		"tracing": m{"otlp_endpoint": "http://127.0.0.1:4318"},
		"sources": []any{m{"name": "a", "format": "nxcc", "auth": m{"digest": m{"access_key": "a", "access_secret": "b"}}}},
		"sinks":   []any{m{"name": "crm", "webhook": m{"url": "http://127.0.0.1:9/x"}, "rate": m{"per_second": 3}}},
		"rules":   []any{m{"to": []string{"crm"}}},
	}
	var value yaml.Node
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(at, ".")
	place := tree
	for _, part := range parts[:len(parts)-1] {
		name, _ := strings.CutSuffix(part, "[0]")
		switch next := place[name].(type) {
		case m:
			place = next
		case []any:
			place, _ = next[0].(m)
		default:
			place[name] = m{}
			place, _ = place[name].(m)
		}
	}
	place[parts[len(parts)-1]] = value.Content[0]
	out, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
