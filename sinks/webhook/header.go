package webhook

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Headers are the configured request headers.
type Headers map[string]HeaderValue

// HeaderValue is a template (a plain text) or a literal secret ({env: NAME} or
// {file: PATH}). A plain text without ${…} is kept as a secret too: people do
// write `Authorization: Bearer …` there.
type HeaderValue struct {
	template *expr.Text
	literal  secret.Value
}

// UnmarshalYAML tells a text from a secret; its errors have their lines.
func (v *HeaderValue) UnmarshalYAML(n *yaml.Node) error {
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
func (v HeaderValue) String() string {
	if v.template == nil {
		return v.literal.String()
	}
	return v.template.Source()
}

// GoString is String, so that %#v shows no literal.
func (v HeaderValue) GoString() string { return v.String() }

// MarshalText is String, for JSON.
func (v HeaderValue) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// MarshalYAML is String, for YAML.
func (v HeaderValue) MarshalYAML() (any, error) { return v.String(), nil }

// render gives the value for one call; absent parts are empty.
func (v HeaderValue) render(r *call.Record) (string, error) {
	if v.template == nil {
		return v.literal.Reveal(), nil
	}
	text, err := v.template.String(r)
	return fieldValue(text), err
}

// fieldValue makes any text safe in a header: line breaks and other control
// characters become spaces.
func fieldValue(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\u2028' || r == '\u2029' || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

func (h Headers) validate(c Config, report func(path, problem string)) {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if problem := refuse(name, c); problem != "" {
			report(name, problem)
		}
		key := strings.ToLower(name)
		if first, twice := seen[key]; twice {
			report(name, "is the same header as "+first+": keep one")
		}
		seen[key] = name
		if strings.ContainsFunc(h[name].literal.Reveal(), unicode.IsControl) {
			report(name, "holds a control character or a line break, which no header can carry")
		}
	}
}

// refuse says why a header cannot be configured; "" when it can.
func refuse(name string, c Config) string {
	if name == "" || strings.ContainsFunc(name, notToken) {
		return fmt.Sprintf("%q is not a header name: use letters, digits and -", name)
	}
	switch key := strings.ToLower(name); {
	case slices.Contains(ownHeaders(), key):
		return "is set by cdrelay itself: remove it"
	case slices.Contains(wireHeaders(), key):
		return "belongs to the connection and not to the request: remove it"
	case key == "authorization" && c.Auth != nil:
		return "is set by auth: keep one of the two"
	case key == "content-type" && c.Envelope == envelopeCloudEvents:
		return "is set by envelope: cloudevents; remove it"
	}
	return ""
}

func ownHeaders() []string {
	return []string{"webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key"}
}

func wireHeaders() []string {
	return []string{
		"host", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive",
		"proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade",
		"accept-encoding", "expect",
	}
}

// notToken tells the characters that RFC 9110 does not allow in a header name.
func notToken(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// field is one header, ready to render; fields stand in the order of their names.
type field struct {
	name  string
	value HeaderValue
}

func (h Headers) fields() []field {
	list := make([]field, 0, len(h))
	for name, value := range h {
		list = append(list, field{name: name, value: value})
	}
	slices.SortFunc(list, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	return list
}

// secrets are the literal values; a static text under a name that says nothing
// of a secret is none (X-Tenant: acme), so that it stays readable in answers.
func (h Headers) secrets() []secret.Value {
	var list []secret.Value
	for _, f := range h.fields() {
		v := f.value.literal
		if f.value.template != nil || v.IsZero() {
			continue
		}
		if v.Origin() != (secret.Origin{}) || telling(f.name) {
			list = append(list, v)
			if _, token, two := strings.Cut(v.Reveal(), " "); two {
				list = append(list, secret.New(token)) // "Bearer abc": abc alone too
			}
		}
	}
	return list
}

func telling(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "token", "key", "secret", "cookie", "password", "signature"},
		func(word string) bool { return strings.Contains(name, word) })
}

// setHeaders renders the configured headers; a template with nothing to say
// sets none.
func setHeaders(h http.Header, fields []field, r *call.Record) error {
	for _, f := range fields {
		text, err := f.value.render(r)
		if err != nil {
			return fmt.Errorf("header %s: %w", f.name, err)
		}
		if text != "" {
			h.Set(f.name, text)
		}
	}
	return nil
}
