package config

import (
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// Stand-ins for secrets that are not read. The one for texts is also a signing
// secret; the other is an address that nobody has (RFC 2606).
const (
	standIn    = "c3RhbmRzIGZvciBhIHNlY3JldCB0aGF0IHdhcyBub3QgcmVhZA=="
	standInURL = "https://secret.invalid/"
)

// LoadWithoutSecrets is Load for a machine that has no secrets: {env: NAME} and
// {file: PATH} are not looked up, and what they hold is taken for good. What it
// returns is for checks and no server.
func LoadWithoutSecrets(path string) (*Loaded, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	return parse(path, text, func(t *tree, c *Config, p *Problems) {
		t.standIn()
		p.addDecoding(t.root.Decode(c)) // checkWritten reports the unknown keys
	})
}

// standIn replaces the references to secrets by stand-ins.
func (t *tree) standIn() {
	allKeys().walk(t.root, "", func(k *key, n *yaml.Node, _ string) bool {
		if !isSecret(k.typ()) && k.typ() != reflect.TypeFor[webhook.Body]() {
			return true
		}
		text := standIn
		if k.name == "url" || strings.HasSuffix(k.name, "_url") {
			text = standInURL
		}
		replaceReferences(n, text)
		return false
	})
}

// replaceReferences replaces every reference in a node. One whose name is misspelt
// stays, to be reported.
func replaceReferences(n *yaml.Node, text string) {
	if n = unaliased(n); !isReference(n) {
		for _, below := range n.Content {
			replaceReferences(below, text)
		}
		return
	}
	if _, misspelt := secret.Reference(n.Content[1].Value); !misspelt {
		n.Kind, n.Tag, n.Value, n.Style, n.Content = yaml.ScalarNode, "!!str", text, yaml.DoubleQuotedStyle, nil
	}
}

func isReference(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return false
	}
	key, value := n.Content[0].Value, n.Content[1]
	return (key == "env" || key == "file") && value.Kind == yaml.ScalarNode && value.Value != "" && !strings.Contains(value.Value, "${")
}
