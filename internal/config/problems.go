package config

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Problem is one thing that is wrong in the file.
type Problem struct {
	// Line is where, 0 for the file as a whole.
	Line int
	// Path is the key, such as sinks[0].webhook.url; may be empty.
	Path string
	// Text says what is wrong and what would be right.
	Text string
}

// Problems are all that is wrong with a file; it is the error of Load.
type Problems struct {
	// File is the path as given.
	File string
	List []Problem

	// unknown are the unknown keys that yaml.v3 found.
	unknown []Problem
}

// Error returns a line for each problem: "file:line: path: text".
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, one := range p.List {
		lines[i] = one.In(p.File)
	}
	return strings.Join(lines, "\n")
}

// In returns the problem as one line, "file:line: path: text".
func (p Problem) In(file string) string {
	at := file
	if p.Line > 0 {
		at += ":" + strconv.Itoa(p.Line)
	}
	if p.Path != "" {
		at += ": " + p.Path
	}
	return at + ": " + p.Text
}

// add notes a problem once.
func (p *Problems) add(line int, path, text string) {
	one := Problem{Line: line, Path: path, Text: text}
	if !slices.Contains(p.List, one) {
		p.List = append(p.List, one)
	}
}

// addUnknown adds the unknown keys that no other problem of their line has named,
// such as one that a merge key (<<) brings in.
func (p *Problems) addUnknown() {
	said := p.lines()
	for _, one := range p.unknown {
		if !said[one.Line] {
			p.add(one.Line, one.Path, one.Text)
		}
	}
}

// lines returns the lines that have a problem.
func (p *Problems) lines() map[int]bool {
	out := map[int]bool{}
	for _, one := range p.List {
		if one.Line > 0 {
			out[one.Line] = true
		}
	}
	return out
}

// unlessSaid returns a reporter that is quiet about the lines that have a problem
// now: what could not be read has been said.
func (p *Problems) unlessSaid(t *tree) reporter {
	said := p.lines()
	for preset, lines := range t.parameters { // what is wrong with one is wrong there, too
		said[preset] = said[preset] || slices.ContainsFunc(lines, func(line int) bool { return said[line] })
	}
	return func(path, text string) {
		if line := t.line(path); !said[line] {
			p.add(line, t.written(path), text)
		}
	}
}

// orNil returns the problems in the order of the file, or nil.
func (p *Problems) orNil() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return p
}

// The forms in which yaml.v3 words its errors; they have no other structure.
var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?line (\d+): ((?s).*)$`)
	yamlUnknown = regexp.MustCompile(`^field (.*) not found in type `)
	yamlTwice   = regexp.MustCompile(`^(?:field \S+ already set in type|mapping key .* already defined)`)
	yamlType    = regexp.MustCompile("^cannot unmarshal (!!\\S+)(?: `((?s).*)`)? into (\\S+)$")
)

// addYAML notes an error of yaml.v3 in words of the configuration.
func (p *Problems) addYAML(text string) {
	line := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits by the pattern
		text = m[2]
	}
	switch {
	case yamlTwice.MatchString(text):
		return // checkTree reports repeated keys with both lines
	case yamlUnknown.MatchString(text):
		p.unknown = append(p.unknown, Problem{Line: line, Text: unknownKey(yamlUnknown.FindStringSubmatch(text)[1], nil)})
		return // checkWritten reports them with the nearest known one
	case yamlType.MatchString(text):
		m := yamlType.FindStringSubmatch(text)
		text = wrongType(m[1], m[2], m[3])
	}
	p.add(line, "", strings.TrimPrefix(text, "yaml: "))
}

// wrongType says what was found and what would be right.
func wrongType(tag, value, want string) string {
	found := cmp.Or(map[string]string{"!!map": "a mapping", "!!seq": "a list", "!!null": "nothing"}[tag], strconv.Quote(value))
	expected, remedy := "a mapping of keys", "write keys below it, indented"
	for _, kind := range [][3]string{
		{"[]", "a list", "write [a, b], or lines that begin with -"},
		{"time.Duration", "a duration", "write one such as 10s, 5m or 72h"},
		{"bool", "true or false", "write one of the two"},
		{"int", "a whole number", "write digits alone"},
		{"uint", "a whole number", "write digits alone"},
		{"float", "a number", "write digits, with a point at most"},
		{"string", "a text", "write one on the line of the key"},
	} {
		if strings.HasPrefix(want, kind[0]) {
			expected, remedy = kind[1], kind[2]
			break
		}
	}
	if _, variable := secret.Reference(value); variable {
		remedy = "no variable is filled in here, write the value itself"
	}
	return found + " stands where " + expected + " is expected: " + remedy
}
