package config

import (
	"fmt"
	"reflect"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Masked returns the file's text without its secrets: where a secret stands as a
// text it is masked, while {env: NAME} and {file: PATH} stay, since they hold
// none. Which keys are secret is read from the types, so that no new one can be
// forgotten.
func (l *Loaded) Masked() ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(l.text, &doc); err != nil || len(doc.Content) == 0 {
		return nil, fmt.Errorf("the configuration cannot be shown: %w", err)
	}
	allKeys().walk(doc.Content[0], "", func(k *key, n *yaml.Node, _ string) bool {
		if !isSecret(k.typ()) {
			return true
		}
		maskScalars(n)
		return false
	})
	return yaml.Marshal(&doc)
}

// isSecret reports whether a text of the type is, or may be, a secret.
func isSecret(t reflect.Type) bool { return t.Implements(reflect.TypeFor[secret.Holder]()) }

// maskScalars masks texts and lists of texts; a mapping names a place.
func maskScalars(n *yaml.Node) {
	switch n.Kind {
	case yaml.ScalarNode:
		n.Value, n.Tag, n.Style = secret.New("").String(), "!!str", yaml.DoubleQuotedStyle
	case yaml.SequenceNode:
		for _, item := range n.Content {
			maskScalars(item)
		}
	case yaml.AliasNode:
		maskScalars(n.Alias)
	case yaml.MappingNode, yaml.DocumentNode:
	}
}
