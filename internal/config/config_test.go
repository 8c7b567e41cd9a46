package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
)

const exampleFile = "../../config.example.yaml"

// minimal is a configuration that loads, with places to spoil it.
const minimal = `sources:
  - name: dialer
    format: infin8linx
    auth: {query: {name: key, value: s3cret-value}}
sinks:
  - name: crm
    webhook: {url: "http://127.0.0.1:9/x"}
rules:
  - name: all
    to: [crm]
`

func TestExampleLoads(t *testing.T) {
	l, err := config.Load(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range l.Warnings {
		t.Errorf("warning: %s", w.In("config.example.yaml"))
	}
	if len(l.Sources) != 3 || len(l.Sinks) != 3 || len(l.Rules) != 4 {
		t.Errorf("the example has %d sources, %d sinks, %d rules", len(l.Sources), len(l.Sinks), len(l.Rules))
	}
}

func TestDefaults(t *testing.T) {
	l, err := config.Parse("c.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case l.Listen != ":8080", l.Admin.Listen != "127.0.0.1:8081", l.Spool.Path != "data/cdrelay.db":
		t.Errorf("addresses: %q %q %q", l.Listen, l.Admin.Listen, l.Spool.Path)
	case l.Sources[0].Path != "/callbacks/dialer":
		t.Errorf("source path: %q", l.Sources[0].Path)
	case *l.Shutdown.Grace != 25*time.Second:
		t.Errorf("grace: %v", *l.Shutdown.Grace)
	case l.Sinks[0].Timeout != 10*time.Second, l.Sinks[0].Lane.Concurrency != 8, l.Sinks[0].Lane.Rate != nil:
		t.Errorf("sink: %+v", l.Sinks[0].Settings)
	}
}

func TestSlackIsSlowByDefault(t *testing.T) {
	text := strings.Replace(minimal, `webhook: {url: "http://127.0.0.1:9/x"}`, `slack: {webhook_url: "https://hooks.slack.com/services/x"}`, 1)
	l, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if r := l.Sinks[0].Lane.Rate; r == nil || r.PerSecond != 1 || r.Burst != 1 {
		t.Errorf("rate: %+v", r)
	}
}

// problems are texts that must not load, with what each error must say and where.
func TestProblems(t *testing.T) {
	tests := []struct {
		name, from, to string
		want           []string
	}{
		{"unknown key", "to: [crm]", "to: [crm]\n    too: [crm]", []string{"c.yaml:11", `unknown key "too"`}},
		{"unknown key deep inside", `{url: "http://127.0.0.1:9/x"}`, `{url: "http://127.0.0.1:9/x", ulr: y}`, []string{"c.yaml:7", `"ulr"`}},
		{"repeated key", "rules:", "rules: []\nrules:", []string{"c.yaml:9", "rules", "second time (first in line 8)"}},
		{"repeated key in a body", `{url: "http://127.0.0.1:9/x"}`, `{url: "http://127.0.0.1:9/x", body: {a: 1, a: 2}}`, []string{"c.yaml:7", "second time"}},
		{"wrong type", "to: [crm]", "to: [crm]\n    stop: perhaps", []string{"c.yaml:11", `"perhaps"`, "true or false"}},
		{"duration", "sinks:", "shutdown: {grace: soon}\nsinks:", []string{"c.yaml:5", `"soon"`, "such as 10s"}},
		{"tag", "to: [crm]", "when: !call.answered\n    to: [crm]", []string{"c.yaml:10", "YAML tag", "quotes"}},
		{"lone tag", "to: [crm]", "when: ! call.answered\n    to: [crm]", []string{"c.yaml:10", "YAML tag"}},
		{"empty value", "to: [crm]", "when:\n    to: [crm]", []string{"c.yaml:10", "rules[0].when", "has no value"}},
		{"explicit null", "to: [crm]", "when: null\n    to: [crm]", []string{"c.yaml:10", "has no value"}},
		{"second document", "rules:\n", "---\nrules:\n", []string{"second YAML document"}},
		{"missing reference", "to: [crm]", "to: [crm, cmr]", []string{"c.yaml:10", "rules[0].to[1]", `no sink "cmr"`, "crm"}},
		{"misspelt field", "to: [crm]", "when: call.answeredx\n    to: [crm]", []string{"c.yaml:10", "answeredx", "answered"}},
		{"wrong type in a condition", "to: [crm]", "when: call.talk_seconds\n    to: [crm]", []string{"c.yaml:10"}},
		{"template", `{url: "http://127.0.0.1:9/x"}`, `{url: "http://127.0.0.1:9/x", body: {a: "${call.nothing}"}}`, []string{"c.yaml:7", "nothing"}},
		{"template in the host", `"http://127.0.0.1:9/x"`, `"http://${call.source}/x"`, []string{"c.yaml:7", "sinks[0].webhook.url"}},
		{"unset environment", `"http://127.0.0.1:9/x"`, `{env: CDRELAY_TEST_IS_NOT_SET}`, []string{"c.yaml:7", "CDRELAY_TEST_IS_NOT_SET", "not set"}},
		{"secret with two keys", `"http://127.0.0.1:9/x"`, `{env: A, file: b}`, []string{"c.yaml:7", "exactly one key"}},
		{"no kind", `webhook: {url: "http://127.0.0.1:9/x"}`, `timeout: 5s`, []string{"c.yaml:6", "webhook or slack"}},
		{"two kinds", `webhook: {url: "http://127.0.0.1:9/x"}`, "webhook: {url: \"http://127.0.0.1:9/x\"}\n    slack: {webhook_url: \"https://h/x\"}", []string{"c.yaml:8", "one kind"}},
		{"no auth", "    auth: {query: {name: key, value: s3cret-value}}\n", "", []string{"c.yaml:2", "sources[0].auth"}},
		{"format", "infin8linx", "asterisk", []string{"c.yaml:3", "asterisk", "infin8linx, nxcc"}},
		{"region", "auth: {query", "region: XX\n    auth: {query", []string{"c.yaml:4", "sources[0].region", "XX"}},
		{"sink name", "- name: crm", "- name: CRM", []string{"c.yaml:6", "a-z, 0-9 and -"}},
		{"a list where a mapping belongs", `{url: "http://127.0.0.1:9/x"}`, `[a]`, []string{"c.yaml:7", "a list stands where a mapping"}},
		{"syntax", "sinks:", "sinks: [", []string{"c.yaml:"}},
		{"tab", "    to: [crm]", "\tto: [crm]", []string{"c.yaml:", "tab character", "indent with spaces"}},
		{"tab where a value begins", "rules:\n  -", "rules:\n\t-", []string{"c.yaml:9", "a tab", "indent with spaces"}},
		{"size", "sinks:", "spool: {max_bytes: much}\nsinks:", []string{"c.yaml:5", "GiB", "no size"}},
		{"log level", "sinks:", "log: {level: loud}\nsinks:", []string{"c.yaml:5", "log.level", "debug, info"}},
		{"tracing", "sinks:", "tracing:\n  otlp_endpoint: collector:4317\n  sample_ratio: 2\nsinks:", []string{"c.yaml:6", "tracing.otlp_endpoint", "http://localhost:4318", "c.yaml:7", "tracing.sample_ratio"}},
		{"zone of pages", "sinks:", "timezone: Asia/Atlantis\nsinks:", []string{"c.yaml:5", `unknown time zone "Asia/Atlantis"`, "Asia/Jakarta"}},
		{"zone of the machine", "sinks:", "timezone: Local\nsinks:", []string{"c.yaml:5", "timezone", "machine's own"}},
		{"rate", `webhook: {url: "http://127.0.0.1:9/x"}`, "webhook: {url: \"http://127.0.0.1:9/x\"}\n    rate: {per_second: 0}", []string{"c.yaml:8", "rate.per_second", "greater than 0"}},
		{"one port for both listeners", "sinks:", "listen: \":8081\"\nsinks:", []string{"admin.listen", "127.0.0.1:8081 is taken by listen (:8081)", "a port of its own"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(minimal, tt.from, tt.to, 1)
			if text == minimal {
				t.Fatal("the test does not change the text")
			}
			_, err := config.Parse("c.yaml", []byte(text))
			if err == nil {
				t.Fatalf("loads:\n%s", text)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "s3cret-value") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	text := strings.NewReplacer(
		"infin8linx", "asterisk",
		"name: crm", "name: CRM",
		"to: [crm]", "when: call.nothing\n    to: [nobody]\n    stop: perhaps",
		"rules:", "colour: blue\nrules:",
	).Replace(minimal)
	_, err := config.Parse("c.yaml", []byte(text))
	if err == nil {
		t.Fatal("loads")
	}
	for _, want := range []string{"asterisk", "a-z, 0-9", `"colour"`, "nothing", "nobody", "perhaps"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not reported with the others: %s\n%v", want, err)
		}
	}
	last := 0
	for line := range strings.Lines(err.Error()) {
		var n int
		if _, rest, ok := strings.Cut(line, "c.yaml:"); ok {
			for _, r := range rest {
				if r < '0' || r > '9' {
					break
				}
				n = n*10 + int(r-'0')
			}
		}
		if n < last {
			t.Errorf("not in the order of the file: %s", line)
		}
		last = max(last, n)
	}
}

func TestEmptyAndMissing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "[]", "text", "---\n"} {
		if _, err := config.Parse("c.yaml", []byte(text)); err == nil {
			t.Errorf("loads: %q", text)
		}
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestNullIsAValueInABody(t *testing.T) {
	text := strings.Replace(minimal, `{url: "http://127.0.0.1:9/x"}`, `{url: "http://127.0.0.1:9/x", body: {a: null}}`, 1)
	if _, err := config.Parse("c.yaml", []byte(text)); err != nil {
		t.Error(err)
	}
}

func TestWarnings(t *testing.T) {
	text := strings.Replace(minimal, "rules:", "admin: {listen: \"0.0.0.0:8081\"}\nrules:", 1)
	text = strings.Replace(text, "- name: crm", "- name: spare\n    webhook: {url: \"http://127.0.0.1:9/y\"}\n  - name: crm", 1)
	text += "  - stop: true\n  - to: [crm]\n  - to: [crm]\n"
	l, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, w := range l.Warnings {
		all.WriteString(w.In("c.yaml") + "\n")
	}
	for _, want := range []string{"admin.listen", "403", "c.yaml:6", "spare", "c.yaml:15: rules[2]: is never reached: rules[1] has no condition"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no warning says %q:\n%s", want, all.String())
		}
	}
}

func TestFingerprintFollowsFilesOfSecrets(t *testing.T) {
	dir := t.TempDir()
	secretFile, file := filepath.Join(dir, "token"), filepath.Join(dir, "c.yaml")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secretFile, "one")
	write(file, strings.Replace(minimal, "s3cret-value", "{file: "+secretFile+"}", 1))
	before, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := config.Fingerprint(file); err != nil || h != before.Hash {
		t.Errorf("the fingerprint of an unchanged file differs: %v", err)
	}
	write(secretFile, "two")
	after, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := config.Fingerprint(file); err != nil || h == before.Hash || h != after.Hash {
		t.Errorf("the fingerprint does not follow the secret's file: %v", err)
	}
	if before.SinkMarks["crm"] != after.SinkMarks["crm"] {
		t.Error("a sink counts as changed because a source's secret has")
	}
}

func TestSinkMarks(t *testing.T) {
	mark := func(text string) config.Hash {
		t.Helper()
		l, err := config.Parse("c.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return l.SinkMarks["crm"]
	}
	t.Setenv("CDRELAY_TEST_URL", "http://127.0.0.1:9/a")
	withEnv := strings.Replace(minimal, `"http://127.0.0.1:9/x"`, "{env: CDRELAY_TEST_URL}", 1)
	base, env := mark(minimal), mark(withEnv)
	if base != mark(strings.Replace(minimal, "name: all", "name: every call", 1)) {
		t.Error("a rule changes the mark of a sink")
	}
	if base == mark(strings.Replace(minimal, "9/x", "9/y", 1)) {
		t.Error("another URL leaves the mark of the sink")
	}
	t.Setenv("CDRELAY_TEST_URL", "http://127.0.0.1:9/b")
	if env == mark(withEnv) {
		t.Error("another value of the environment leaves the mark of the sink")
	}
}

func TestHashNumber(t *testing.T) {
	h := config.Hash{0, 0, 0, 0, 1, 2, 255}
	if h.Number() != 258 {
		t.Errorf("first 48 bits: %v", h.Number())
	}
}
