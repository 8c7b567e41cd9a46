package ruletest

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/explain"
)

// validate reports what is wrong without the configuration.
func (p *parsed) validate() {
	if len(p.Cases) == 0 {
		p.problems.addf(p.line("cases"), "there are no `cases`")
	}
	first := map[string]int{}
	for i, c := range p.Cases {
		switch at, twice := first[c.Name]; {
		case c.Name == "":
			p.problems.addf(p.line("cases", i), "the case has no name")
		case twice:
			p.problems.addf(p.line("cases", i, "name"), "the name %q is that of case %d too", c.Name, at+1)
		default:
			first[c.Name] = i
		}
		p.validateCase(i, c)
	}
}

func (p *parsed) validateCase(i int, c testCase) {
	if c.Source == "" {
		p.problems.addf(p.line("cases", i), "the case has no source")
	}
	if c.Callback.isZero() == (c.File == "") {
		p.problems.addf(p.line("cases", i), "a case has either `callback` or `file`")
	}
	if c.Revision < 0 {
		p.problems.addf(p.line("cases", i, "revision"), "a revision is 1 or more")
	}
	e := c.Expect
	at := func(key string) int { return p.line("cases", i, "expect", key) }
	results := []string{string(explain.Accepted), string(explain.Ignored), string(explain.Undecodable)}
	switch {
	case reflect.ValueOf(e).IsZero():
		p.problems.addf(at(""), "the case expects nothing")
	case e.Result != "" && !slices.Contains(results, e.Result):
		p.problems.addf(at("result"), "%q is no result: write %s", e.Result, strings.Join(results, ", "))
	case !e.accepted() && (!e.Record.isZero() || len(e.Sinks)+len(e.Requests)+len(e.Warnings) > 0):
		p.problems.addf(at("result"), "what is %s has no record, sinks, requests or warnings: expect its reason", e.Result)
	case e.accepted() && e.Reason != "":
		p.problems.addf(at("reason"), "what is accepted has no reason: add `result`, or leave it out")
	}
	if !e.Record.isZero() {
		p.knownFields(e.Record.node, reflect.TypeFor[call.Record](), "record")
	}
}

// accepted tells whether a record is expected; it is unless said otherwise.
func (e expect) accepted() bool { return e.Result == "" || e.Result == string(explain.Accepted) }

// knownFields refuses fields that the type does not have: a misspelt one that is
// expected to be absent would always be.
func (p *parsed) knownFields(n *yaml.Node, t reflect.Type, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	object := t.Kind() == reflect.Struct && t != reflect.TypeFor[call.Time]()
	if !object || t == reflect.TypeFor[json.RawMessage]() || n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		p.problems.addf(n.Line, "%s is an object: write its fields as a mapping", path)
		return
	}
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = f.Type
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		if inner, ok := fields[name]; ok {
			p.knownFields(n.Content[i+1], inner, path+"."+name)
		} else {
			p.problems.addf(n.Content[i].Line, "%s has no field %q: `cdrelay schema call` prints them all", path, name)
		}
	}
}

// validateNames reports sources and sinks that are not configured.
func (p *parsed) validateNames(e *explain.Explainer) error {
	sinks := e.Sinks()
	steps := e.Steps()
	check := func(line int, name string) {
		if !slices.Contains(sinks, name) {
			p.problems.addf(line, "there is no sink %q: configured are %s", name, strings.Join(sinks, ", "))
		}
	}
	for i, c := range p.Cases {
		if !slices.Contains(e.Sources(), c.Source) {
			unknown := &explain.UnknownSource{Name: c.Source, Known: e.Sources()}
			p.problems.addf(p.line("cases", i, "source"), "%s", unknown.Error())
		}
		for _, name := range c.Expect.Sinks {
			check(p.line("cases", i, "expect", "sinks"), name)
		}
		for _, name := range c.Expect.NotSinks {
			check(p.line("cases", i, "expect", "not_sinks"), name)
		}
		for name := range c.Expect.Requests {
			if slices.Contains(steps, name) {
				continue
			}
			if sink, _, step := strings.Cut(name, "."); step && slices.Contains(sinks, sink) {
				p.problems.addf(p.line("cases", i, "expect", "requests", name), "%v", explain.UnknownStep(name, steps))
				continue
			}
			check(p.line("cases", i, "expect", "requests", name), name)
		}
		if err := e.CheckGiven(c.given()); err != nil {
			p.problems.addf(p.line("cases", i), "%v", err)
		}
	}
	return p.problems.err()
}
