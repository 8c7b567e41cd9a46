package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/plainjson"
)

const (
	// maxNodes bounds a tree after its aliases are followed.
	maxNodes = 100_000
	// maxDepth bounds how deep it nests.
	maxDepth = 100
)

// tree is a YAML tree of the user's own, as JSON with the order of its keys and
// its numbers as they are spelled.
type tree struct {
	node *yaml.Node
	json []byte
}

// UnmarshalYAML reads the tree; its errors have their lines.
func (t *tree) UnmarshalYAML(n *yaml.Node) error {
	w := &treeWriter{}
	if err := w.write(n, 0); err != nil {
		return &yaml.TypeError{Errors: []string{err.Error()}}
	}
	t.node, t.json = n, w.out.Bytes()
	return nil
}

func (t tree) isZero() bool { return t.node == nil }

// value is the tree in the types of encoding/json, numbers as json.Number.
func (t tree) value() any {
	v, err := decodeJSON(t.json)
	if err != nil {
		return nil // it was written by us
	}
	return v
}

// body is the tree as the body of a request: a text as it is, all else as JSON.
func (t tree) body() []byte {
	if s, ok := t.value().(string); ok {
		return []byte(s)
	}
	return t.json
}

// decodeJSON reads one JSON text and keeps numbers as they are spelled.
func decodeJSON(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// treeWriter writes YAML nodes as JSON.
type treeWriter struct {
	out   bytes.Buffer
	nodes int
}

func (w *treeWriter) write(n *yaml.Node, depth int) error {
	if w.nodes++; w.nodes > maxNodes || depth > maxDepth {
		return fmt.Errorf("line %d: the tree is too large or too deep", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.write(n.Alias, depth+1)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	case yaml.SequenceNode:
		return w.list(n, depth)
	default:
		return w.scalar(n)
	}
}

func (w *treeWriter) mapping(n *yaml.Node, depth int) error {
	w.out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return fmt.Errorf("line %d: a key is a plain text", key.Line)
		}
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.text(key.Value)
		w.out.WriteByte(':')
		if err := w.write(n.Content[i+1], depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte('}')
	return nil
}

func (w *treeWriter) list(n *yaml.Node, depth int) error {
	w.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.write(item, depth+1); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	return nil
}

// jsonNumber is a number as JSON spells it.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func (w *treeWriter) scalar(n *yaml.Node) error {
	switch n.Tag {
	case "!!null":
		w.out.WriteString("null")
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return fmt.Errorf("line %d: %q is neither true nor false", n.Line, n.Value)
		}
		w.out.WriteString(strconv.FormatBool(b))
	case "!!int", "!!float":
		if !jsonNumber.MatchString(n.Value) {
			return fmt.Errorf("line %d: %s is no number of JSON: write it like 12 or 1.5, or quote it", n.Line, n.Value)
		}
		w.out.WriteString(n.Value)
	default: // times are texts, as everywhere in a callback
		w.text(n.Value)
	}
	return nil
}

func (w *treeWriter) text(s string) {
	b, _ := plainjson.Marshal(s) // a string always encodes
	w.out.Write(b)
}
