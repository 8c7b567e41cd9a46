// Package secret holds a value that cannot be printed, logged or marshalled by
// accident, and reads it from a configuration: as a plain string, from the
// environment ({env: NAME}) or from a file ({file: PATH}).
//
// The value is behind a pointer: fmt prints the unexported field of a struct
// even where a String method exists (%+v of the parent), and with a pointer it
// prints an address. Only Reveal returns the text. A Value is immutable and safe
// for concurrent use.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// masked is shown wherever a secret would be printed.
const masked = "********"

// Value is one secret; the zero Value is an absent one.
type Value struct {
	text *string
	from *Origin
}

// Origin says where a secret was read from, so that a change can be noticed
// and an error can name the place.
type Origin struct {
	// Env is the environment variable, File the path; both empty for a plain one.
	Env, File string
}

// New returns a secret with the text.
func New(text string) Value { return Value{text: &text} }

// Reveal returns the text itself; "" for an absent secret.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether the secret is absent or empty.
func (v Value) IsZero() bool { return v.Reveal() == "" }

// Origin returns where the secret came from.
func (v Value) Origin() Origin {
	if v.from == nil {
		return Origin{}
	}
	return *v.from
}

// Equal compares in constant time, whatever the lengths; an absent secret
// equals nothing.
func (v Value) Equal(other string) bool {
	if v.IsZero() {
		return false
	}
	a, b := sha256.Sum256([]byte(v.Reveal())), sha256.Sum256([]byte(other))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String masks the secret.
func (v Value) String() string { return masked }

// GoString masks the secret under %#v.
func (v Value) GoString() string { return masked }

// Format masks the secret under every verb.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(masked)) }

// LogValue masks the secret in slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the secret in JSON and XML.
func (v Value) MarshalText() ([]byte, error) { return []byte(masked), nil }

// MarshalYAML masks the secret in YAML.
func (v Value) MarshalYAML() (any, error) { return masked, nil }

// UnmarshalYAML reads the three spellings. Its errors name the line and the
// remedy and are collected by yaml.v3 beside all others.
func (v *Value) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Kind == yaml.ScalarNode && slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.Tag):
		return v.fromText(n)
	case n.Kind == yaml.MappingNode:
		return v.fromMapping(n)
	default:
		return at(n, "a secret is a text, {env: NAME} or {file: PATH}")
	}
}

func (v *Value) fromMapping(n *yaml.Node) error {
	if len(n.Content) != 2 || n.Content[1].Kind != yaml.ScalarNode || n.Content[1].Value == "" {
		return at(n, "a secret's mapping has exactly one key, env or file, with a name or a path")
	}
	place := n.Content[1].Value
	switch n.Content[0].Value {
	case "env":
		return v.fromEnv(n, place)
	case "file":
		return v.fromFile(n, place)
	default:
		// The key is not shown: it may be a secret in unlucky brackets.
		return at(n.Content[0], "unknown key in a secret's mapping: it takes env or file; put a text in quotes")
	}
}

// fromText takes a text of the configuration itself.
func (v *Value) fromText(n *yaml.Node) error {
	text := strings.TrimRight(n.Value, "\r\n") // a block (|) ends with one
	if err := wellFormed(n, "the secret", text); err != nil {
		return err
	}
	if strings.TrimSpace(text) != text {
		return at(n, "the secret begins or ends with white space: remove it")
	}
	*v = New(text)
	return nil
}

func (v *Value) fromEnv(n *yaml.Node, name string) error {
	text, ok := os.LookupEnv(name)
	if bare, spelled := Reference(name); !ok && spelled {
		return at(n, "the name of a variable is written without signs: {env: %s}", bare)
	}
	if !ok {
		return at(n, "environment variable %s is not set: set it, or write {file: PATH}", name)
	}
	if text = strings.TrimSpace(text); text == "" {
		return at(n, "environment variable %s is empty: give it a value, or write {file: PATH}", name)
	}
	*v = Value{text: &text, from: &Origin{Env: name}}
	return wellFormed(n, "environment variable "+name, text)
}

func (v *Value) fromFile(n *yaml.Node, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return at(n, "secret file: %v", err)
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return at(n, "secret file %s is empty", path)
	}
	*v = Value{text: &text, from: &Origin{File: path}}
	return wellFormed(n, "secret file "+path, text)
}

func at(n *yaml.Node, format string, args ...any) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: ", n.Line) + fmt.Sprintf(format, args...)}}
}
