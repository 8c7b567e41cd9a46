package config

import (
	"fmt"
	"reflect"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/presets"
	"github.com/cdrelay/cdrelay/sinks/webhook"
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
	preset := ""
	allKeys().walk(doc.Content[0], "", func(k *key, n *yaml.Node, _ string) bool {
		switch t := k.typ(); {
		case t == reflect.TypeFor[Sink]():
			preset = ""
			if name, _ := step(n, "preset"); name != nil {
				preset = name.Value
			}
		case t == reflect.TypeFor[webhook.With]():
			maskParameters(preset, n)
		case isSecret(t):
			maskScalars(n)
			return false
		}
		return true
	})
	return yaml.Marshal(&doc)
}

// maskParameters masks the parameters of a preset that are secret, and those of a
// section of its own, which may be.
func maskParameters(preset string, with *yaml.Node) {
	p, _ := presets.Find(preset)
	for key, value := range pairs(with) {
		if parameter, known := p.Parameter(key.Value); !known || parameter.Secret {
			maskScalars(value)
		}
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
