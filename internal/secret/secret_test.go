package secret_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
)

const text = "hunter2-The-Text"

// leaks reports whether the output holds the text in a form that fmt and its
// relatives produce.
func leaks(output string) bool {
	output = strings.ToLower(output)
	for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("% x", text), fmt.Sprintf("%v", []byte(text)), fmt.Sprintf("%#v", []byte(text))} {
		if strings.Contains(output, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

type config struct {
	Name   string
	Token  secret.Value
	hidden secret.Value
	Next   *config
}

// places are the ways in which a secret lies in other values.
func places() map[string]any {
	v := secret.New(text)
	c := config{Name: "crm", Token: v, hidden: v, Next: &config{Token: v, hidden: v}}
	return map[string]any{
		"value": v, "pointer": &v, "struct": c, "pointer to struct": &c,
		"slice": []secret.Value{v}, "array": [1]secret.Value{v}, "slice of structs": []config{c},
		"map": map[string]secret.Value{"k": v}, "map of structs": map[string]config{"k": c},
		"any": []any{v, &v}, "unexported": struct{ v secret.Value }{v}, "unexported pointer": struct{ v *secret.Value }{&v},
		"embedded": struct{ secret.Value }{v}, "map key": map[any]int{v: 1},
	}
}

func TestFmtNeverShowsTheText(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%t", "%T", "%p", "%10.3s", "%!", "%w"}
	for name, place := range places() {
		for _, verb := range verbs {
			if got := fmt.Sprintf(verb, place); leaks(got) {
				t.Errorf("%s of %s: %s", verb, name, got)
			}
		}
		if got := fmt.Sprint(place) + fmt.Sprintln(place) + fmt.Errorf("x: %v", place).Error(); leaks(got) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestMarshallingNeverShowsTheText(t *testing.T) {
	for name, place := range places() {
		if name != "map key" {
			if got, err := json.Marshal(place); err != nil || leaks(string(got)) {
				t.Errorf("JSON of %s: %s %v", name, got, err)
			}
		}
		if got, err := yaml.Marshal(place); err != nil || leaks(string(got)) {
			t.Errorf("YAML of %s: %s %v", name, got, err)
		}
		var coded bytes.Buffer
		_ = gob.NewEncoder(&coded).Encode(place)
		if leaks(coded.String()) {
			t.Errorf("gob of %s: %q", name, coded.String())
		}
		var page bytes.Buffer
		if err := template.Must(template.New("").Parse("{{.}} {{printf `%#v` .}}")).Execute(&page, place); err != nil || leaks(page.String()) {
			t.Errorf("template of %s: %s %v", name, page.String(), err)
		}
	}
}

func TestMarshalledFormsAreMasked(t *testing.T) {
	v := secret.New(text)
	asJSON, _ := json.Marshal(map[string]any{"v": v, "p": &v})
	asYAML, _ := yaml.Marshal(map[string]any{"v": v})
	if asXML, err := xml.Marshal(v); err != nil || string(asXML) != "<Value>********</Value>" {
		t.Errorf("%s %v", asXML, err)
	}
	if string(asJSON) != `{"p":"********","v":"********"}` || string(asYAML) != "v: '********'\n" {
		t.Errorf("%s %s", asJSON, asYAML)
	}
	if got := fmt.Sprintf("%s %v %#v %d", v, v, v, v); got != "******** ******** ******** ********" {
		t.Error(got)
	}
	if v.String() != "********" || v.GoString() != "********" {
		t.Error(v.String(), v.GoString())
	}
}

func TestSlogNeverShowsTheText(t *testing.T) {
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(h)
		for name, place := range places() {
			out.Reset()
			log.With("with", place).WithGroup("group").Info("constant", "place", place, slog.Group("in", "place", place))
			if leaks(out.String()) {
				t.Errorf("%T of %s: %s", h, name, out.String())
			}
			if name == "value" && !strings.Contains(out.String(), "********") {
				t.Errorf("%T: %s", h, out.String())
			}
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		name  string
		v     secret.Value
		other string
		want  bool
	}{
		{"same", secret.New(text), text, true},
		{"longer", secret.New(text), text + "x", false},
		{"shorter", secret.New(text), text[1:], false},
		{"other case", secret.New(text), strings.ToUpper(text), false},
		{"nothing given", secret.New(text), "", false},
		{"absent", secret.Value{}, "", false},
		{"absent and something", secret.Value{}, text, false},
		{"empty", secret.New(""), "", false},
		{"the mask is not the text", secret.New(text), "********", false},
	} {
		if got := c.v.Equal(c.other); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestZeroValueIsAbsent(t *testing.T) {
	var v secret.Value
	if !v.IsZero() || v.Reveal() != "" || v.Origin() != (secret.Origin{}) || !secret.New("").IsZero() || secret.New("x").IsZero() {
		t.Error("absent is not absent")
	}
}

// read decodes a document with one secret under the key token.
func read(document string) (secret.Value, error) {
	var c struct {
		Other yaml.Node    `yaml:"other"`
		Token secret.Value `yaml:"token"`
	}
	d := yaml.NewDecoder(strings.NewReader(document))
	d.KnownFields(true)
	err := d.Decode(&c)
	return c.Token, err
}

// write gives the path of a new file.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReading(t *testing.T) {
	t.Setenv("CDRELAY_TEST_SECRET", text)
	t.Setenv("CDRELAY_TEST_SPACES", " a b \r\n")
	file := write(t, text+"\r\n")
	for name, c := range map[string]struct {
		document, want string
		origin         secret.Origin
	}{
		"plain":        {"token: " + text, text, secret.Origin{}},
		"quoted":       {`token: "a b"`, "a b", secret.Origin{}},
		"one quote":    {`token: "'ab"`, "'ab", secret.Origin{}},
		"dollars":      {`token: pa$$word$`, "pa$$word$", secret.Origin{}},
		"digits":       {"token: 00123", "00123", secret.Origin{}},
		"float":        {"token: 1.50", "1.50", secret.Origin{}},
		"bool":         {"token: yes", "yes", secret.Origin{}},
		"true":         {"token: true", "true", secret.Origin{}},
		"env":          {"token: {env: CDRELAY_TEST_SECRET}", text, secret.Origin{Env: "CDRELAY_TEST_SECRET"}},
		"file":         {"token: {file: '" + file + "'}", text, secret.Origin{File: file}},
		"alias":        {"other: &a " + text + "\ntoken: *a", text, secret.Origin{}},
		"alias of env": {"other: &a {env: CDRELAY_TEST_SECRET}\ntoken: *a", text, secret.Origin{Env: "CDRELAY_TEST_SECRET"}},
		"file trimmed": {"token: {file: '" + write(t, "\t a b \u00a0\n\n") + "'}", "a b", secret.Origin{}},
		"env trimmed":  {"token: {env: CDRELAY_TEST_SPACES}", "a b", secret.Origin{Env: "CDRELAY_TEST_SPACES"}},
		// YAML would read these as dates; a token may look like one.
		"date": {"token: 2020-01-01", "2020-01-01", secret.Origin{}},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := read(c.document)
			if err != nil {
				t.Fatal(err)
			}
			if v.Reveal() != c.want || c.origin != (secret.Origin{}) && v.Origin() != c.origin {
				t.Errorf("%q from %+v", v.Reveal(), v.Origin())
			}
		})
	}
}

func TestReadingErrorsNameTheLineAndTheRemedy(t *testing.T) {
	t.Setenv("CDRELAY_TEST_EMPTY", "")
	const spellings = "a secret is a text, {env: NAME} or {file: PATH}"
	const one = "a secret's mapping has exactly one key, env or file, with a name or a path"
	t.Setenv("CDRELAY_TEST_BLANK", " \n")
	t.Setenv("CDRELAY_TEST_QUOTED", `"`+text+`"`)
	empty := write(t, "\n")
	bom, wide, lines := write(t, "\ufeff"+text), write(t, "\xff\xfea\x00"), write(t, "a\r\nb\n")
	for document, want := range map[string]string{
		"token: [a, b]":                                spellings,
		"token: !custom x":                             spellings,
		"token: !!binary aGk=":                         spellings,
		"token: {}":                                    one,
		"token: {env: A, file: B}":                     one,
		"token: {env: }":                               one,
		"token: {env: ''}":                             one,
		"token: {env: [A]}":                            one,
		"token: {vault: A}":                            "unknown key in a secret's mapping: it takes env or file; put a text in quotes",
		"token: {env: $CDRELAY_TEST_MISSING}":          "the name of a variable is written without signs: {env: CDRELAY_TEST_MISSING}",
		"token: {env: CDRELAY_TEST_MISSING}":           "environment variable CDRELAY_TEST_MISSING is not set: set it, or write {file: PATH}",
		"token: {env: CDRELAY_TEST_EMPTY}":             "environment variable CDRELAY_TEST_EMPTY is empty: give it a value, or write {file: PATH}",
		"token: {env: CDRELAY_TEST_BLANK}":             "environment variable CDRELAY_TEST_BLANK is empty: give it a value, or write {file: PATH}",
		"token: {env: CDRELAY_TEST_QUOTED}":            "environment variable CDRELAY_TEST_QUOTED has quotes around it, which would be part of the secret: remove them",
		"token: {file: '" + bom + "'}":                 "secret file " + bom + " begins with a byte order mark (BOM): save it as UTF-8 without one",
		"token: {file: '" + wide + "'}":                "secret file " + wide + " begins with a byte order mark (BOM): save it as UTF-8 without one",
		"token: {file: '" + lines + "'}":               "secret file " + lines + " has several lines: a secret is one line",
		`token: "a\tb"`:                                "the secret holds a control character, or bytes that are not UTF-8",
		`token: " ab"`:                                 "the secret begins or ends with white space: remove it",
		`token: "“ab”"`:                                "the secret has quotes around it, which would be part of the secret: remove them",
		"token: {file: /missing/secret-file}":          "secret file: open /missing/secret-file: no such file or directory",
		"token: {file: '" + empty + "'}":               "secret file " + empty + " is empty",
		"token: {file: '" + filepath.Dir(empty) + "'}": "secret file: read " + filepath.Dir(empty) + ": is a directory",
	} {
		_, err := read("other: 1\n\n" + document)
		typed, ok := errors.AsType[*yaml.TypeError](err)
		if !ok || len(typed.Errors) != 1 || typed.Errors[0] != "line 3: "+want {
			t.Errorf("%s:\n got %v\nwant line 3: %s", document, err, want)
		}
	}
}

// TestErrorsOfSecretsAreCollected: one run of check shows them all.
func TestErrorsOfSecretsAreCollected(t *testing.T) {
	var all map[string]secret.Value
	err := yaml.Unmarshal([]byte("a: {env: CDRELAY_TEST_A}\nb: fine\nc: {vault: x}\n"), &all)
	typed, ok := errors.AsType[*yaml.TypeError](err)
	if !ok || len(typed.Errors) != 2 || !strings.HasPrefix(typed.Errors[0], "line 1: ") || !strings.HasPrefix(typed.Errors[1], "line 3: ") {
		t.Error(err)
	}
}

func TestErrorsNeverShowTheText(t *testing.T) {
	for _, document := range []string{
		"token: ['" + text + "']", "token: !x " + text, "token: {env: a, x: '" + text + "'}",
		"token: {'" + text + "': x}", "token: {env: ['" + text + "']}",
	} {
		if _, err := read(document); err == nil || leaks(err.Error()) {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// TestHolders: what the configuration is masked by.
func TestHolders(t *testing.T) {
	for _, c := range []struct {
		holder secret.Holder
		want   int
	}{{secret.Value{}, 0}, {secret.New(text), 1}, {secret.List(nil), 0}, {secret.List{secret.New("a"), secret.New(text)}, 2}} {
		got := c.holder.Secrets()
		if len(got) != c.want || c.want > 0 && got[c.want-1].Reveal() != text {
			t.Errorf("%T holds %d secrets, want %d", c.holder, len(got), c.want)
		}
	}
}

func TestListOfSecrets(t *testing.T) {
	t.Setenv("CDRELAY_TEST_SECRET", text)
	var c struct {
		Other  yaml.Node   `yaml:"other"`
		Tokens secret.List `yaml:"tokens"`
	}
	for document, want := range map[string][]string{
		"tokens: [old, {env: CDRELAY_TEST_SECRET}]": {"old", text},
		"tokens: old":                      {"old"},
		"other: &a [old, new]\ntokens: *a": {"old", "new"},
	} {
		if err := yaml.Unmarshal([]byte(document), &c); err != nil {
			t.Fatal(err)
		}
		if len(c.Tokens) != len(want) || c.Tokens.Missing() {
			t.Fatalf("%s: %d secrets", document, len(c.Tokens))
		}
		for i, v := range c.Tokens {
			if v.Reveal() != want[i] || !c.Tokens.Equal(want[i]) {
				t.Errorf("%s: secret %d is wrong", document, i)
			}
		}
		if c.Tokens.Equal("") || c.Tokens.Equal("other") {
			t.Errorf("%s: anything opens it", document)
		}
	}
	for document, want := range map[string][]string{
		"tokens: []":                {"line 1: the list of secrets is empty"},
		"tokens:\n- [a]\n- \"'a'\"": {"line 2: a secret is a text", "line 3: the secret has quotes"},
	} {
		err := yaml.Unmarshal([]byte(document), &c)
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", document, err, part)
			}
		}
	}
	if !(secret.List{secret.New("a"), {}}).Missing() || !(secret.List{}).Missing() {
		t.Error("an empty secret is not missing")
	}
}

func TestReference(t *testing.T) {
	for text, want := range map[string]string{
		"$TOKEN": "TOKEN", "${TOKEN}": "TOKEN", "$(TOKEN)": "TOKEN", "Bearer ${TOKEN}": "TOKEN", "${TOKEN:-none}": "TOKEN",
		"${env:TOKEN}": "TOKEN", "{{ TOKEN }}": "TOKEN", "{{TOKEN}}": "TOKEN", "{{ .Values.token }}": "token",
		`{{ env "TOKEN" }}`: "TOKEN", "https://h/{{ key }}/x": "key", "{{ }}": "NAME",
		"": "", "pa$$word": "", "$5": "", "a$TOKEN": "", "${call.id}": "", `{"a":{"b":1}}`: "", "$": "",
	} {
		name, ok := secret.Reference(text)
		if name != want || ok != (want != "") {
			t.Errorf("%s: %q %v", text, name, ok)
		}
	}
}
