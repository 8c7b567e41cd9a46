package expr

import (
	"errors"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// settings is a piece of configuration with one of each.
type settings struct {
	When    Condition         `yaml:"when"`
	Success ResponseCondition `yaml:"success"`
	Text    Text              `yaml:"text"`
	Body    Tree              `yaml:"body"`
}

func TestUnmarshalYAML(t *testing.T) {
	var s settings
	src := "when: &w call.direction == \"inbound\"\nsuccess: response.status >= 200 && response.status < 300\n" +
		"text: Call ${call.id}\nbody: {a: \"${call.id}\"}\n"
	if err := yaml.Unmarshal([]byte(src), &s); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.When.Holds(NewView(full(), nil)); !ok || err != nil || s.When.Source() != `call.direction == "inbound"` {
		t.Errorf("when: %v, %v", ok, err)
	}
	if !s.Success.Holds(Response{Status: 204}) || s.Success.Holds(Response{Status: 300}) {
		t.Error("success is wrong")
	}
	if got, err := s.Text.String(NewView(full(), nil)); got != "Call dialer:88-1" || err != nil {
		t.Errorf("text: %q, %v", got, err)
	}
	if got, err := s.Body.JSON(NewView(full(), nil)); string(got) != `{"a":"dialer:88-1"}` || err != nil {
		t.Errorf("body: %s, %v", got, err)
	}
}

func TestUnmarshalYAMLScalars(t *testing.T) {
	for src, want := range map[string]bool{"when: true": true, "when: \"false\"": false, "when: 'call.answered'": true, "when: >\n  call.answered &&\n  true\n": true} {
		var s settings
		if err := yaml.Unmarshal([]byte(src), &s); err != nil {
			t.Errorf("%q: %v", src, err)
			continue
		}
		if got, err := s.When.Holds(NewView(full(), nil)); got != want || err != nil {
			t.Errorf("%q: %v, %v", src, got, err)
		}
	}
}

// TestUnmarshalYAMLErrors expects all errors of a document, each with its line.
func TestUnmarshalYAMLErrors(t *testing.T) {
	src := "when: !call.answered\nsuccess: response.stat == 1\ntext: Call ${call.nix}\nbody:\n  a: ${\n  b: 0x1\n"
	var s settings
	var te *yaml.TypeError
	if err := yaml.Unmarshal([]byte(src), &s); !errors.As(err, &te) {
		t.Fatalf("error %v", err)
	}
	want := []string{
		`line 1: !call.answered is read as a YAML tag: quote it`,
		`line 2: column 9: response has no field "stat": did you mean "status"?`,
		`line 3: column 12: call has no field "nix"`,
		"line 5: column 1: the ${ has no closing }",
		"line 6: 0x1 is not written",
	}
	if len(te.Errors) != len(want) {
		t.Fatalf("errors %q", te.Errors)
	}
	for i := range want {
		if !strings.HasPrefix(te.Errors[i], want[i]) {
			t.Errorf("%q, want %q", te.Errors[i], want[i])
		}
	}
}

func TestUnmarshalYAMLRefuses(t *testing.T) {
	for src, want := range map[string]string{
		"when: [a]":                             "line 1: must be a text",
		"when: {a: b}":                          "line 1: must be a text",
		"when: ''":                              "line 1: the expression is empty",
		"when: 5":                               "line 1: the condition is of type int",
		"when: !!str call.answered":             "line 1: !!str is read as a YAML tag",
		"text: !foo bar":                        "line 1: !foo is read as a YAML tag",
		"success: !response.json.ok":            "line 1: !response.json.ok is read as a YAML tag",
		"when: |\n  call.answered &&\n  call.x": `line 3: column 5: call has no field "x"`,
	} {
		var s settings
		if err := yaml.Unmarshal([]byte(src), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
	// yaml.v3 does not ask an Unmarshaler about null; whoever has the node does.
	var c Condition
	if err := c.UnmarshalYAML(&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: 4}); err == nil || !strings.Contains(err.Error(), "line 4: the value is empty") {
		t.Errorf("error %v", err)
	}
}
