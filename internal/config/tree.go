package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// tree is the file as YAML nodes, for lines and for what decoding passes over.
type tree struct {
	root  *yaml.Node
	text  []byte
	lines []string
	// expanded says that the nodes are more than the text.
	expanded bool
	// parameters are the lines of what is given to a preset, by the line that names it.
	parameters map[int][]int
	// held are the secrets that expressions read, by the index of their sink.
	held map[int]map[string]*yaml.Node
	// presets are the paths of the sinks that have one.
	presets []string
}

func newTree(text []byte, root *yaml.Node) *tree {
	return &tree{root: root, text: text, lines: strings.Split(string(text), "\n"), parameters: map[int][]int{}, held: map[int]map[string]*yaml.Node{}}
}

// check refuses tags, repeated keys and keys without a value, everywhere.
func (t *tree) check(p *Problems) { t.checkNode(t.root, "", p) }

func (t *tree) checkNode(n *yaml.Node, path string, p *Problems) {
	if t.tagged(n) {
		p.add(n.Line, path, fmt.Sprintf("begins with ! and so is a YAML tag, not a text: put quotes around it, as in \"%s\"", untilClosed(t.at(n))))
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		t.checkMapping(n, path, p)
	case yaml.SequenceNode:
		for i, item := range n.Content {
			t.checkNode(item, fmt.Sprintf("%s[%d]", path, i), p)
		}
	case yaml.ScalarNode:
		if n.Tag == "!!null" && (n.Value == "" || !free(path)) {
			p.add(n.Line, path, "has no value: give it one, or leave the key out")
		}
	case yaml.DocumentNode, yaml.AliasNode: // an alias was checked at its anchor
	}
}

func (t *tree) checkMapping(n *yaml.Node, path string, p *Problems) {
	seen := map[string]int{}
	for key, value := range pairs(n) {
		if key.Kind != yaml.ScalarNode {
			p.add(key.Line, path, "the key is not a plain text: write one without brackets and braces")
			continue
		}
		at := join(path, key.Value)
		if first, twice := seen[key.Value]; twice {
			p.add(key.Line, at, fmt.Sprintf("the key stands a second time (first in line %d): remove one", first))
		}
		seen[key.Value] = key.Line
		t.checkNode(value, at, p)
	}
}

// free reports whether a path lies in a tree of the user's own, where null is a
// value like any other.
func free(path string) bool {
	return strings.Contains(path, ".slack.blocks") || bodyPath.MatchString(path)
}

// bodyPath finds the bodies of webhooks and of their steps.
var bodyPath = regexp.MustCompile(`\.webhook(\.steps\[\d+\])?\.body`)

// tagged looks at the text itself: yaml.v3 drops a lone `!` without a trace, and
// `when: ! call.answered` would then match the very opposite.
func (t *tree) tagged(n *yaml.Node) bool {
	if n.Kind == yaml.DocumentNode || n.Line == 0 {
		return false
	}
	return n.Style&yaml.TaggedStyle != 0 || strings.HasPrefix(t.at(n), "!")
}

// at is the text from a node's first character to the end of its line.
func (t *tree) at(n *yaml.Node) string {
	if n.Line < 1 || n.Line > len(t.lines) {
		return ""
	}
	r := []rune(strings.TrimRight(t.lines[n.Line-1], "\r"))
	if n.Column < 1 || n.Column > len(r) {
		return ""
	}
	return string(r[n.Column-1:])
}

// untilClosed cuts a text before what belongs to the list or mapping around it.
func untilClosed(text string) string {
	depth := 0
	for i, c := range text {
		switch {
		case strings.ContainsRune("([{", c):
			depth++
		case depth == 0 && strings.ContainsRune(",]}", c):
			return text[:i]
		case strings.ContainsRune(")]}", c):
			depth--
		}
	}
	return text
}

// line returns the line of a path such as sinks[0].webhook.url; where a part is
// missing, that of what should hold it.
func (t *tree) line(path string) int {
	n, line := t.root, 0
	for _, part := range parts(path) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		next, at := step(n, part)
		if next == nil {
			return line
		}
		n, line = next, at
	}
	return line
}

// step goes one part down and gives the node with the line of its key.
func step(n *yaml.Node, part string) (*yaml.Node, int) {
	switch n.Kind {
	case yaml.MappingNode:
		for key, value := range pairs(n) {
			if key.Value == part {
				return value, key.Line
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i].Line
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
	return nil, 0
}

// parts splits a path at dots and brackets.
func parts(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) })
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
