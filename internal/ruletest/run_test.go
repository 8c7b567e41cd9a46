package ruletest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
)

func TestExpectations(t *testing.T) {
	for _, c := range []struct {
		name, callback, expect string
		want                   []string // none: it passes
	}{
		{"nothing but a sink", inbound, `{sinks: [form, crm, chat, crm]}`, nil},
		{"fields", inbound, `{record: {id: "dialer:acme-7", direction: inbound, answered: false, customer: {number: "+6281351111451"}, talk_seconds: null, recording: null, raw: {id: 7}, received_at: 2025-01-01T00:00:00.000Z}}`, nil},
		{
			"wrong fields", inbound, `{record: {direction: outbound, answered: true, customer: {number: null}, talk_seconds: 0, agent: {id: x}, raw: {id: "7"}}}`,
			[]string{
				`record.agent | {"id":"x"} | nothing`,
				`record.answered | true | false`,
				`record.customer.number | nothing | "+6281351111451"`,
				`record.direction | "outbound" | "inbound"`,
				`record.raw.id | "7" | 7`,
				`record.talk_seconds | 0 | nothing`,
			},
		},
		{
			"sinks", inbound, `{sinks: [crm, broken], not_sinks: [form, broken]}`,
			[]string{
				`sinks | [broken, crm] | [chat, crm, form] | broken: rule "broken" did not match: call.account is "acme" | ` +
					`chat: rule "missed" matched: call.answered is false, call.direction is "inbound" | form: rule "all" matched: it has no condition`,
				`not_sinks | no call to form | a call to form | form: rule "all" matched: it has no condition`,
			},
		},
		{"no sinks", inbound, `{sinks: []}`, []string{
			`sinks | [] | [chat, crm, form] | chat: rule "missed" matched: call.answered is false, call.direction is "inbound" | ` +
				`crm: rule "all" matched: it has no condition | form: rule "all" matched: it has no condition`,
		}},
		{
			"requests", inbound, `{requests: {
				crm: {method: POST, url: "https://crm.example.com/calls", headers: {x-tenant: acme, Authorization: Bearer token-of-the-test, X-Other: null},
					body: {id: "dialer:acme-7", at: "2025-01-01T00:00:00.000Z", tags: [a, b], other: null}},
				form: {headers: {Content-Type: application/x-www-form-urlencoded}, body: {n: 1, yes: true, one: x}},
				chat: {body: {text: Missed}}}}`, nil,
		},
		{"a whole body", inbound, `{requests: {form: {body: "n=1&yes=true&one=x"}}}`, nil},
		{
			"wrong requests", inbound, `{requests: {
				broken: {method: POST},
				crm: {method: PUT, url: "https://crm.example.com/call", headers: {x-tenant: null, X-Api-Key: other, X-Missing: "1", Authorization: Bearer x},
					body: {phone: 6281351111451, tags: [a]}},
				form: {body: {n: 2, two: y}},
				chat: {body: Missed}}}`,
			[]string{
				`requests.broken | a request | nothing | broken: rule "broken" did not match: call.account is "acme"`,
				`requests.chat.body | Missed | {"text":"Missed","unfurl_links":false,"unfurl_media":false}`,
				`requests.crm.method | PUT | POST`,
				`requests.crm.url | https://crm.example.com/call | https://crm.example.com/calls`,
				`requests.crm.headers.Authorization | Bearer x | Bearer token-of-the-test`,
				`requests.crm.headers.X-Api-Key | other | ********`,
				`requests.crm.headers.X-Missing | 1 | nothing`,
				`requests.crm.headers.x-tenant | nothing | acme`,
				`requests.crm.body.phone | 6281351111451 | "+6281351111451"`,
				`requests.crm.body.tags | ["a"] | ["a","b"]`,
				`requests.form.body.n | "2" | "1"`,
				`requests.form.body.two | "y" | nothing`,
			},
		},
		{"a template that fails", `{id: 7, companycode: broken}`, `{requests: {broken: {error: division by zero}}}`, nil},
		{
			"a template that fails unexpectedly", `{id: 7, companycode: broken}`, `{requests: {broken: {method: POST}, crm: {error: division}}}`,
			[]string{`requests.broken.error | nothing | webhook body: x: division by zero`, `requests.crm.error | division | nothing`},
		},
		{"an event", `{status: ring, type: call, extnumber: "1"}`, `{result: ignored, reason: state}`, nil},
		{"not JSON", `'{"id": 7'`, `{result: undecodable, reason: JSON}`, nil},
		{"text", `'{"id": 7, "companycode": "acme"}'`, `{record: {id: "dialer:acme-7"}}`, nil},
		{"another reason", `'{"id": 7'`, `{result: undecodable, reason: identity}`, []string{`reason | … identity … | not JSON: line 1, column 9: expected "," or "}" after the value of "id", found the end`}},
		{"another result", inbound, `{result: ignored}`, []string{`result | ignored | accepted`}},
		{"no result", `{status: ring, type: call, extnumber: "1"}`, `{sinks: []}`, []string{`result | accepted | ignored | extension state event, no call record`}},
		{"warnings", `{id: 7, companycode: a, callmethod: 99}`, `{warnings: [callmethod]}`, nil},
		{"no such warning", inbound, `{warnings: [an odd thing]}`, []string{`warnings | … an odd thing … | nothing`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, differences(t, ran(t, aCase(c.callback, c.expect)))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestCaseSettings(t *testing.T) {
	dir := t.TempDir()
	body := `{"id": 7, "companycode": "acme"}`
	if err := os.WriteFile(filepath.Join(dir, "call.json"), []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "config: rules.yaml\nenv: {RULETEST_TOKEN: x}\ncases: [{name: a, source: dialer, file: call.json, revision: 3, received_at: 2025-10-16T17:31:22+08:00, " +
		"expect: {record: {revision: 3, received_at: 2025-10-16T09:31:22.000Z}}}]\n"
	path := filepath.Join(dir, "a.test.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var loaded []string
	r := Run(t.Context(), path, Options{Config: "elsewhere.yaml", Load: func(config string) (*explain.Explainer, error) {
		loaded = append(loaded, config)
		return load(config)
	}})
	if r.Failed() || len(r.Cases) != 1 {
		t.Errorf("%+v", r)
	}
	if d := cmp.Diff([]string{filepath.Join(dir, "rules.yaml")}, loaded); d != "" {
		t.Error(d)
	}
}

func TestEnvIsSetForTheLoadOnly(t *testing.T) {
	t.Setenv("RULETEST_TOKEN", "from outside")
	var seen string
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte(aCase(inbound, "{sinks: [crm, chat, form]}")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Run(t.Context(), path, Options{Config: "c.yaml", Load: func(config string) (*explain.Explainer, error) {
		seen = os.Getenv("RULETEST_TOKEN") + " " + config
		return load(config)
	}})
	if r.Err != nil || seen != "token-of-the-test c.yaml" || os.Getenv("RULETEST_TOKEN") != "from outside" {
		t.Errorf("%v, seen %q, after %q", r.Err, seen, os.Getenv("RULETEST_TOKEN"))
	}
	if err := os.Unsetenv("RULETEST_TOKEN"); err != nil {
		t.Fatal(err)
	}
	if r := Run(t.Context(), path, Options{Load: load}); r.Err != nil {
		t.Error(r.Err)
	}
	if _, there := os.LookupEnv("RULETEST_TOKEN"); there {
		t.Error("the variable stays")
	}
}

func TestWhatDoesNotLoad(t *testing.T) {
	r := Run(t.Context(), "testdata/none.yaml", Options{Load: load})
	if r.Err == nil || !r.Failed() {
		t.Error("a file that is not there passed")
	}
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte(aCase(inbound, "{sinks: [crm]}")), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong := errors.New("c.yaml:3: environment variable X is not set")
	r = Run(t.Context(), path, Options{Load: func(string) (*explain.Explainer, error) { return nil, wrong }})
	if !errors.Is(r.Err, wrong) || !strings.Contains(r.Err.Error(), "`env` sets variables") {
		t.Error(r.Err)
	}
	r = ran(t, "env: {RULETEST_TOKEN: x}\ncases: [{name: a, source: dialer, file: none.json, expect: {sinks: []}}]\n")
	if r.Err == nil || !strings.HasPrefix(r.Err.Error(), "a.test.yaml:2: ") || !strings.Contains(r.Err.Error(), "none.json") {
		t.Error(r.Err)
	}
}

// TestSecretsThatADifferenceHides: those of the environment outside, and plain
// ones; not what the file sets, not an address that stands in the configuration.
func TestSecretsThatADifferenceHides(t *testing.T) {
	outside := secretFromEnv(t, "RULETEST_OUTSIDE", "https://hooks.example.com/outside")
	set := secretFromEnv(t, "RULETEST_SET", "set-by-the-file")
	list := []secret.Value{outside, set, secret.New("https://crm.example.com/plain"), secret.New("plain-token")}
	text := "https://hooks.example.com/outside set-by-the-file https://crm.example.com/plain plain-token"
	var kept []secret.Value
	for _, s := range list {
		if hidden(s, map[string]string{"RULETEST_SET": "Bearer set-by-the-file"}) {
			kept = append(kept, s)
		}
	}
	got := outbound.Redact(text, kept...)
	if got != "******** set-by-the-file https://crm.example.com/plain ********" {
		t.Error(got)
	}
}

// Results of steps are given, or stand in as placeholders.
func TestSteps(t *testing.T) {
	const cases = `cases:
  - name: the first time
    source: dialer
    callback: {id: 7, companycode: stepped, calltype: 2}
    results: {stepped.contact: 301}
    expect: {requests: {stepped.create: {body: {contact: 301}}, stepped.update: {skipped: true}, stepped.contact: {method: GET}}}
  - name: ever after
    source: dialer
    callback: {id: 7, companycode: stepped, calltype: 2}
    remembered: {create: "77"}
    expect: {requests: {stepped.create: {skipped: true}, stepped.update: {method: PATCH, url: "https://crm.example.com/calls/77", body: {contact: steps.contact}}}}
  - name: wrong
    source: dialer
    callback: {id: 7, companycode: stepped, calltype: 2}
    expect: {requests: {stepped.create: {skipped: true}}}
`
	r := ran(t, "env: {RULETEST_TOKEN: x}\n"+cases)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	for i, want := range []int{0, 0, 1} {
		if got := r.Cases[i].Differences; len(got) != want {
			t.Errorf("%s: %+v", r.Cases[i].Name, got)
		}
	}
	for right, wrong := range map[string]string{"stepped.contact: 301": "stepped.kontact: 301", `create: "77"`: `crate: "77"`, "{stepped.create: {body": "{stepped.crate: {body"} {
		r := ran(t, "env: {RULETEST_TOKEN: x}\n"+strings.Replace(cases, right, wrong, 1))
		if r.Err == nil || !strings.Contains(r.Err.Error(), "there is no step") {
			t.Errorf("%s: %v", wrong, r.Err)
		}
	}
}
