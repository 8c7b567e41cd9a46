package ruletest

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"gopkg.in/yaml.v3"
)

// parsed is a test file with the lines of its parts.
type parsed struct {
	file
	root     *yaml.Node
	problems *problems
}

// parse reads a test file. Its error has all problems that can be seen without
// the configuration.
func parse(name string, text []byte) (*parsed, error) {
	p := &parsed{problems: &problems{file: name}}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		p.problems.addf(0, "the file is empty: it needs `cases`")
		return nil, p.problems.err()
	case err != nil:
		p.problems.addYAML(err.Error())
		return nil, p.problems.err()
	}
	if err := dec.Decode(&second); err == nil {
		p.problems.addf(second.Line, "a second YAML document begins here: keep one, without ---")
	} else if !errors.Is(err, io.EOF) {
		p.problems.addYAML(err.Error())
	}
	p.root = doc.Content[0]
	p.checkNode(p.root, strings.Split(string(text), "\n"), "", 0)
	p.decode(text)
	if len(p.problems.list) == 0 {
		p.validate()
	}
	return p, p.problems.err()
}

func (p *parsed) decode(text []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err := dec.Decode(&p.file)
	var typed *yaml.TypeError
	switch {
	case errors.As(err, &typed):
		for _, text := range typed.Errors {
			p.problems.addYAML(text)
		}
	case err != nil:
		p.problems.addYAML(err.Error())
	}
}

// checkNode refuses tags, repeated keys, and keys without a value.
func (p *parsed) checkNode(n *yaml.Node, lines []string, path string, depth int) {
	if depth > maxDepth {
		p.problems.addf(n.Line, "the tree is too deep")
		return
	}
	if tagged(n, lines) {
		p.problems.addf(n.Line, "what begins with ! is a YAML tag, not a text: quote it")
	}
	seen := map[string]bool{}
	for i, child := range n.Content {
		at := path
		if n.Kind == yaml.MappingNode {
			key := n.Content[i-i%2]
			if at = path + "." + key.Value; i%2 == 0 {
				if seen[key.Value] {
					p.problems.addf(key.Line, "the key %q stands a second time: remove one", key.Value)
				}
				seen[key.Value] = true
				continue
			}
		}
		p.checkNode(child, lines, at, depth+1)
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && (n.Value == "" || !free(path)) {
		p.problems.addf(n.Line, "%s has no value: give it one, or leave the key out", strings.TrimPrefix(path, "."))
	}
}

// free tells where null is a value like any other.
func free(path string) bool {
	return strings.HasPrefix(path, ".cases.callback") || strings.HasPrefix(path, ".cases.expect.record") ||
		strings.HasPrefix(path, ".cases.expect.requests")
}

// tagged looks at the text itself: yaml.v3 drops a lone `!` without a trace.
func tagged(n *yaml.Node, lines []string) bool {
	if n.Style&yaml.TaggedStyle != 0 {
		return true
	}
	if n.Line < 1 || n.Line > len(lines) {
		return false
	}
	r := []rune(lines[n.Line-1])
	return n.Column >= 1 && n.Column <= len(r) && r[n.Column-1] == '!'
}

// line gives the line of a part: keys of mappings and indexes of lists; where a
// part is missing, that of what should hold it.
func (p *parsed) line(path ...any) int {
	n, line := p.root, p.root.Line
	for _, step := range path {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		found := false
		switch step := step.(type) {
		case int:
			if n.Kind == yaml.SequenceNode && step < len(n.Content) {
				n, found = n.Content[step], true
				line = n.Line
			}
		case string:
			for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content) && !found; i += 2 {
				if n.Content[i].Value == step {
					line, found = n.Content[i].Line, true
					n = n.Content[i+1]
				}
			}
		}
		if !found {
			return line
		}
	}
	return line
}
