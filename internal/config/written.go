package config

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spelling"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// checkWritten refuses what decoding passes over or changes without a word: keys
// that no field takes, a fraction that yaml.v3 cuts to a whole number, a variable
// that nobody fills in, and a zero or an empty text, which withDefaults takes for
// a key that is not there.
func (t *tree) checkWritten(report reporter) {
	allKeys().walk(t.root, "", func(k *key, n *yaml.Node, path string) bool {
		switch {
		case n.Kind == yaml.MappingNode && k.keys != nil:
			k.checkKnown(n, path, report)
		case n.Kind == yaml.ScalarNode:
			k.checkScalar(n, func(text string) { report(path, text) })
		}
		return true
	})
}

// checkKnown reports what is written in a mapping and no key of it.
func (k *key) checkKnown(n *yaml.Node, path string, report reporter) {
	for name := range pairs(n) {
		if name.Tag == "!!merge" || k.find(name.Value) != nil {
			continue
		}
		var known []string
		for _, child := range k.keys {
			known = append(known, child.name)
		}
		report(join(path, name.Value), unknownKey(name.Value, known))
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

func (k *key) checkScalar(n *yaml.Node, report func(text string)) {
	k.checkReference(n, report)
	switch {
	case k.name == "": // an item has no default
	case k.typ().Kind() == reflect.Int && n.ShortTag() == "!!float":
		report(fmt.Sprintf("%s stands where a whole number is expected: write digits alone", n.Value))
	case k.required(): // its owner says what is missing
	case k.unset.Type() == reflect.TypeFor[secret.Value]() && n.Value == "":
		report("the secret is empty: write one, {env: NAME} or {file: PATH}, or leave the key out")
	case k.wouldBeDefault(n):
		report(fmt.Sprintf("%q is not a value for it: leave the key out for the default (%s), or write another one", n.Value, k.defaultText()))
	}
}

// checkReference refuses the spelling of a variable in a text that is taken as it
// is written. In a template ${…} is an expression, which its owner compiles.
func (k *key) checkReference(n *yaml.Node, report func(text string)) {
	name, found := secret.Reference(n.Value)
	t := k.typ()
	template := k.tag.Get("template") != "" || t == reflect.TypeFor[webhook.Value]()
	switch {
	case !found, template && strings.Contains(n.Value, "${"):
	case isSecret(t):
		report(fmt.Sprintf("is taken as it is written, no variable is filled in: write {env: %s}", name))
	case t.Kind() == reflect.String:
		report(fmt.Sprintf("is taken as it is written, no variable is filled in: write the value itself ({env: %s} is for secrets)", name))
	}
}

// wouldBeDefault reports whether a written zero cannot be told from a missing key,
// for which something else is filled in.
func (k *key) wouldBeDefault(n *yaml.Node) bool {
	switch k.unset.Kind() {
	case reflect.Int, reflect.Int64, reflect.Float64, reflect.String:
		written := reflect.New(k.unset.Type())
		return !k.unset.IsZero() && n.Decode(written.Interface()) == nil && written.Elem().IsZero()
	default: // the others have no default, or distinguish a zero from nothing
		return false
	}
}

// defaultText is what holds without the key, for a reader.
func (k *key) defaultText() string {
	if text := k.tag.Get("default"); text != "" {
		return text
	}
	return fmt.Sprint(k.defaultValue())
}
