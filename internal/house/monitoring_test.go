package house

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// promtoolEnv names the command, with its arguments, that runs promtool.
const promtoolEnv = "CDRELAY_PROMTOOL"

// runbooks is where the annotation of each alert leads, the alert's own name in
// small letters after it.
const runbooks = "https://github.com/cdrelay/cdrelay/blob/main/docs/operations.md#"

type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

type ruleGroup struct {
	Name  string  `yaml:"name"`
	Rules []alert `yaml:"rules"`
}

type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

// panel is the part of a dashboard's panel that the tests look at.
type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Targets     []struct {
		Expr       string `json:"expr"`
		Datasource struct {
			UID string `json:"uid"`
		} `json:"datasource"`
	} `json:"targets"`
}

func TestMonitoringAlertsHaveRunbooks(t *testing.T) {
	report(t, checkAlerts(alerts(t), read(t, "docs/operations.md"),
		read(t, "docs/monitoring/alerts_test.yaml")+read(t, "docs/monitoring/alerts_week_test.yaml")))
}

func TestMonitoringNotices(t *testing.T) {
	good := alert{
		Alert: "CdrelayX", Expr: "1", Labels: map[string]string{"severity": "critical"},
		Annotations: map[string]string{"summary": "s", "description": "d", "runbook_url": runbooks + "cdrelayx"},
	}
	mild := good
	mild.Labels = map[string]string{"severity": "mild"}
	silent := good
	silent.Annotations = map[string]string{"summary": "s", "runbook_url": runbooks + "x"}
	expect(t, checkAlerts([]alert{good}, "# A\n\n### CdrelayX\n", `alertname="CdrelayX"`))
	expect(t, checkAlerts([]alert{good}, "### CdrelayXY\n", `alertname="CdrelayX"`), "no runbook")
	expect(t, checkAlerts([]alert{good}, "### CdrelayX\n", ""), "no test")
	expect(t, checkAlerts([]alert{mild}, "### CdrelayX\n", `alertname="CdrelayX"`), "severity")
	expect(t, checkAlerts([]alert{silent}, "### CdrelayX\n", `alertname="CdrelayX"`), "description", "runbook_url")

	log := func(line string) source {
		return parse(t, "internal/a/a.go", "package a\n\nfunc f() { "+line+" }\n")
	}
	for line, complaints := range map[string][]string{
		`l.log.Error("it broke", "error", err)`:                {"it broke"},
		`log.WarnContext(ctx, "it creaks")`:                    {"it creaks"},
		`log.Error("known")`:                                   nil,
		`log.Info("all is well")`:                              nil,
		`http.Error(w, "no", 500); t.Error(); log.Error(text)`: nil,
	} {
		expect(t, checkMessages([]source{log(line)}, "| `known` |"), complaints...)
	}
}

// TestLogMessagesAreExplained: an operator who meets a warning or an error in the
// log finds it in the documents.
func TestLogMessagesAreExplained(t *testing.T) {
	report(t, checkMessages(sources(t), read(t, "docs/operations.md")))
}

func TestMonitoringDashboard(t *testing.T) {
	var file struct {
		SchemaVersion int     `json:"schemaVersion"`
		Title         string  `json:"title"`
		UID           string  `json:"uid"`
		Panels        []panel `json:"panels"`
		Templating    struct {
			List []struct{ Name, Type string } `json:"list"`
		} `json:"templating"`
	}
	if err := json.Unmarshal([]byte(read(t, "docs/monitoring/grafana.json")), &file); err != nil {
		t.Fatal(err)
	}
	if file.SchemaVersion < 39 || file.Title == "" || file.UID == "" || len(file.Templating.List) == 0 || file.Templating.List[0].Type != "datasource" {
		t.Errorf("schema version %d, title %q, uid %q, variables %v", file.SchemaVersion, file.Title, file.UID, file.Templating.List)
	}
	ids := map[int]bool{}
	for _, p := range file.Panels {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Title == "" || p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d %q wants a title, a description and a query", p.ID, p.Title)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("panel %q asks the datasource %q", p.Title, q.Datasource.UID)
			}
		}
	}
}

// TestMonitoringPromtool lets Prometheus itself check the alerts, run their
// tests, and read every query of the dashboard.
func TestMonitoringPromtool(t *testing.T) {
	dir := filepath.Join(root(t), "docs", "monitoring")
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(dir, "alerts.yaml"))
	promtool(t, "test", "rules", filepath.Join(dir, "alerts_test.yaml"), filepath.Join(dir, "alerts_week_test.yaml"))
	queries := filepath.Join(t.TempDir(), "queries.yaml")
	b, err := yaml.Marshal(ruleFile{Groups: []ruleGroup{{Name: "dashboard", Rules: queriesAsAlerts(t)}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(queries, b, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=none", queries)
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	command := strings.Fields(os.Getenv(promtoolEnv))
	if len(command) == 0 {
		t.Skipf("DID NOT RUN: %s names no promtool: make monitoring does", promtoolEnv)
	}
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], args...)...)
	cmd.Dir = root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// queriesAsAlerts puts the queries of the dashboard into a form that promtool
// reads, with values for the variables.
func queriesAsAlerts(t *testing.T) []alert {
	t.Helper()
	var list []alert
	values := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*", "$source", ".*", "$sink", ".*")
	for _, m := range regexp.MustCompile(`"expr": (".*")`).FindAllStringSubmatch(read(t, "docs/monitoring/grafana.json"), -1) {
		var text string
		if err := json.Unmarshal([]byte(m[1]), &text); err != nil {
			t.Fatal(err)
		}
		if text = values.Replace(text); strings.Contains(text, "$") {
			t.Errorf("an unknown variable in %s", text)
		}
		list = append(list, alert{Alert: fmt.Sprintf("Query%d", len(list)), Expr: text})
	}
	if len(list) < 40 {
		t.Errorf("%d queries found in the dashboard", len(list))
	}
	return list
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file ruleFile
	if err := yaml.Unmarshal([]byte(read(t, "docs/monitoring/alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// checkAlerts wants words, a runbook and a test for each alert.
func checkAlerts(all []alert, operations, tests string) []string {
	var complaints []string
	complain := func(a alert, text string) { complaints = append(complaints, a.Alert+": "+text) }
	for _, a := range all {
		if !slices.Contains([]string{"critical", "warning"}, a.Labels["severity"]) {
			complain(a, "the severity is critical or warning")
		}
		for _, key := range []string{"summary", "description"} {
			if a.Annotations[key] == "" {
				complain(a, "has no "+key)
			}
		}
		if a.Annotations["runbook_url"] != runbooks+strings.ToLower(a.Alert) {
			complain(a, "the runbook_url does not lead to its own section")
		}
		if !strings.Contains("\n"+operations, "\n### "+a.Alert+"\n") {
			complain(a, "has no runbook in docs/operations.md")
		}
		if !strings.Contains(tests, fmt.Sprintf("alertname=%q", a.Alert)) {
			complain(a, "has no test in which it fires")
		}
	}
	return complaints
}

// checkMessages looks for warnings and errors that the documents do not name.
func checkMessages(all []source, operations string) []string {
	var complaints []string
	for _, s := range all {
		if s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if message, ok := logged(c); ok && !strings.Contains(operations, "`"+message+"`") {
				complaints = append(complaints, fmt.Sprintf("%s:%d logs %q, of which docs/operations.md says nothing", s.path, s.line(c.Pos()), message))
			}
			return true
		})
	}
	return complaints
}

// logged gives the message that a call on a logger, which is always named log or
// Log, logs as a warning or an error.
func logged(c *ast.CallExpr) (message string, ok bool) {
	f, ok := c.Fun.(*ast.SelectorExpr)
	at := map[string]int{"Warn": 0, "Error": 0, "WarnContext": 1, "ErrorContext": 1}
	if !ok || !isLogger(f.X) {
		return "", false
	}
	i, ok := at[f.Sel.Name]
	if !ok || len(c.Args) <= i {
		return "", false
	}
	text, ok := c.Args[i].(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return "", false
	}
	message, err := strconv.Unquote(text.Value)
	return message, err == nil
}

func isLogger(e ast.Expr) bool {
	name := ""
	switch e := e.(type) {
	case *ast.Ident:
		name = e.Name
	case *ast.SelectorExpr:
		name = e.Sel.Name
	}
	return strings.EqualFold(name, "log")
}
