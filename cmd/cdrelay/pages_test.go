package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/call"
)

var update = flag.Bool("update", false, "write the tables of the reference pages")

// The parts of a page between these marks are made from what `cdrelay schema`
// prints: the keys below a prefix, but those below a longer one of the page; or of
// the codes of a format.
var generated = regexp.MustCompile(`(?ms)^<!-- generated: (call|config|codes) ?(\S*) -->\n.*?^<!-- end -->$`)

// schemaNode is as much of JSON Schema as both schemas use. JSON is read as YAML
// because that keeps the order of the keys.
type schemaNode struct {
	Ref         string                `yaml:"$ref"`
	Title       string                `yaml:"title"`
	Description string                `yaml:"description"`
	Type        string                `yaml:"type"`
	Const       string                `yaml:"const"`
	Enum        []string              `yaml:"enum"`
	Default     string                `yaml:"default"`
	Words       string                `yaml:"x-default"`
	Restart     bool                  `yaml:"x-needs-restart"`
	Examples    []yaml.Node           `yaml:"examples"`
	Required    []string              `yaml:"required"`
	Properties  yaml.Node             `yaml:"properties"`
	Items       *schemaNode           `yaml:"items"`
	Defs        map[string]schemaNode `yaml:"$defs"`
}

// field is one key or field with its path.
type field struct {
	schemaNode
	path     string
	required bool
}

// TestReferencePages compares the tables of the reference pages with the
// schemas; -update writes them.
func TestReferencePages(t *testing.T) {
	for page, tables := range map[string]int{"../../docs/configuration.md": 8, "../../docs/call-record.md": 3} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		marks := generated.FindAllSubmatch(text, -1)
		if len(marks) != tables {
			t.Fatalf("%s has %d tables, want %d", page, len(marks), tables)
		}
		var prefixes []string
		for _, m := range marks {
			prefixes = append(prefixes, string(m[2]))
		}
		made := generated.ReplaceAllFunc(text, func(part []byte) []byte {
			m := generated.FindSubmatch(part)
			begin, _, _ := bytes.Cut(part, []byte("\n"))
			if string(m[1]) == "codes" {
				return fmt.Appendf(nil, "%s\n%s<!-- end -->", begin, codeTable(t, string(m[2])))
			}
			fields := below(fieldsOf(t, string(m[1])), string(m[2]), prefixes)
			return fmt.Appendf(nil, "%s\n%s<!-- end -->", begin, keyTable(t, string(m[1]), string(m[2]), fields))
		})
		switch {
		case bytes.Equal(made, text):
		case *update:
			if err := os.WriteFile(page, made, 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s is not what the code says: run go test ./cmd/cdrelay -run ReferencePages -update", page)
		}
	}
}

// codeTable is the table of a format's codes for the end of a call.
func codeTable(t *testing.T, name string) string {
	t.Helper()
	format, ok := adapter.Lookup(name)
	if !ok || len(format.Causes) == 0 {
		t.Fatalf("no format %q with codes", name)
	}
	var out strings.Builder
	out.WriteString("| code | meaning | outcome of a call that nobody answered | side | Q.850 |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range format.Causes {
		outcome, q850 := "`"+string(c.Outcome)+"`", ""
		if c.Outcome == call.Answered {
			outcome = "by who hung up"
		}
		if c.Q850 > 0 {
			q850 = strconv.Itoa(c.Q850)
		}
		fmt.Fprintf(&out, "| %d | %s | %s | %s | %s |\n", c.Code, c.Reason, outcome, c.By, q850)
	}
	return out.String()
}

// TestOriginsNameFields: the table of where values come from names fields that
// there are.
func TestOriginsNameFields(t *testing.T) {
	text, err := os.ReadFile("../../docs/call-record.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), "\n## Where the values come from\n")
	if !found {
		t.Fatal("the page has no such section")
	}
	part, _, _ = strings.Cut(part, "\n## ")
	known := map[string]bool{}
	for _, f := range fieldsOf(t, "call") {
		known[f.path] = true
	}
	rows := regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(part, -1)
	if len(rows) < 30 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		for name := range strings.SplitSeq(row[1], ", ") {
			if !known[strings.Trim(name, "`")] {
				t.Errorf("the record has no field %s", name)
			}
		}
	}
}

// fieldsOf gives all fields of what `cdrelay schema` prints, in its order.
func fieldsOf(t *testing.T, schema string) []field {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run([]string{"schema", schema}, streams{in: strings.NewReader(""), out: &out, err: &errs}); code != 0 {
		t.Fatal(errs.String())
	}
	var top schemaNode
	if err := yaml.Unmarshal(out.Bytes(), &top); err != nil {
		t.Fatal(err)
	}
	var all []field
	var walk func(path string, n schemaNode)
	walk = func(path string, n schemaNode) {
		if n.Items != nil {
			walk(path+"[]", *n.Items)
		}
		for i := 0; i+1 < len(n.Properties.Content); i += 2 {
			name := n.Properties.Content[i].Value
			f := field{path: strings.TrimPrefix(path+"."+name, "."), required: slices.Contains(n.Required, name)}
			if err := n.Properties.Content[i+1].Decode(&f.schemaNode); err != nil {
				t.Fatal(err)
			}
			all = append(all, f)
			walk(f.path, f.schemaNode)
		}
	}
	walk("", top)
	walk("party", top.Defs["party"])
	return all
}

// below gives the fields whose longest prefix among all is this one.
func below(all []field, prefix string, prefixes []string) []field {
	owner := func(path string) string {
		longest := ""
		for _, p := range prefixes {
			if len(p) > len(longest) && strings.HasPrefix(path, p+".") {
				longest = p
			}
		}
		return longest
	}
	return slices.DeleteFunc(slices.Clone(all), func(f field) bool { return owner(f.path) != prefix })
}

// keyTable shows fields, with their paths from the prefix on.
func keyTable(t *testing.T, schema, prefix string, fields []field) string {
	t.Helper()
	if len(fields) == 0 {
		t.Fatalf("there is nothing below %q", prefix)
	}
	var b strings.Builder
	if schema == "call" {
		b.WriteString("| field | type | always there | meaning |\n| --- | --- | --- | --- |\n")
	} else {
		b.WriteString("| key | type | default | example | meaning |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, f := range fields {
		name := "`" + strings.TrimPrefix(strings.TrimPrefix(f.path, prefix), ".") + "`"
		if schema == "call" {
			always := ""
			if f.required {
				always = "yes"
			}
			row(&b, name, kind(f.schemaNode), always, f.Description)
			continue
		}
		row(&b, name, kind(f.schemaNode), f.standard(), f.example(t), f.meaning())
	}
	return b.String()
}

// inCell keeps a text in its cell, and angle brackets from being read as HTML.
var inCell = strings.NewReplacer("|", `\|`, "<", "&lt;")

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + inCell.Replace(c) + " ")
	}
	b.WriteString("|\n")
}

// kind names the type in words.
func kind(n schemaNode) string {
	words := map[string]string{
		"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping",
		"#/$defs/party": "party", "#/$defs/time": "time", "#/$defs/seconds": "seconds",
	}
	switch {
	case n.Const != "":
		return "`" + n.Const + "`"
	case len(n.Enum) > 0:
		return "`" + strings.Join(n.Enum, "`, `") + "`"
	case n.Items != nil && n.Items.Type == "object":
		return "list"
	case n.Items != nil && n.Title == "":
		return "list of: " + kind(*n.Items)
	}
	named := cmp.Or(n.Title, n.Ref, n.Type)
	return cmp.Or(words[named], named)
}

// standard is what holds without the key.
func (f field) standard() string {
	switch {
	case f.required:
		return "**required**"
	case f.Words != "":
		return f.Words
	case f.Default != "":
		return "`" + f.Default + "`"
	}
	return ""
}

func (f field) example(t *testing.T) string {
	t.Helper()
	if len(f.Examples) == 0 {
		return ""
	}
	plain(&f.Examples[0])
	text, err := yaml.Marshal(&f.Examples[0])
	if err != nil {
		t.Fatal(err)
	}
	return "`" + strings.TrimSpace(string(text)) + "`"
}

// plain takes the quotes of JSON away where YAML needs none.
func plain(n *yaml.Node) {
	n.Style &^= yaml.DoubleQuotedStyle
	for _, child := range n.Content {
		plain(child)
	}
}

func (f field) meaning() string {
	if f.Restart {
		return f.Description + " *Needs a restart.*"
	}
	return f.Description
}
