package presets_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks/presets"
)

var update = flag.Bool("update", false, "write the pages of the presets")

const (
	overview = "../../docs/presets.md"
	folder   = "../../docs/presets"
)

// generated is the part of the overview that lists the presets.
var generated = regexp.MustCompile(`(?s)(<!-- generated: presets -->\n).*(<!-- end -->)`)

// TestPages compares docs/presets.md and the page of each preset with the files.
func TestPages(t *testing.T) {
	all, err := presets.All()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(overview)
	if err != nil {
		t.Fatal(err)
	}
	if !generated.Match(text) {
		t.Fatalf("%s has no generated list", overview)
	}
	var list strings.Builder
	list.WriteString("| preset | what it does | must be given |\n| --- | --- | --- |\n")
	var pages []string
	for _, p := range all {
		var required []string
		for _, one := range p.Parameters {
			if one.Required {
				required = append(required, "`"+one.Name+"`")
			}
		}
		fmt.Fprintf(&list, "| [`%s`](presets/%s.md) | %s | %s |\n", p.Name, p.Name, p.Description, strings.Join(required, ", "))
		pages = append(pages, p.Name+".md")
		compare(t, filepath.Join(folder, p.Name+".md"), page(t, p))
	}
	compare(t, overview, generated.ReplaceAllString(string(text), "${1}"+list.String()+"${2}"))
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !slices.Contains(pages, entry.Name()) {
			t.Errorf("%s/%s is the page of no preset: remove it", folder, entry.Name())
		}
	}
}

func compare(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != want {
		t.Errorf("%s is not what the preset says (%v): run go test ./sinks/presets -run Pages -update", file, err)
	}
}

// page is the page of a preset.
func page(t *testing.T, p presets.Preset) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n<!-- made from sinks/presets/%s.yaml; run go test ./sinks/presets -run Pages -update -->\n\n", p.Title, p.Name)
	fmt.Fprintf(&out, "%s\n\n```yaml\nsinks:\n  - name: crm\n    preset: %s\n    with:\n", wrapped(p.Description), p.Name)
	for _, one := range p.Parameters {
		if one.Required {
			fmt.Fprintf(&out, "      %s: %s\n", one.Name, inline(t, &one.Example))
		}
	}
	fmt.Fprintf(&out, "```\n\n`cdrelay presets show %s` prints it as a `webhook` section to copy and change.\n", p.Name)
	out.WriteString("\n## What to set up first\n\n")
	for i, need := range p.Needs {
		fmt.Fprintf(&out, "%d. %s\n", i+1, indented(need, "   "))
	}
	out.WriteString("\n## Parameters\n\n| name | what it is | default |\n| --- | --- | --- |\n")
	for _, one := range p.Parameters {
		fmt.Fprintf(&out, "| `%s` | %s | %s |\n", one.Name, meaning(one), holds(t, one))
	}
	out.WriteString("\n## Limits\n\n")
	for _, limit := range p.Limits {
		fmt.Fprintf(&out, "- %s\n", indented(limit, "  "))
	}
	fmt.Fprintf(&out, "\n## What a repeat does\n\n%s\n", wrapped(p.Repeat))
	fmt.Fprintf(&out, "\n## What a crash in the worst moment leaves\n\n%s\n", wrapped(p.Crash))
	fmt.Fprintf(&out, "\n## What was verified\n\n%s\n", wrapped(p.Facts))
	return out.String()
}

func meaning(one presets.Parameter) string {
	text := one.Doc
	if len(one.Values) > 0 {
		text += " One of `" + strings.Join(one.Values, "`, `") + "`."
	}
	switch {
	case one.Secret:
		text += " A secret."
	case one.Type != "text":
		text += " A " + one.Type + "."
	}
	return text
}

// holds says what holds where nothing is given.
func holds(t *testing.T, one presets.Parameter) string {
	t.Helper()
	if one.Required {
		return "required"
	}
	return "`" + inline(t, &one.Default) + "`"
}

func inline(t *testing.T, n *yaml.Node) string {
	t.Helper()
	text, err := yaml.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// width is that of a line of text.
const width = 84

// wrapped breaks a text into lines.
func wrapped(text string) string { return indented(text, "") }

// indented is wrapped, with an indentation from the second line on.
func indented(text, indentation string) string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(indentation)+len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n"+indentation)
}
