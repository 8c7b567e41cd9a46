package webhook

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Value is that of a header or of a part of the query: a template (a plain text) or
// a literal secret ({env: NAME} or {file: PATH}). A plain text without ${…} is kept
// as a secret too: people do write `Authorization: Bearer …` there.
type Value struct {
	template *expr.Text
	literal  secret.Value
}

// UnmarshalYAML tells a text from a secret; its errors have their lines.
func (v *Value) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.MappingNode {
		return v.literal.UnmarshalYAML(n)
	}
	var t expr.Text
	if err := t.UnmarshalYAML(n); err != nil {
		return err
	}
	if text, static := t.Static(); static {
		v.literal = secret.New(text)
		return nil
	}
	v.template = &t
	return nil
}

// String shows the template, or the mask of a literal.
func (v Value) String() string {
	if v.template == nil {
		return v.literal.String()
	}
	return v.template.Source()
}

// GoString is String, so that %#v shows no literal.
func (v Value) GoString() string { return v.String() }

// MarshalText is String, for JSON.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalYAML is String, for YAML.
func (v Value) MarshalYAML() (any, error) { return v.String(), nil }

// Secrets returns the literal. Any plain text is one, whatever its name: it may be a
// token.
func (v Value) Secrets() []secret.Value { return v.literal.Secrets() }

// render returns the value for one call; absent parts are empty.
func (v Value) render(view *expr.View) (string, error) {
	if v.template == nil {
		return v.literal.Reveal(), nil
	}
	return v.template.String(view)
}

// uses returns the results of steps that the value reads.
func (v Value) uses() []expr.StepUse {
	if v.template == nil {
		return nil
	}
	return v.template.Uses()
}

// dependOnNow reports whether a value differs from try to try.
func dependOnNow(fields []field) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.value.template != nil && f.value.template.DependsOnNow() })
}

// secret returns a literal that must not be shown. A static text under a name that
// says nothing of a secret is none (X-Tenant: acme), so that it stays readable in
// answers.
func (v Value) secret(name string) (secret.Value, bool) {
	hidden := v.template == nil && !v.literal.IsZero() && (v.literal.Origin() != (secret.Origin{}) || telling(name))
	return v.literal, hidden
}

func telling(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "token", "key", "secret", "cookie", "password", "signature"},
		func(word string) bool { return strings.Contains(name, word) })
}
