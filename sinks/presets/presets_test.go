package presets_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks/presets"
)

const declared = `
title: T
description: D.
parameters:
  - {name: token, doc: A token., secret: true, required: true, example: {env: TOKEN}}
  - {name: mode, doc: A mode., values: [first, newest], default: first}
  - {name: note, doc: A note.}
  - {name: count, doc: A count., type: number, default: 3}
  - {name: links, doc: Whether., type: boolean, default: true}
  - {name: names, doc: Names., type: list}
  - {name: owners, doc: Owners., type: map}
  - {name: key, doc: A key., secret: true}
webhook:
  # a comment
  url: https://example.com/${with.mode}
`

func declaration(t *testing.T) presets.Preset {
	t.Helper()
	p, err := presets.Parse("test", []byte(declared))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// complete returns the values of a whole `with` in YAML, and the problems.
func complete(t *testing.T, p presets.Preset, given string) (values map[string]any, problems []string) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(given), &doc); err != nil {
		t.Fatal(err)
	}
	var with *yaml.Node
	if len(doc.Content) > 0 {
		with = doc.Content[0]
	}
	whole := p.Complete(with, func(path, problem string) { problems = append(problems, path+": "+problem) })
	if (whole == nil) != (len(problems) > 0) {
		t.Errorf("%s: %d problems, and a whole %v", given, len(problems), whole)
	}
	if whole != nil {
		if err := whole.Decode(&values); err != nil {
			t.Fatal(err)
		}
	}
	return values, problems
}

func TestComplete(t *testing.T) {
	none, noOwners := []any{}, map[string]any{}
	for given, want := range map[string]map[string]any{
		`{token: t}`: {
			"token": "t", "mode": "first", "note": "", "count": 3, "links": true, "names": none, "owners": noOwners, "key": "",
		},
		`{token: {file: /run/t}, mode: newest, note: 12, count: 1.5, links: false, names: [a, 1], owners: {a: 1, 2: b}, key: {env: K}}`: {
			"token": map[string]any{"file": "/run/t"}, "mode": "newest", "note": "12", "count": 1.5, "links": false,
			"names": []any{"a", "1"}, "owners": map[string]any{"a": "1", "2": "b"}, "key": map[string]any{"env": "K"},
		},
	} {
		got, problems := complete(t, declaration(t), given)
		if diff := cmp.Diff(want, got); diff != "" || problems != nil {
			t.Errorf("%s: %v (-want +got):\n%s", given, problems, diff)
		}
	}
}

func TestCompleteRefuses(t *testing.T) {
	for given, want := range map[string]string{
		``:                               `with: token is missing: A token.`,
		`[token]`:                        `with: is not a mapping`,
		`{token: ""}`:                    `with.token: token is empty: A token.`,
		`{token: [t]}`:                   `with.token: a list is written where a secret: {env: NAME}, {file: PATH} or a text is expected`,
		`{token: {var: T}}`:              `with.token: a mapping is written where a secret`,
		`{token: t, mod: first}`:         `with.mod: the preset test has no parameter "mod": did you mean "mode"?`,
		`{token: t, zzz: first}`:         `with.zzz: the preset test has no parameter "zzz": it has token, mode,`,
		`{token: t, mode: frist}`:        `with.mode: "frist" is not a value of mode: write first, newest (did you mean "first"?)`,
		`{token: t, note: [a]}`:          `with.note: a list is written where a text is expected: A note.`,
		`{token: t, note: true}`:         `with.note: "true" is written where a text is expected`,
		`{token: t, note: {env: N}}`:     `with.note: a mapping is written where a text is expected`,
		`{token: t, note: "${call.id}"}`: `with.note: holds a ${…}`,
		`{token: "${T}"}`:                `with.token: holds a ${…}`,
		`{token: t, names: ["${a}"]}`:    `with.names: holds a ${…}`,
		`{token: t, count: many}`:        `with.count: "many" is written where a number is expected`,
		`{token: t, links: "yes"}`:       `with.links: "yes" is written where true or false is expected`,
		`{token: t, names: a}`:           `with.names: "a" is written where a list of texts is expected`,
		`{token: t, names: [[a]]}`:       `with.names: a list is written where a list of texts is expected`,
		`{token: t, owners: {a: [b]}}`:   `with.owners: a mapping is written where a mapping of texts is expected`,
		`{token: t, owners: {env: A}}`:   `with.owners: a mapping is written where a mapping of texts is expected`,
	} {
		_, problems := complete(t, declaration(t), given)
		if len(problems) != 1 || !strings.HasPrefix(problems[0], want) {
			t.Errorf("%s: %q, want %s", given, problems, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"title: T":              "no webhook section",
		"titel: T\nwebhook: {}": "field titel not found",
		"parameters: [{name: a, doc: no sentence}]\nwebhook: {}":                                 "a sentence that says what it is",
		"parameters: [{name: a, doc: A., type: date}]\nwebhook: {}":                              `no type "date"`,
		"parameters: [{name: a, doc: A., required: true}]\nwebhook: {}":                          "has an example",
		"parameters: [{name: a, doc: A., required: true, default: x}]\nwebhook: {}":              "has no default",
		"parameters: [{name: a, doc: A., secret: true, type: list}]\nwebhook: {}":                "a secret is a text without a default",
		"parameters: [{name: a, doc: A., secret: true, default: x}]\nwebhook: {}":                "a secret is a text without a default",
		"parameters: [{name: a, doc: A., type: number, default: x}]\nwebhook: {}":                "a number is expected",
		"parameters: [{name: a, doc: A., required: true, values: [x], example: y}]\nwebhook: {}": "is not a value of a",
	} {
		if _, err := presets.Parse("p", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestShow(t *testing.T) {
	const want = `# The preset test of cdrelay as a section of its own: put it under the ` + "`name`" + ` of a sink.
webhook:
  with:
    token: {env: TOKEN}  # A token.
    mode: first  # A mode.
    note: ""  # A note.
    count: 3  # A count.
    links: true  # Whether.
    names: []  # Names.
    owners: {}  # Owners.
    key: ""  # A key.
  # a comment
  url: https://example.com/${with.mode}
`
	got, err := declaration(t).Show()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
