package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// key is one key of the configuration as the types describe it: one walk over the
// types (keyOf) finds them all. What is written is checked and masked by visiting the
// keys together with the file; the schema is described by them.
type key struct {
	// name is that of the key; empty for the whole, and for an item of a list or of a
	// mapping with names of the operator's own.
	name string
	// tag is that of the field that takes the key.
	tag reflect.StructTag
	// unset is the value that holds when the key is not written.
	unset reflect.Value
	// keys are those of a mapping, in the order of the fields; an inlined struct adds
	// its own.
	keys []*key
	// item is what a list, or a mapping with names of the operator's own, holds.
	item *key
}

// allKeys returns the whole configuration.
func allKeys() *key { return keyOf("", "", reflect.ValueOf(unset())) }

func keyOf(name string, tag reflect.StructTag, unset reflect.Value) *key {
	k := &key{name: name, tag: tag, unset: unset}
	part := pointed(unset)
	switch part.Kind() { //nolint:exhaustive // all others are leaves
	case reflect.Struct:
		if schemaOf(part.Type()) == nil { // else it reads its own YAML
			k.keys = keysOf(part)
		}
	case reflect.Slice:
		first := reflect.Zero(part.Type().Elem())
		if part.Len() > 0 {
			first = part.Index(0)
		}
		k.item = keyOf("", "", first)
	case reflect.Map:
		k.item = keyOf("", "", reflect.Zero(part.Type().Elem()))
	}
	return k
}

func keysOf(mapping reflect.Value) []*key {
	var keys []*key
	for f, v := range mapping.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			keys = append(keys, keysOf(v)...)
		case name != "" && name != "-":
			keys = append(keys, keyOf(name, f.Tag, v))
		}
	}
	return keys
}

// pointed follows a pointer; one that is nil points to a zero value.
func pointed(v reflect.Value) reflect.Value {
	switch {
	case v.Kind() != reflect.Pointer:
		return v
	case v.IsNil():
		return reflect.Zero(v.Type().Elem())
	default:
		return v.Elem()
	}
}

// typ is the type of the value, without a pointer.
func (k *key) typ() reflect.Type { return pointed(k.unset).Type() }

// find returns the key of a name in a mapping; nil for none.
func (k *key) find(name string) *key {
	i := slices.IndexFunc(k.keys, func(child *key) bool { return child.name == name })
	if i < 0 {
		return nil
	}
	return k.keys[i]
}

// required reports whether the owner of the key demands it.
func (k *key) required() bool {
	return slices.Contains(strings.Split(k.tag.Get("jsonschema"), ","), "required")
}

// visit is called for a key and the node that is written for it, never an alias. It
// reports whether to visit what is below.
type visit func(k *key, n *yaml.Node, path string) (deeper bool)

// walk visits a key that is written, and then all below it that the types know.
func (k *key) walk(n *yaml.Node, path string, visit visit) {
	n = unaliased(n)
	switch {
	case !visit(k, n, path):
	case n.Kind == yaml.SequenceNode && k.item != nil:
		for i, item := range n.Content {
			k.item.walk(item, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case n.Kind == yaml.MappingNode:
		for name, value := range pairs(n) {
			child := k.item
			if k.keys != nil {
				child = k.find(name.Value)
			}
			if child != nil {
				child.walk(value, join(path, name.Value), visit)
			}
		}
	}
}

func unaliased(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
