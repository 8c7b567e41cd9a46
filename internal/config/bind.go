package config

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/spelling"
	"github.com/cdrelay/cdrelay/sinks/presets"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// The keys of a section that name what its expressions read: values and expressions.
const (
	withKey = "with"
	letKey  = "let"
)

// binder puts what a section names in place.
type binder struct {
	names  []string
	values map[string]*yaml.Node
	// lets are expressions with everything in place.
	lets map[string]string
	// secrets are the names of values that no expression may hold, held those that
	// expressions read nevertheless.
	secrets map[string]bool
	held    map[string]*yaml.Node
	report  reporter
}

// bindSection puts the parameters of a `webhook` and its named expressions in place,
// and returns the secrets that expressions read; those of the given names, and all that
// are {env: …} or {file: …}. `with` and `let` stay, for the lines of errors.
func bindSection(section *yaml.Node, path string, secrets []string, report reporter) map[string]*yaml.Node {
	b := &binder{values: map[string]*yaml.Node{}, lets: map[string]string{}, secrets: map[string]bool{}, held: map[string]*yaml.Node{}, report: report}
	with, _ := step(section, withKey)
	for key, value := range pairs(with) {
		name := key.Value
		b.names = append(b.names, name)
		b.values[name] = value
		b.secrets[name] = presets.IsReference(value) || slices.Contains(secrets, name)
		if presets.HoldsTemplate(value) {
			report(join(path, withKey+"."+name), "holds a ${…}: a parameter is taken as it is written, no expression in it is evaluated")
			b.values[name] = nil
		}
	}
	let, _ := step(section, letKey)
	for key, value := range pairs(let) {
		name := key.Value
		text, err := expr.Bind(value.Value, bound(), b.text)
		if err != nil {
			report(join(path, letKey+"."+name), err.Error())
			text = `""`
		}
		b.lets[name] = "(" + text + ")"
	}
	b.below(allKeys().find("sinks").item.find("webhook"), section, path)
	return b.held
}

// bound are the variables that bindSection replaces.
func bound() []string { return []string{withKey, letKey} }

// pairs are the keys and values of a mapping; of nothing where it is none.
func pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; n != nil && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// bind returns a node with the parameters in place; nil where that is
// an empty text. The key is nil within trees of the user's own.
func (b *binder) bind(k *key, n *yaml.Node, isCondition bool, path string) *yaml.Node {
	if name, ok := placeholder(n); ok {
		return b.value(name, path)
	}
	if n.Kind != yaml.ScalarNode {
		b.below(k, n, path)
		return n
	}
	if n.ShortTag() != "!!str" {
		return n
	}
	fill := expr.BindText
	if isCondition || k != nil && isExpression(k.typ()) {
		fill = expr.BindWhole
	}
	text, err := fill(n.Value, bound(), b.text)
	if err != nil {
		b.report(path, err.Error())
	}
	if err == nil && text != n.Value {
		n.Value, n.Style = text, yaml.DoubleQuotedStyle
	}
	return n
}

// below binds what is below a mapping or a list.
func (b *binder) below(k *key, n *yaml.Node, path string) {
	var kept []*yaml.Node
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i].Value, n.Content[i+1]
			child := k.child(name)
			if child == nil || child.typ() != reflect.TypeFor[webhook.With]() && child.typ() != reflect.TypeFor[webhook.Let]() {
				value = b.bind(child, value, child == nil && name == "when", join(path, name))
			}
			if value != nil {
				kept = append(kept, n.Content[i], value)
			}
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if value := b.bind(k.child(""), item, false, fmt.Sprintf("%s[%d]", path, i)); value != nil {
				kept = append(kept, value)
			}
		}
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
		return
	}
	n.Content = kept
}

// child is the key of a name below a key, or of an item; nil where the types do not
// know one.
func (k *key) child(name string) *key {
	switch {
	case k == nil:
		return nil
	case k.keys != nil:
		return k.find(name)
	}
	return k.item
}

// isExpression reports whether a text of the type is an expression as a whole.
func isExpression(t reflect.Type) bool {
	s := schemaOf(t)
	return s != nil && (s.Title == "condition" || s.Title == "expression")
}

// placeholder returns the name of {with: name}.
func placeholder(n *yaml.Node) (string, bool) {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[0].Value != withKey || n.Content[1].Kind != yaml.ScalarNode {
		return "", false
	}
	return n.Content[1].Value, true
}

// value returns what replaces {with: name}; nil where it is an empty text.
func (b *binder) value(name, path string) *yaml.Node {
	value := b.values[name]
	if value == nil {
		if !slices.Contains(b.names, name) {
			b.report(path, unknownName(withKey, name, b.names).Error())
		}
		return nil
	}
	if value.Kind == yaml.ScalarNode && value.Value == "" {
		return nil
	}
	return clone(value)
}

// text returns what replaces with.name or let.name in an expression.
func (b *binder) text(variable, name string) (string, error) {
	if variable == letKey {
		if text, known := b.lets[name]; known {
			return text, nil
		}
		return "", unknownName(letKey, name, slices.Sorted(maps.Keys(b.lets)))
	}
	switch value := b.values[name]; {
	case value != nil && b.secrets[name]:
		b.held[name] = value
		return expr.ReadSecret(name), nil
	case value != nil:
		return literalOf(name, value)
	case slices.Contains(b.names, name): // what is wrong with it is reported
		return `""`, nil
	}
	return "", unknownName(withKey, name, b.names)
}

// unknownName words the error of a name that nothing is written for.
func unknownName(variable, name string, known []string) error {
	text := fmt.Sprintf("%s.%s has no value: ", variable, name)
	if near, ok := spelling.Nearest(name, known); ok {
		return fmt.Errorf("%sdid you mean %s.%s?", text, variable, near)
	}
	return fmt.Errorf("%swrite one in `%s` of the section", text, variable)
}

// literalOf writes a value in CEL.
func literalOf(name string, n *yaml.Node) (string, error) {
	var parts []string
	for i, child := range n.Content {
		text, err := literalOf(name, child)
		if err != nil {
			return "", err
		}
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			parts[len(parts)-1] += ": " + text
			continue
		}
		parts = append(parts, text)
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return "[" + strings.Join(parts, ", ") + "]", nil
	case yaml.MappingNode:
		return "{" + strings.Join(parts, ", ") + "}", nil
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
	}
	switch n.ShortTag() {
	case "!!str":
		return strconv.Quote(n.Value), nil
	case "!!bool":
		return strings.ToLower(n.Value), nil
	case "!!int", "!!float":
		return "(" + n.Value + ")", nil
	}
	return "", errors.New("with." + name + " is not a text, a number, true or false, a list or a mapping of them")
}
