package house

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// shownEnv finds the variables that a configuration in a document reads.
var shownEnv = regexp.MustCompile(`env: (\w+)`)

// lacking is what a part of a configuration is completed with.
const lacking = `
sources: [{name: dialer, format: infin8linx, region: ID, auth: {query: {name: key, value: x}}}]
sinks: [{name: crm, webhook: {url: "http://127.0.0.1:9"}}]
rules: [{name: all, to: [crm]}]
`

// TestConfigurationsInDocumentsNoRace lets the server load each block of YAML that is
// a configuration, or a part of one. A block whose keys are none of the
// configuration's is something else.
func TestConfigurationsInDocumentsNoRace(t *testing.T) {
	binary := buildBinary(t)
	known := configurationKeys(t, binary)
	loaded := 0
	for _, page := range pages(t) {
		for _, b := range blocks(read(t, page)) {
			text, ok := completed(b, known)
			if !ok {
				continue
			}
			loaded++
			t.Run(fmt.Sprintf("%s:%d", page, b.line), func(t *testing.T) {
				for _, m := range shownEnv.FindAllStringSubmatch(b.text, -1) {
					t.Setenv(m[1], secretFor(m[1]))
				}
				dir := t.TempDir()
				for name, content := range map[string]string{"config.yaml": text, "owners.csv": "amy@example.com,1001\n", "tiers.yaml": "acme: gold\n"} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				check := exec.CommandContext(t.Context(), binary, "check", "-c", "config.yaml")
				check.Dir = dir
				if out, err := check.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s\n%s", err, out, text)
				}
			})
		}
	}
	if loaded < 4 {
		t.Errorf("only %d configurations were found", loaded)
	}
}

func TestCompleted(t *testing.T) {
	known := []string{"sources", "sinks", "rules", "log"}
	for text, whole := range map[string]bool{
		"log: {level: debug}\n": true, "sources: []\nsinks: []\nrules: []\n": true,
		"config: none.yaml\n": false, "scrape_configs: []\n": false, "- a\n": false, "log: {}\nother: 1\n": false, "# none\n": false,
	} {
		if got, ok := completed(block{language: "yaml", text: text}, known); ok != whole || ok && !strings.HasPrefix(got, text) {
			t.Errorf("%q: %v %q", text, ok, got)
		}
	}
	if got, ok := completed(block{language: "yaml", text: "config:\n  log: {level: debug}\nsecrets: {}\n"}, known); !ok || !strings.HasPrefix(got, "log: {level: debug}\n") {
		t.Errorf("%q", got)
	}
	if got, _ := completed(block{language: "yaml", text: "log: {}\nsinks: []"}, known); !strings.Contains(got, "rules:") || strings.Count(got, "sinks:") != 1 {
		t.Errorf("%q", got)
	}
}

// completed gives a block as a whole configuration; not ok where it is none. Of
// the chart's values it takes the part `config`.
func completed(b block, known []string) (text string, ok bool) {
	var doc map[string]yaml.Node
	text = b.text
	if b.language != "yaml" || yaml.Unmarshal([]byte(text), &doc) != nil {
		return "", false
	}
	if part, values := doc["config"]; values && part.Kind == yaml.MappingNode {
		inner, err := yaml.Marshal(&part)
		if err != nil {
			return "", false
		}
		return completed(block{language: b.language, text: string(inner)}, known)
	}
	if len(doc) == 0 {
		return "", false
	}
	for key := range doc {
		if !slices.Contains(known, key) {
			return "", false
		}
	}
	for line := range strings.Lines(strings.TrimSpace(lacking)) {
		key, _, _ := strings.Cut(line, ":")
		if _, there := doc[key]; !there {
			text = strings.TrimRight(text, "\n") + "\n" + line
		}
	}
	return text, true
}

// configurationKeys asks the program for the keys at the top.
func configurationKeys(t *testing.T, binary string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "schema", "config").Output()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(out, &schema); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for key := range schema.Properties {
		keys = append(keys, key)
	}
	return keys
}

// buildBinary returns the binary that CDRELAY_BINARY names, or builds one.
func buildBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CDRELAY_BINARY"); path != "" {
		if _, err := os.Stat(path); err != nil { // also tells `go test` that results depend on it
			t.Fatal(err)
		}
		return path
	}
	binary := filepath.Join(t.TempDir(), "cdrelay")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "./cmd/cdrelay")
	cmd.Dir = root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// secretFor makes up what a variable of that name would hold.
func secretFor(name string) string {
	switch {
	case strings.HasSuffix(name, "_URL"):
		return "https://hooks.example.com/services/T000/B000/made-up"
	case strings.Contains(name, "SIGNING"):
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte("made up for the documents' tests 32"))
	default:
		return "made-up-for-tests"
	}
}
