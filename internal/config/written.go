package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spelling"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// checkWritten refuses what decoding passes over or changes without a word: keys
// that no field takes, a fraction that yaml.v3 cuts to a whole number, a variable
// that nobody fills in, and a zero or an empty text, which withDefaults takes for
// a key that is not there. v is the part of unset() that n is decoded into.
func (t *tree) checkWritten(n *yaml.Node, v reflect.Value, path string, report reporter) {
	n = unaliased(n)
	part := innermost(v)
	switch {
	case n.Kind == yaml.SequenceNode && v.Kind() == reflect.Slice:
		for i, item := range n.Content {
			t.checkWritten(item, part, fmt.Sprintf("%s[%d]", path, i), report)
		}
	case n.Kind == yaml.MappingNode && isMapping(part):
		checkKeys(n, part.Type(), path, report)
		for f, fv := range part.Fields() {
			t.checkField(n, f, fv, path, report)
		}
	case n.Kind == yaml.MappingNode && v.Kind() == reflect.Map:
		for i := 0; i+1 < len(n.Content); i += 2 {
			t.checkWritten(n.Content[i+1], reflect.Zero(v.Type().Elem()), join(path, n.Content[i].Value), report)
		}
	case n.Kind == yaml.ScalarNode:
		checkReference(n, v.Type(), false, func(text string) { report(path, text) })
	}
}

// checkKeys reports the keys of a mapping that no field of its type takes.
func checkKeys(n *yaml.Node, t reflect.Type, path string, report reporter) {
	var known []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" || fieldOf(t, key.Value) != nil {
			continue
		}
		if known == nil {
			known = keysOf(t)
		}
		report(join(path, key.Value), unknownKey(key.Value, known))
	}
}

// maxListed is how many keys an error lists.
const maxListed = 12

func unknownKey(key string, known []string) string {
	text := fmt.Sprintf("unknown key %q: ", key)
	if near, ok := spelling.Nearest(key, known); ok {
		return text + fmt.Sprintf("did you mean %q?", near)
	}
	if len(known) > maxListed {
		return text + "docs/configuration.md lists those that may stand here"
	}
	return text + "the keys here are " + strings.Join(known, ", ")
}

// checkReference refuses the spelling of a variable in a text that is taken as it
// is written. In a template ${…} is an expression, which its owner compiles.
func checkReference(n *yaml.Node, t reflect.Type, template bool, report func(text string)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name, found := secret.Reference(n.Value)
	template = template || t == reflect.TypeFor[webhook.Value]()
	switch {
	case !found, template && strings.Contains(n.Value, "${"):
	case isSecret(t):
		report(fmt.Sprintf("is taken as it is written, no variable is filled in: write {env: %s}", name))
	case t.Kind() == reflect.String:
		report(fmt.Sprintf("is taken as it is written, no variable is filled in: write the value itself ({env: %s} is for secrets)", name))
	}
}

func (t *tree) checkField(n *yaml.Node, f reflect.StructField, v reflect.Value, path string, report reporter) {
	name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if options == "inline" {
		for inner, iv := range v.Fields() {
			t.checkField(n, inner, iv, path, report)
		}
		return
	}
	value, _ := step(n, name)
	if name == "" || value == nil {
		return
	}
	value = unaliased(value)
	at := join(path, name)
	if value.Kind != yaml.ScalarNode {
		t.checkWritten(value, v, at, report)
		return
	}
	checkReference(value, v.Type(), f.Tag.Get("template") != "", func(text string) { report(at, text) })
	switch {
	case isWhole(v) && value.ShortTag() == "!!float":
		report(at, fmt.Sprintf("%s stands where a whole number is expected", value.Value))
	case isRequired(f): // its owner says what is missing
	case v.Type() == reflect.TypeFor[secret.Value]() && value.Value == "":
		report(at, "the secret is empty: write one, {env: NAME} or {file: PATH}, or leave the key out")
	case wouldBeDefault(value, v):
		report(at, fmt.Sprintf("%q is no value for it: leave the key out for the default (%s), or write another one", value.Value, defaultText(f, v)))
	}
}

// wouldBeDefault tells a written zero that cannot be told from a missing key, and
// for which something else would be filled in.
func wouldBeDefault(n *yaml.Node, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Int, reflect.Int64, reflect.Float64, reflect.String:
		written := reflect.New(v.Type())
		return !v.IsZero() && n.Decode(written.Interface()) == nil && written.Elem().IsZero()
	default: // the others have no default, or tell a zero from nothing
		return false
	}
}

func defaultText(f reflect.StructField, v reflect.Value) string {
	if text := f.Tag.Get("default"); text != "" {
		return text
	}
	return fmt.Sprint(defaultOf(v))
}

func unaliased(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// isMapping tells a struct that is written as keys from one that reads its own
// YAML.
func isMapping(v reflect.Value) bool {
	return v.Kind() == reflect.Struct && schemaOf(v.Type()) == nil
}

func isWhole(v reflect.Value) bool {
	t := v.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Int
}

func isRequired(f reflect.StructField) bool {
	return slices.Contains(strings.Split(f.Tag.Get("jsonschema"), ","), "required")
}

// innermost goes through pointers and into the first item of lists; where there
// is none, it gives a zero one.
func innermost(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
		switch {
		case v.Kind() == reflect.Slice && v.Len() > 0:
			v = v.Index(0)
		case v.Kind() == reflect.Pointer && !v.IsNil():
			v = v.Elem()
		default:
			v = reflect.Zero(v.Type().Elem())
		}
	}
	return v
}
