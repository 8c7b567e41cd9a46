package config

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Masked gives the file's text without its secrets: where a secret stands as a
// text it is masked, while {env: NAME} and {file: PATH} stay, since they hold
// none. Which keys are secret is read from the types, so that no new one can be
// forgotten.
func (l *Loaded) Masked() ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(l.text, &doc); err != nil || len(doc.Content) == 0 {
		return nil, fmt.Errorf("the configuration cannot be shown: %w", err)
	}
	maskNode(doc.Content[0], reflect.TypeFor[Config]())
	return yaml.Marshal(&doc)
}

// maskNode masks the secrets below a node that decodes into a type.
func maskNode(n *yaml.Node, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isSecret(t) {
		maskScalars(n)
		return
	}
	switch {
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Struct:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if f := fieldOf(t, n.Content[i].Value); f != nil {
				maskNode(n.Content[i+1], f)
			}
		}
	case n.Kind == yaml.MappingNode && t.Kind() == reflect.Map:
		for i := 1; i < len(n.Content); i += 2 {
			maskNode(n.Content[i], t.Elem())
		}
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		for _, item := range n.Content {
			maskNode(item, t.Elem())
		}
	case n.Kind == yaml.AliasNode: // masked where its anchor stands, and nowhere shown twice
		maskNode(n.Alias, t)
	}
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

// fieldOf gives the type of the field that a key decodes into, nil for none.
func fieldOf(t reflect.Type, key string) reflect.Type {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			if inner := fieldOf(f.Type, key); inner != nil {
				return inner
			}
		case name == key:
			return f.Type
		}
	}
	return nil
}

// keysOf returns the keys that a type takes, in the order of its fields.
func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			keys = append(keys, keysOf(f.Type)...)
		case name != "" && name != "-":
			keys = append(keys, name)
		}
	}
	return keys
}
