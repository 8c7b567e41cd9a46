package route

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
)

// The parts of docs/rules.md that are run.
var (
	fenced   = regexp.MustCompile("(?s)^```(yaml|csv)\n(.*?)\n```")
	tableOf  = regexp.MustCompile("`([a-z]+)\\.csv`")
	forCall  = regexp.MustCompile("^- (for|not for): `(.*)`$")
	tableRow = regexp.MustCompile("^\\| `(.*)` \\| (.*) \\|$")
)

// cookbook reads docs/rules.md from top to bottom.
type cookbook struct {
	*testing.T
	base   map[string]any // the call that is stated first
	router *Router        // of the last example
	name   string
	tables map[string]expr.Table
	named  string // the last file of a table that the text names
	// runs counts the calls of the present example, by for and not for.
	runs           map[string]int
	rules, phrases int
}

// TestCookbook runs every example of docs/rules.md against the calls below it, and
// every phrase against the call that the page states.
func TestCookbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	c := &cookbook{T: t, tables: map[string]expr.Table{}}
	for rest := string(text); rest != ""; {
		if m := fenced.FindStringSubmatch(rest); m != nil {
			c.block(m[1], m[2])
			rest = rest[len(m[0]):]
			continue
		}
		line, after, _ := strings.Cut(rest, "\n")
		c.line(line)
		rest = after
	}
	c.ended()
	if c.rules < 20 || c.phrases < 25 {
		t.Errorf("only %d examples and %d phrases were found", c.rules, c.phrases)
	}
}

func (c *cookbook) block(language, text string) {
	switch {
	case language == "csv":
		table, err := expr.ParseTable(c.named+".csv", []byte(text))
		if err != nil {
			c.Errorf("%s.csv: %v", c.named, err)
		}
		c.tables[c.named] = table
	case c.base == nil:
		if err := yaml.Unmarshal([]byte(text), &c.base); err != nil {
			c.Fatal(err)
		}
	default:
		c.ended()
		list := rules(c, text)
		var sinks []string
		for _, r := range list {
			sinks = append(sinks, r.To...)
		}
		Validate(list, sinks, func(path, problem string) { c.Errorf("%s: %s%s", text, path, problem) })
		c.router, c.name, c.runs = New(list, c.lookup), list[0].Name, map[string]int{}
		c.rules++
	}
}

// ended looks back at an example: it has calls of both kinds.
func (c *cookbook) ended() {
	if c.router != nil && (c.runs["for"] == 0 || c.runs["not for"] == 0) {
		c.Errorf("%s: %d calls that it is for and %d that it is not for", c.name, c.runs["for"], c.runs["not for"])
	}
}

func (c *cookbook) lookup(table, key string) (string, bool) {
	value, found := c.tables[table][key]
	return value, found
}

func (c *cookbook) line(line string) {
	if m := tableOf.FindAllStringSubmatch(line, -1); m != nil {
		c.named = m[len(m)-1][1]
	}
	if m := forCall.FindStringSubmatch(line); m != nil {
		c.runs[m[1]]++
		if got := len(c.router.Match(c.call(m[2])).Sinks) > 0; got != (m[1] == "for") {
			c.Errorf("%s: the page says %q of %s", c.name, m[1], m[2])
		}
	}
	if m := tableRow.FindStringSubmatch(line); m != nil {
		c.phrase(strings.ReplaceAll(m[1], `\|`, "|"))
	}
}

func (c *cookbook) phrase(src string) {
	c.phrases++
	condition, err := expr.CompileCondition(src)
	if err != nil {
		c.Errorf("%s: %v", src, err)
		return
	}
	if holds, err := condition.Holds(expr.NewView(c.call("{}"), nil)); !holds || err != nil {
		c.Errorf("%s: %v, %v", src, holds, err)
	}
}

// call is the stated call with some fields changed.
func (c *cookbook) call(changes string) *call.Record {
	c.Helper()
	fields, changed := maps.Clone(c.base), map[string]any{}
	if err := yaml.Unmarshal([]byte(changes), &changed); err != nil {
		c.Fatalf("%s: %v", changes, err)
	}
	maps.Copy(fields, changed)
	text, err := json.Marshal(fields)
	if err != nil {
		c.Fatal(err)
	}
	var record call.Record
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&record); err != nil {
		c.Fatalf("%s: %v", changes, err)
	}
	for _, known := range []bool{
		slices.Contains(call.Directions(), record.Direction), slices.Contains(call.Outcomes(), record.Outcome), slices.Contains(call.Methods(), record.Method),
	} {
		if !known {
			c.Error(fmt.Errorf("%s has a word that no call has", changes))
		}
	}
	return &record
}
