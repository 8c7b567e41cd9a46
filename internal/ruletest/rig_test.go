package ruletest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// rules are what the tests of this package are run against.
const rules = `
rules:
  - {name: missed, when: '!call.answered && call.direction == "inbound"', to: [chat]}
  - {name: broken, when: call.account == "broken", to: [broken]}
  - {name: stepped, when: call.account == "stepped", to: [stepped]}
  - {name: all, to: [crm, form]}
sinks:
  crm:
    webhook:
      url: https://crm.example.com/calls
      headers: {X-Tenant: "${call.account}", X-Api-Key: key-plant-1234}
      auth: {bearer: {env: RULETEST_TOKEN}}
      body: {id: "${call.id}", phone: "${call.customer.number}", at: "${call.received_at}", tags: [a, b]}
  form:
    webhook: {url: "https://crm.example.com/form", encoding: form, body: {n: "${call.revision}", yes: true, one: x}}
  chat:
    slack: {webhook_url: "https://hooks.slack.com/services/T0/B0/slack-plant", text: "Missed"}
  stepped:
    webhook:
      base: https://crm.example.com
      steps:
        - {name: contact, method: GET, url: "/contacts?q=${call.customer.number}", result: response.json.id, cache: 1m}
        - {name: create, when: remembered.create == "", url: /calls, body: {contact: "${steps.contact}"}, result: response.json.id, remember: true}
        - {name: update, when: remembered.create != "", method: PATCH, url: "/calls/${remembered.create}", body: {contact: "${steps.contact}"}}
  broken:
    webhook: {url: "https://crm.example.com/broken", body: {x: "${1 / (call.revision - 1)}"}}
`

// load reads rules as config does, secrets from the environment too.
func load(string) (*explain.Explainer, error) {
	var read struct {
		Rules []route.Rule
		Sinks map[string]sinks.Config
	}
	if err := yaml.Unmarshal([]byte(rules), &read); err != nil {
		return nil, err
	}
	c := explain.Config{Rules: read.Rules}
	for _, name := range []string{"crm", "form", "chat", "broken", "stepped"} {
		sink, err := sinks.Build(read.Sinks[name], contract.Deps{})
		if err != nil {
			return nil, err
		}
		c.Sinks = append(c.Sinks, explain.Sink{Name: name, Sink: sink})
	}
	format, _ := adapter.Lookup("infin8linx")
	c.Sources = []explain.Source{{Name: "dialer", Format: format.Name, Read: func(body []byte) (*call.Record, call.ContentHash, error) {
		r, err := format.Convert(body, call.Source{Name: "dialer", Region: "ID"})
		return r, call.ContentHash{}, err
	}}}
	return explain.New(c), nil
}

// inbound is the callback of most cases.
const inbound = `{id: 7, companycode: "acme", direction: callin, callmethod: 2, disnumber: "81351111451"}`

// aCase is a file with one case that expects something of a callback.
func aCase(callback, expect string) string {
	return "env: {RULETEST_TOKEN: token-of-the-test}\ncases:\n- name: one\n  source: dialer\n  callback: " + callback +
		"\n  expect: " + expect + "\n"
}

// ran writes a file and runs it.
func ran(t *testing.T, text string) Result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.test.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Run(t.Context(), path, Options{Config: "config.yaml", Load: load})
	r.File = filepath.Base(r.File)
	if r.Err != nil {
		r.Err = &shortened{strings.ReplaceAll(r.Err.Error(), path, r.File)}
	}
	return r
}

// shortened is an error without the test's folder.
type shortened struct{ text string }

func (s *shortened) Error() string { return s.text }

// differences gives those of the only case as lines.
func differences(t *testing.T, r Result) []string {
	t.Helper()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	var out []string
	for _, d := range r.Cases[0].Differences {
		out = append(out, strings.Join(append([]string{d.Path, d.Expected, d.Got}, d.Notes...), " | "))
	}
	return out
}

func secretFromEnv(t *testing.T, name, value string) secret.Value {
	t.Helper()
	t.Setenv(name, value)
	var v secret.Value
	if err := yaml.Unmarshal([]byte("{env: "+name+"}"), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
