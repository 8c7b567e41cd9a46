package app_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// series is one line of /metrics.
type series struct {
	name   string
	labels map[string]string
}

var (
	sample = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`)
	pair   = regexp.MustCompile(`([a-z_]+)(=~|!=|!~|=)"([^"]*)"`)
	// selector finds the metrics of an expression, with their matchers.
	selector = regexp.MustCompile(`\b((?:cdrelay|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
)

// TestMonitoringQueriesFindSeries: each selector of the alerts and of the
// dashboard finds something in the /metrics of a server that has done nothing
// yet.
func TestMonitoringQueriesFindSeries(t *testing.T) {
	crm := newCounter(t, 200)
	r := run(t, head(t.TempDir())+toCRM(crm.URL))
	_, text := r.get("/metrics")
	var there []series
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		s := series{m[1], map[string]string{"job": "cdrelay", "instance": "a"}}
		for _, p := range pair.FindAllStringSubmatch(m[2], -1) {
			s.labels[p[1]] = p[3]
		}
		there = append(there, s)
		// A native histogram is scraped under the name itself.
		if base, ok := strings.CutSuffix(s.name, "_sum"); ok {
			there = append(there, series{base, s.labels})
		}
	}
	expressions := append(alertExpressions(t), dashboardExpressions(t)...)
	if len(expressions) < 60 {
		t.Fatalf("%d expressions found", len(expressions))
	}
	for _, e := range expressions {
		for _, m := range selector.FindAllStringSubmatch(e, -1) {
			if !slices.ContainsFunc(there, func(s series) bool { return s.name == m[1] && s.matches(m[2]) }) {
				t.Errorf("nothing in /metrics for %s of\n\t%s", m[0], e)
			}
		}
	}
}

// matches tells whether the series has the labels that the matchers ask for.
// Those that name a variable of the dashboard match all, if there is the label.
func (s series) matches(matchers string) bool {
	for _, m := range pair.FindAllStringSubmatch(matchers, -1) {
		value, there := s.labels[m[1]]
		if !there {
			return false
		}
		if strings.Contains(m[3], "$") {
			continue
		}
		same := value == m[3]
		if strings.HasSuffix(m[2], "~") {
			same = regexp.MustCompile("^(?:" + m[3] + ")$").MatchString(value)
		}
		if same != strings.HasPrefix(m[2], "=") {
			return false
		}
	}
	return true
}

func monitoring(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func alertExpressions(t *testing.T) (all []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Expr string `yaml:"expr"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(monitoring(t, "monitoring/alerts.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			all = append(all, r.Expr)
		}
	}
	return all
}

// dashboardExpressions are those of panels, annotations and variables.
func dashboardExpressions(t *testing.T) (all []string) {
	t.Helper()
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"expr", "definition"} {
				if text, ok := v[key].(string); ok {
					all = append(all, text)
				}
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	var file any
	if err := json.Unmarshal(monitoring(t, "monitoring/grafana.json"), &file); err != nil {
		t.Fatal(err)
	}
	walk(file)
	return all
}

// TestOperationsNamesReasons: each reason of a dead letter has its remedy.
func TestOperationsNamesReasons(t *testing.T) {
	text := string(monitoring(t, "operations.md"))
	for _, r := range spool.Reasons() {
		if !strings.Contains(text, "\n| `"+string(r)+"` |") {
			t.Errorf("docs/operations.md has no row for the reason %s", r)
		}
	}
}
