package config_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/sinks/presets"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// key is one key of the JSON Schema, with what docs/configuration.md shows of it.
type key struct {
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Type        string         `json:"type"`
	Enum        []any          `json:"enum"`
	Default     any            `json:"default"`
	Words       string         `json:"x-default"`
	Examples    []any          `json:"examples"`
	Required    []string       `json:"required"`
	Properties  map[string]key `json:"properties"`
	Items       *key           `json:"items"`
}

// keys gives every key by its path, like sinks[].webhook.url.
func keys(t *testing.T) map[string]key {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var top key
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	all := map[string]key{}
	var walk func(path string, k key)
	walk = func(path string, k key) {
		if k.Items != nil {
			walk(path+"[]", *k.Items)
		}
		for name, child := range k.Properties {
			at := strings.TrimPrefix(path+"."+name, ".")
			all[at] = child
			walk(at, child)
		}
	}
	walk("", top)
	return all
}

// rivals are keys of which a mapping holds one.
var rivals = [][]string{
	{"preset", "webhook", "slack"},
	{"with", "webhook", "slack"},
	{"webhook_url", "token"},
	{"webhook_url", "channel"},
	{"webhook_url", "api_url"},
	{"header", "query", "basic", "bearer", "digest", "open"},
	{"bearer", "basic", "oauth2"},
	{"steps", "url"},
	{"steps", "query"},
	{"steps", "method"},
	{"steps", "body"},
	{"steps", "encoding"},
	{"steps", "envelope"},
}

// companions are keys that need others beside them.
var companions = map[string]map[string]any{
	"token":   {"channel": "C0123456789"},
	"channel": {"token": "xoxb-example"},
	"api_url": {"token": "xoxb-example", "channel": "C0123456789"},
	"with":    {"preset": "hubspot"},
}

// configuration gives a whole configuration in which the key at a path has a
// value; what the key needs around it are the examples of the keys above it.
func configuration(t *testing.T, all map[string]key, path string, value any) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(minimal), &doc); err != nil {
		t.Fatal(err)
	}
	node, at, steps := doc, "", strings.Split(path, ".")
	for i, step := range steps {
		name, list := strings.CutSuffix(step, "[]")
		at = strings.TrimPrefix(at+"."+step, ".")
		last := i == len(steps)-1
		if value != false || !last { // which has no rivals
			settle(node, name, strings.HasPrefix(at, "sinks[].slack") || at == "sinks[].preset" || at == "sinks[].with")
		}
		switch {
		case last:
			node[name] = value
			if at == "sinks[].preset" {
				node["with"] = required(t, value)
			}
		case list:
			if _, there := node[name]; !there {
				node[name] = clone(t, all[strings.TrimSuffix(at, "[]")].Examples[0])
			}
			node = mapping(t, node[name])
		default:
			if _, there := node[name].(map[string]any); !there {
				node[name] = map[string]any{}
				if examples := all[at].Examples; len(examples) > 0 {
					node[name] = clone(t, examples[0])
				}
			}
			node = mapping(t, node[name])
		}
	}
	return doc
}

// required returns the parameters that a preset demands.
func required(t *testing.T, name any) map[string]any {
	t.Helper()
	p, found := presets.Find(fmt.Sprint(name))
	if !found {
		t.Fatalf("there is no preset %v", name)
	}
	with := map[string]any{}
	for _, one := range p.Parameters {
		if one.Required {
			var value any
			if err := one.Example.Decode(&value); err != nil {
				t.Fatal(err)
			}
			with[one.Name] = value
		}
	}
	return with
}

// mapping returns a mapping, or the last one of a list: it may need those before.
func mapping(t *testing.T, v any) map[string]any {
	t.Helper()
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[len(list)-1]
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no mapping", v)
	}
	return m
}

// clone keeps what is changed in one configuration out of the next one.
func clone(t *testing.T, value any) (copied any) {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &copied); err != nil {
		t.Fatal(err)
	}
	return copied
}

// settle takes the rivals of a key out of its mapping and puts its companions in.
func settle(node map[string]any, name string, accompanied bool) {
	for _, group := range rivals {
		if slices.Contains(group, name) {
			for _, rival := range group {
				if rival != name {
					delete(node, rival)
				}
			}
		}
	}
	if accompanied {
		maps.Copy(node, companions[name])
	}
}

// fromEnvironment finds the variables of a configuration in block style.
var fromEnvironment = regexp.MustCompile(`env: ([A-Z_]+)`)

// load loads a configuration as check would.
func load(t *testing.T, doc map[string]any) (*config.Loaded, error) {
	t.Helper()
	text, err := yaml.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fromEnvironment.FindAllStringSubmatch(string(text), -1) {
		switch {
		case strings.HasSuffix(m[1], "_URL"):
			t.Setenv(m[1], "https://example.com/"+m[1])
		case strings.HasSuffix(m[1], "SIGNING_SECRET"):
			t.Setenv(m[1], "whsec_ZXhhbXBsZS1zaWduaW5nLXNlY3JldC0zMi1ieXRlcyE=")
		default:
			t.Setenv(m[1], "value-of-"+m[1])
		}
	}
	return config.Parse("c.yaml", []byte(strings.ReplaceAll(string(text), "/run/secrets/", "")))
}

// inFolderOfFiles goes where the files are that examples name.
func inFolderOfFiles(t *testing.T) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	t.Chdir(t.TempDir())
	for name, content := range map[string][]byte{
		"server.crt": certificate, "server.key": private, "client.crt": certificate, "client.key": private,
		"private-ca.crt": certificate, "token": []byte("secret"), "owners.csv": []byte("amy@example.com,1001\n"),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEveryKeyIsDescribed: with a meaning, and with an example where it is no
// mere folder of keys.
func TestEveryKeyIsDescribed(t *testing.T) {
	for path, k := range keys(t) {
		if !strings.HasSuffix(k.Description, ".") {
			t.Errorf("%s has no description: give its field a tag `doc`", path)
		}
		if len(k.Examples) == 0 && len(k.Properties) == 0 && (k.Items == nil || len(k.Items.Properties) == 0) {
			t.Errorf("%s has no example: give its field a tag `example`", path)
		}
	}
}

// TestExamplesLoad: each example and each value of an enumeration.
func TestExamplesLoad(t *testing.T) {
	inFolderOfFiles(t)
	all := keys(t)
	for path, k := range all {
		for _, value := range slices.Concat(k.Examples, k.Enum) {
			t.Run(fmt.Sprintf("%s %v", path, value), func(t *testing.T) {
				if _, err := load(t, configuration(t, all, path, value)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestDefaultsAreTrue: to write a default changes nothing.
func TestDefaultsAreTrue(t *testing.T) {
	inFolderOfFiles(t)
	all, tested := keys(t), 0
	for path, k := range all {
		if k.Default == nil {
			continue
		}
		tested++
		t.Run(path, func(t *testing.T) {
			with := configuration(t, all, path, k.Default)
			written, err := load(t, with)
			if err != nil {
				t.Fatal(err)
			}
			without := configuration(t, all, path, k.Default)
			remove(t, without, path)
			absent, err := load(t, without)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(uncompiled(written.Config), uncompiled(absent.Config)) {
				t.Errorf("%v is not what holds without the key", k.Default)
			}
		})
	}
	if tested < 25 {
		t.Errorf("only %d keys have a default", tested)
	}
}

// uncompiled takes out of steps what is compiled, which equals nothing.
func uncompiled(c config.Config) config.Config {
	for _, s := range c.Sinks {
		if s.Webhook == nil {
			continue
		}
		for i := range s.Webhook.Steps {
			step := &s.Webhook.Steps[i]
			step.Request, step.Result = webhook.Request{Encoding: step.Encoding}, expr.ResponseResult{}
		}
	}
	return c
}

// TestRequiredKeys: without one of them nothing loads.
func TestRequiredKeys(t *testing.T) {
	inFolderOfFiles(t)
	all, tested := keys(t), 0
	for path, k := range all {
		parent := all[strings.TrimSuffix(path[:max(0, strings.LastIndex(path, "."))], "[]")]
		if parent.Items != nil {
			parent = *parent.Items
		}
		if !slices.Contains(parent.Required, path[strings.LastIndex(path, ".")+1:]) {
			continue
		}
		tested++
		t.Run(path, func(t *testing.T) {
			doc := configuration(t, all, path, k.Examples[0])
			remove(t, doc, path)
			if _, err := load(t, doc); err == nil {
				t.Error("the configuration loads without it")
			}
		})
	}
	if tested < 15 {
		t.Errorf("only %d keys are required", tested)
	}
}

// remove takes the key at a path out.
func remove(t *testing.T, doc map[string]any, path string) {
	t.Helper()
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		doc = mapping(t, doc[strings.TrimSuffix(step, "[]")])
	}
	delete(doc, steps[len(steps)-1])
}

// TestDefaultsInWords: what holds where a default is no value.
func TestDefaultsInWords(t *testing.T) {
	l, err := config.Parse("c.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	slack, err := config.Parse("c.yaml", []byte(strings.Replace(minimal, `webhook: {url: "http://127.0.0.1:9/x"}`, `slack: {webhook_url: "https://example.com/x"}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	rated, err := config.Parse("c.yaml", []byte(strings.Replace(minimal, "rules:", "    rate: {per_second: 2.5}\nrules:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	stepped, err := config.Parse("c.yaml", []byte(strings.Replace(minimal, `webhook: {url: "http://127.0.0.1:9/x"}`,
		`webhook: {steps: [{name: a, url: "http://127.0.0.1:9/x"}, {name: b, url: "http://127.0.0.1:9/x", rate: {per_second: 2.5}}]}`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	step, limited := stepped.Sinks[0].Webhook.Steps[0], stepped.Sinks[0].Webhook.Steps[1]
	format, _ := adapter.Lookup("infin8linx")
	hook, lane := l.Sinks[0].Webhook, slack.Sinks[0].Lane
	holds := map[string]bool{
		"tls":                                l.TLS == nil,
		"sources[].path":                     l.Sources[0].Path == "/callbacks/dialer",
		"sources[].timezone":                 l.Sources[0].Timezone == "" && format.DefaultZone == "Asia/Shanghai",
		"sources[].numbers":                  l.Sources[0].Numbers == call.FormatNumbers,
		"sources[].respond":                  l.Sources[0].Respond == "",
		"tracing.otlp_endpoint":              l.Tracing.Endpoint == "",
		"sinks[].rate":                       l.Sinks[0].Lane.Rate == nil && lane.Rate.PerSecond == 1 && lane.Rate.Burst == 1,
		"sinks[].rate.burst":                 rated.Sinks[0].Lane.Rate.Burst == 3,
		"sinks[].webhook.body":               hook.Body.IsZero(),
		"sinks[].webhook.method":             hook.Method.IsZero(),
		"sinks[].webhook.success":            hook.Success.IsZero(),
		"sinks[].webhook.retry_if":           hook.RetryIf.IsZero(),
		"sinks[].webhook.pause":              hook.Pause.IsZero(),
		"sinks[].webhook.address_if":         hook.AddressIf.IsZero(),
		"sinks[].webhook.steps[].body":       step.Body.IsZero(),
		"sinks[].webhook.steps[].method":     step.Method.IsZero(),
		"sinks[].webhook.steps[].success":    step.Success.IsZero(),
		"sinks[].webhook.steps[].retry_if":   step.RetryIf.IsZero(),
		"sinks[].webhook.steps[].pause":      step.Pause.IsZero(),
		"sinks[].webhook.steps[].address_if": step.AddressIf.IsZero(),
		"sinks[].webhook.steps[].when":       step.When.IsZero(),
		"sinks[].webhook.steps[].result":     step.Result.IsZero(),
		"sinks[].webhook.steps[].cache":      step.Cache == nil,
		"sinks[].webhook.steps[].rate":       step.Rate == nil,
		"sinks[].webhook.steps[].rate.burst": limited.Rate.Burst == 3,
		"sinks[].slack.text":                 slack.Sinks[0].Slack.Text.IsZero(),
		"sinks[].slack.blocks":               slack.Sinks[0].Slack.Blocks.IsZero(),
		"rules[].name":                       route.Names([]route.Rule{{}})[0] == "rule 1",
		"rules[].when":                       l.Rules[0].When.IsZero(),
		"sources[].charset":                  l.Sources[0].Charset == "",
	}
	for path, k := range keys(t) {
		if held, known := holds[path]; k.Words != "" && !known {
			t.Errorf("%s has a default in words, of which this test knows nothing", path)
		} else if known && (!held || k.Words == "") {
			t.Errorf("%s: %q does not hold", path, k.Words)
		}
	}
}
