package webhook

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Body is the tree of a request's body: templates, and secrets as {env: NAME} or
// {file: PATH}.
type Body struct {
	expr.Tree
	secrets []secret.Value
}

// UnmarshalYAML compiles a tree and reads its secrets; its errors have their lines.
func (b *Body) UnmarshalYAML(n *yaml.Node) error {
	tree, err := expr.ParseTreeWith(n, b.literal)
	b.Tree = tree
	return err
}

// literal reads a mapping that names a secret, and refuses a text that spells a
// variable as other programs do.
func (b *Body) literal(n *yaml.Node) (text string, ok bool, err error) {
	if name, found := secret.Reference(n.Value); found && !strings.Contains(n.Value, "${") {
		return "", false, &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: no variable is filled in here: "+
			"write {env: %s} for a secret, ${…} for a value of the call, and ${'…'} around a text that is meant so", n.Line, name)}}
	}
	if !namesSecret(n) {
		return "", false, nil
	}
	var v secret.Value
	if err := v.UnmarshalYAML(n); err != nil {
		return "", false, err
	}
	b.secrets = append(b.secrets, v)
	return v.Reveal(), true, nil
}

// namesSecret reports whether a mapping has env or file as its only key, and a
// plain text as its value. Somebody who wants to send such a mapping writes the
// value as a template: {env: "${'production'}"}.
func namesSecret(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return false
	}
	key, value := n.Content[0].Value, n.Content[1]
	return (key == "env" || key == "file") && value.Kind == yaml.ScalarNode && !strings.Contains(value.Value, "${")
}
