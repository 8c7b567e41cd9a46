package secret

import (
	"errors"
	"slices"

	"gopkg.in/yaml.v3"
)

// Holder is implemented by every type of the configuration whose text is, or may
// be, a secret. The configuration is masked, described and checked by it, so that a
// new such type is masked without an entry in a list.
type Holder interface {
	// Secrets returns the secrets that it holds now.
	Secrets() []Value
}

// Secrets returns the value itself; nothing where it is absent.
func (v Value) Secrets() []Value {
	if v.IsZero() {
		return nil
	}
	return []Value{v}
}

// List is one secret or several, each of which counts: while one is replaced by
// another, both are in use.
type List []Value

// Secrets returns the values of the list.
func (l List) Secrets() []Value { return l }

// UnmarshalYAML reads one secret in any of its spellings, or a sequence of them, and
// reports all that is wrong.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	if len(nodes) == 0 {
		return at(n, "the list of secrets is empty: write at least one")
	}
	read := make(List, len(nodes))
	var all yaml.TypeError
	for i, node := range nodes {
		err := read[i].UnmarshalYAML(node)
		if t, ok := errors.AsType[*yaml.TypeError](err); ok {
			all.Errors = append(all.Errors, t.Errors...)
		} else if err != nil {
			return err
		}
	}
	if len(all.Errors) > 0 {
		return &all
	}
	*l = read
	return nil
}

// Equal compares with each secret in constant time, whichever fits.
func (l List) Equal(text string) bool {
	found := false
	for _, v := range l {
		found = v.Equal(text) || found
	}
	return found
}

// Reveal yields the texts of the list.
func (l List) Reveal(yield func(text string) bool) {
	for _, v := range l {
		if !yield(v.Reveal()) {
			return
		}
	}
}

// Missing reports whether there is no secret, or an empty one among them.
func (l List) Missing() bool {
	return len(l) == 0 || slices.ContainsFunc(l, Value.IsZero)
}
