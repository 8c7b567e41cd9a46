package ruletest

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// problem is one thing that is wrong in a test file.
type problem struct {
	line int
	text string
}

// problems are all that is wrong with a test file.
type problems struct {
	file string
	list []problem
}

func (p *problems) addf(line int, format string, args ...any) {
	one := problem{line, fmt.Sprintf(format, args...)}
	if !slices.Contains(p.list, one) {
		p.list = append(p.list, one)
	}
}

// err gives the problems in the order of the file, "file:line: text", or nil.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	lines := make([]string, len(p.list))
	for i, one := range p.list {
		at := p.file
		if one.line > 0 {
			at += ":" + strconv.Itoa(one.line)
		}
		lines[i] = at + ": " + one.text
	}
	return errors.New(strings.Join(lines, "\n"))
}

// The forms in which yaml.v3 words its errors; they have no other structure.
var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?line (\d+): ((?s).*)$`)
	yamlUnknown = regexp.MustCompile(`^field (.*) not found in type ruletest\.(\S+)$`)
	yamlTwice   = regexp.MustCompile(`^(?:field \S+ already set in type|mapping key .* already defined)`)
	yamlType    = regexp.MustCompile("^cannot unmarshal !!\\S+(?: `((?s).*)`)? into (\\S+)$")
)

// addYAML notes an error of yaml.v3 in words of the format.
func (p *problems) addYAML(text string) {
	line := 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits by the pattern
		text = m[2]
	}
	switch {
	case yamlTwice.MatchString(text):
		return // checkNode reports repeated keys
	case yamlUnknown.MatchString(text):
		m := yamlUnknown.FindStringSubmatch(text)
		text = fmt.Sprintf("unknown key %q: here may stand %s", m[1], strings.Join(keysOf(m[2]), ", "))
	case yamlType.MatchString(text):
		text = fmt.Sprintf("%q does not fit here: see docs/rule-tests.md", yamlType.FindStringSubmatch(text)[1])
	}
	p.addf(line, "%s", strings.TrimPrefix(text, "yaml: "))
}

// keysOf gives the keys of one of our types by its name.
func keysOf(name string) []string {
	var keys []string
	for _, t := range []reflect.Type{
		reflect.TypeFor[file](), reflect.TypeFor[testCase](), reflect.TypeFor[expect](), reflect.TypeFor[request](),
	} {
		if t.Name() != name {
			continue
		}
		for f := range t.Fields() {
			keys = append(keys, f.Tag.Get("yaml"))
		}
	}
	return keys
}
