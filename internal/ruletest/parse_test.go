package ruletest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"a.yaml: the file is empty: it needs `cases`"}},
		{"no YAML", "cases: [", []string{"a.yaml:1: did not find expected node content"}},
		{"no cases", "config: a.yaml\n", []string{"a.yaml:1: there are no `cases`"}},
		{"a list", "- a\n", []string{"a.yaml:1: \"\" does not fit here: see docs/rule-tests.md"}},
		{
			"unknown keys", "cases:\n- name: a\n  sorce: b\n  expect:\n    sink: []\n    requests: {crm: {header: {}}}\nconfg: x\n",
			[]string{
				`a.yaml:3: unknown key "sorce": here may stand name, source, callback, file, received_at, revision, results, remembered, expect`,
				`a.yaml:5: unknown key "sink": here may stand result, reason, record, sinks, not_sinks, requests, warnings`,
				`a.yaml:6: unknown key "header": here may stand method, url, headers, body, error, skipped`,
				`a.yaml:7: unknown key "confg": here may stand config, env, cases`,
			},
		},
		{
			"repeated and empty keys", "cases:\n- name: a\n  name: b\n  source:\n  callback: {a: 1, a: 2}\n  expect: {record: {id: }}\n",
			[]string{
				`a.yaml:3: the key "name" stands a second time: remove one`,
				`a.yaml:4: cases.source has no value: give it one, or leave the key out`,
				`a.yaml:5: the key "a" stands a second time: remove one`,
				`a.yaml:6: cases.expect.record.id has no value: give it one, or leave the key out`,
			},
		},
		{"two documents", aCase("{}", "{sinks: []}") + "---\na: b\n", []string{"a.yaml:7: a second YAML document begins here: keep one, without ---"}},
		{"a tag", "cases:\n- name: !x a\n  source: b\n", []string{"a.yaml:2: what begins with ! is a YAML tag, not a text: quote it"}},
		{"a wrong type", "cases: {a: b}\n", []string{`a.yaml:1: "" does not fit here: see docs/rule-tests.md`}},
		{
			"values", "cases:\n- name: a\n  source: b\n  callback: {n: 0x10, m: .inf}\n  received_at: yesterday\n  expect: {sinks: []}\n",
			[]string{
				`a.yaml:4: 0x10 is no number of JSON: write it like 12 or 1.5, or quote it`,
				`a.yaml:5: "yesterday" is no time: write it like 2025-10-16T09:31:22Z`,
			},
		},
		{
			"cases that cannot be run", `cases:
- expect: {}
- name: a
  source: dialer
  callback: {}
  file: x
  revision: -1
  expect: {result: acepted}
- {name: a, source: dialer, callback: {}, expect: {result: ignored, sinks: [crm]}}
- {name: b, source: dialer, callback: {}, expect: {reason: x}}
`,
			[]string{
				"a.yaml:2: the case has no name",
				"a.yaml:2: the case has no source",
				"a.yaml:2: a case has either `callback` or `file`",
				"a.yaml:2: the case expects nothing",
				"a.yaml:3: a case has either `callback` or `file`",
				"a.yaml:7: a revision is 1 or more",
				`a.yaml:8: "acepted" is no result: write accepted, ignored, undecodable`,
				`a.yaml:9: the name "a" is that of case 2 too`,
				"a.yaml:9: what is ignored has no record, sinks, requests or warnings: expect its reason",
				"a.yaml:10: what is accepted has no reason: add `result`, or leave it out",
			},
		},
		{
			"fields that no record has", aCase("{}", "{record: {talk_second: null, customer: {numbr: x}, agent: 7, raw: {any: 1}, started_at: x, hangup: null, warnings: [x]}}"),
			[]string{
				"a.yaml:6: record has no field \"talk_second\": `cdrelay schema call` prints them all",
				"a.yaml:6: record.customer has no field \"numbr\": `cdrelay schema call` prints them all",
				"a.yaml:6: record.agent is an object: write its fields as a mapping",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse("a.yaml", []byte(c.text))
			if err == nil {
				t.Fatal("it is taken")
			}
			if d := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestNamesThatAreNotConfigured(t *testing.T) {
	r := ran(t, "env: {RULETEST_TOKEN: x}\ncases:\n- name: a\n  source: dailer\n  callback: {}\n  expect:\n    sinks: [cmr]\n    not_sinks: [chta]\n    requests: {fxrm: {method: POST}}\n")
	want := []string{
		`a.test.yaml:4: there is no source "dailer": configured are dialer`,
		`a.test.yaml:7: there is no sink "cmr": configured are crm, form, chat, broken, stepped`,
		`a.test.yaml:8: there is no sink "chta": configured are crm, form, chat, broken, stepped`,
		`a.test.yaml:9: there is no sink "fxrm": configured are crm, form, chat, broken, stepped`,
	}
	if r.Err == nil {
		t.Fatal("it is taken")
	}
	if d := cmp.Diff(want, strings.Split(r.Err.Error(), "\n")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTreeIsJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{b: 1, a: [1.50, -0, 1e3, true, null, ~], "c d": {}}`:       `{"b":1,"a":[1.50,-0,1e3,true,null,null],"c d":{}}`,
		`{n: 12345678901234567890, t: 2025-10-16 17:31:13, d: 1:30}`: `{"n":12345678901234567890,"t":"2025-10-16 17:31:13","d":"1:30"}`,
		`["a\u0001", "<&>", 'it''s', no, 0123, 1.]`:                  "",
		`["a\u0001", "<&>", 'it''s', no, "0123"]`:                    `["a\u0001","<&>","it's","no","0123"]`,
		"|\n  two\n  lines\n":                                        `"two\nlines\n"`,
		"[&x {a: 1}, *x]":                                            `[{"a":1},{"a":1}]`,
		"{<<: {a: 1}}":                                               "",
		"{? [a] : b}":                                                "",
		"&x [*x]":                                                    "",
		strings.Repeat("[", 200) + strings.Repeat("]", 200):          "",
		"[&a [1,1,1,1,1,1,1,1,1,1], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b], &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c], [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]]": "",
	} {
		var got tree
		var n yaml.Node
		err := yaml.Unmarshal([]byte(text), &n)
		if err == nil {
			err = got.UnmarshalYAML(n.Content[0])
		}
		switch {
		case want == "" && err == nil:
			t.Errorf("%.60s is taken as %.60s", text, got.json)
		case want != "" && (err != nil || string(got.json) != want):
			t.Errorf("%s: %s, %v, want %s", text, got.json, err, want)
		}
	}
}

func TestEqualNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1", "1", true},
		{"12.5", "12.50", true},
		{"1e3", "1000", true},
		{"1", "1.1", false},
		{"9007199254740993", "9007199254740992", false},
		{"1e999", "1e999", false},
	} {
		if got := equal(json.Number(c.a), json.Number(c.b)); got != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, got)
		}
	}
}

func TestShownIsBounded(t *testing.T) {
	if got := shown(strings.Repeat("好", 500)); len(got) > maxShown+len("…") || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes", len(got))
	}
	if got := shown(map[string]any{"a": "<&>"}); got != `{"a":"<&>"}` {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(aCase(inbound, "{sinks: [crm], record: {id: x}}"))
	f.Add("cases: [{name: &a x, source: *a, callback: &b [*b], expect: {}}]\n")
	f.Add("cases: &c\n- expect: {record: *c}\n")
	f.Add("\xef\xbb\xbfcases:\n- !x\n")
	f.Add("? {a: b}\n: c\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse("a.yaml", []byte(text))
		if (p == nil || len(p.problems.list) > 0) != (err != nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "a.yaml") {
				t.Fatal(err)
			}
			return
		}
		for _, c := range p.Cases {
			if !c.Callback.isZero() && !json.Valid(c.Callback.json) {
				t.Fatalf("%q", c.Callback.json)
			}
		}
	})
}
