package intake

import (
	"errors"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Secrets is one secret or a list of them, any of which is good: while one is
// being replaced by another, both open the door.
type Secrets []secret.Value

// UnmarshalYAML reads one secret in any of its spellings, or a sequence.
func (s *Secrets) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	if len(nodes) == 0 {
		return lineError(n, "the list of secrets is empty: write at least one")
	}
	var all yaml.TypeError
	read := make(Secrets, len(nodes))
	for i, node := range nodes {
		if err := read[i].UnmarshalYAML(node); err != nil {
			all.Errors = append(all.Errors, texts(err)...)
		}
	}
	if len(all.Errors) > 0 {
		return &all
	}
	*s = read
	return nil
}

func texts(err error) []string {
	if t, ok := errors.AsType[*yaml.TypeError](err); ok {
		return t.Errors
	}
	return []string{err.Error()}
}

// Equal compares with each secret in constant time, whichever fits.
func (s Secrets) Equal(text string) bool {
	found := false
	for _, v := range s {
		if v.Equal(text) {
			found = true
		}
	}
	return found
}

// missing tells whether there is no secret, or an empty one among them.
func (s Secrets) missing() bool {
	for _, v := range s {
		if v.IsZero() {
			return true
		}
	}
	return len(s) == 0
}
