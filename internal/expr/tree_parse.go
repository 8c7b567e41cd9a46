package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	// maxTreeNodes bounds a tree after its aliases are expanded.
	maxTreeNodes = 20_000
	// maxTreeDepth bounds how deep it nests.
	maxTreeDepth = 64
	// maxTreeErrors bounds how many errors of one tree are told.
	maxTreeErrors = 50
)

// Literal reads a node that is no template, such as {env: NAME}. It reports
// whether the node is one, and its text. It is asked about mappings and texts. An
// error is a *yaml.TypeError.
type Literal func(n *yaml.Node) (text string, ok bool, err error)

// parseTree compiles a tree. Its error is a *yaml.TypeError with all that is
// wrong, each with its line.
func parseTree(n *yaml.Node) (Tree, error) { return ParseTreeWith(n, nil) }

// ParseTreeWith is parseTree for trees with nodes that literal reads.
func ParseTreeWith(n *yaml.Node, literal Literal) (Tree, error) {
	p := treeParser{literal: literal}
	root := p.branch(n, 0)
	if len(p.errors) > 0 {
		return Tree{}, &yaml.TypeError{Errors: p.errors}
	}
	return Tree{root: root}, nil
}

// treeParser goes through a tree once and gathers the errors.
type treeParser struct {
	literal Literal // may be nil
	nodes   int
	errors  []string
	full    bool // a bound was passed; it was told once
}

func (p *treeParser) fail(n *yaml.Node, format string, args ...any) *branch {
	if len(p.errors) < maxTreeErrors {
		p.errors = append(p.errors, fmt.Sprintf("line %d: ", n.Line)+fmt.Sprintf(format, args...))
	}
	return nil
}

// branch parses a node; nil when an error was noted.
func (p *treeParser) branch(n *yaml.Node, depth int) *branch {
	if p.full {
		return nil
	}
	p.nodes++
	if p.nodes > maxTreeNodes || depth > maxTreeDepth {
		p.full = true
		return p.fail(n, "the tree is too large or nests too deep, counting what aliases repeat: write it smaller")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		return p.fail(n, "the YAML tag %s is not taken here: quote the text if it begins with !", n.Tag)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return p.branch(n.Content[0], depth+1)
		}
	case yaml.AliasNode:
		if n.Alias != nil {
			return p.branch(n.Alias, depth+1)
		}
	case yaml.MappingNode:
		if b, ok := p.literalOf(n); ok {
			return b
		}
		return p.mapping(n, depth)
	case yaml.SequenceNode:
		return p.sequence(n, depth)
	case yaml.ScalarNode:
		return p.scalar(n)
	}
	return p.fail(n, "the value is empty: write null, or \"\" for an empty text")
}

// literalOf asks whether a node is a literal.
func (p *treeParser) literalOf(n *yaml.Node) (*branch, bool) {
	if p.literal == nil {
		return nil, false
	}
	text, ok, err := p.literal(n)
	if located, isLocated := errors.AsType[*yaml.TypeError](err); isLocated {
		p.note(located.Errors...)
		return nil, true
	}
	if err != nil {
		p.note(atLines(n, err)...)
		return nil, true
	}
	return &branch{json: quotedText(text)}, ok
}

// note keeps errors that have their lines.
func (p *treeParser) note(texts ...string) {
	for _, text := range texts {
		if len(p.errors) < maxTreeErrors {
			p.errors = append(p.errors, text)
		}
	}
}

// whenKey is the key of the condition on which a mapping is there; literalWhen is
// how the key itself is written.
const (
	whenKey     = "when"
	literalWhen = "$$when"
)

func (p *treeParser) mapping(n *yaml.Node, depth int) *branch {
	b := &branch{mapping: true}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		name, ok := p.key(key)
		if ok && name == whenKey {
			p.when(b, n.Content[i+1])
			continue
		}
		value := p.branch(n.Content[i+1], depth+1)
		if !ok {
			continue
		}
		if name == literalWhen {
			name = whenKey
		}
		if line, twice := lines[name]; twice {
			p.fail(key, "the key %q is already there on line %d: remove one", name, line)
			continue
		}
		lines[name] = key.Line
		b.entries = append(b.entries, entry{name: name, key: string(quotedText(name)) + ":", value: value})
	}
	return b
}

// when compiles the condition on which a mapping is there.
func (p *treeParser) when(b *branch, n *yaml.Node) {
	if b.when != nil {
		p.fail(n, "the mapping has two conditions: join them with &&")
	}
	src, err := scalarSource(n)
	if err == nil {
		if b.when, err = compileTemplate(src); err == nil {
			err = b.when.mustBeBool()
		}
	}
	if err != nil {
		p.note(atLines(n, err)...)
		p.fail(n, "`when` in a body is the condition on which the mapping is there: write $$when for a key of that name")
	}
}

// key gives a key as text: any scalar as it was written.
func (p *treeParser) key(n *yaml.Node) (string, bool) {
	for i := 0; n.Kind == yaml.AliasNode && n.Alias != nil && i < maxTreeDepth; i++ {
		n = n.Alias
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		p.fail(n, "a key must be a plain text")
	case n.Style&yaml.TaggedStyle != 0:
		p.fail(n, "the YAML tag %s is not taken here: quote the key if it begins with !", n.Tag)
	case n.ShortTag() == "!!merge":
		p.fail(n, "the merge key << is not taken here: write the keys out, or quote it")
	case n.ShortTag() == "!!null" && n.Value == "":
		p.fail(n, "a key is empty: name it")
	default:
		return p.keyText(n)
	}
	return "", false
}

func (p *treeParser) keyText(n *yaml.Node) (string, bool) {
	segments, err := split(n.Value)
	if err != nil || len(segments) > 1 || len(segments) == 1 && segments[0].isExpr {
		p.fail(n, "a key cannot hold a template: write $${ for a literal ${")
		return "", false
	}
	if len(segments) == 0 {
		return "", true
	}
	return segments[0].text, true
}

func (p *treeParser) sequence(n *yaml.Node, depth int) *branch {
	b := &branch{sequence: true}
	for _, item := range n.Content {
		b.items = append(b.items, p.branch(item, depth+1))
	}
	return b
}

func (p *treeParser) scalar(n *yaml.Node) *branch {
	switch n.ShortTag() {
	case "!!null":
		if n.Value == "" {
			return p.fail(n, "the value is empty: write null, or \"\" for an empty text")
		}
		return &branch{json: []byte("null")}
	case "!!bool":
		return &branch{json: []byte(strings.ToLower(n.Value))}
	case "!!int", "!!float":
		return p.number(n)
	case "!!merge":
		return p.fail(n, "quote << if it is a text")
	}
	return p.text(n)
}

// number keeps the spelling of a number, which must be one that JSON has: what
// else YAML reads as a number (0x1F, 0812, 1_000, .inf) was hardly meant so.
func (p *treeParser) number(n *yaml.Node) *branch {
	if _, err := strconv.ParseFloat(n.Value, 64); err == nil && json.Valid([]byte(n.Value)) {
		return &branch{json: []byte(n.Value)}
	}
	return p.fail(n, "%s is not written as JSON writes numbers: quote it if it is a text, else write it in plain decimal", n.Value)
}

func (p *treeParser) text(n *yaml.Node) *branch {
	if b, ok := p.literalOf(n); ok {
		return b
	}
	t, err := ParseText(n.Value)
	if err != nil {
		p.note(atLines(n, err)...)
		return nil
	}
	if s, ok := t.Static(); ok {
		return &branch{json: quotedText(s)}
	}
	return &branch{text: &t}
}
