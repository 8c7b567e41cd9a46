package webhook

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Headers are the configured request headers.
type Headers map[string]Value

// has reports whether a header is configured, in any spelling.
func (h Headers) has(name string) bool {
	for other := range h {
		if strings.EqualFold(other, name) {
			return true
		}
	}
	return false
}

// validate checks the headers of a request.
func (h Headers) validate(r Request, report func(path, problem string)) {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if problem := refuse(name, r); problem != "" {
			report(name, problem)
		}
		key := strings.ToLower(name)
		if first, twice := seen[key]; twice {
			report(name, "is the same header as "+first+": keep one")
		}
		seen[key] = name
		if strings.ContainsFunc(h[name].literal.Reveal(), unicode.IsControl) {
			report(name, "holds a control character or a line break, which no header can carry: remove it")
		}
	}
}

// refuse says why a header cannot be configured; "" when it can.
func refuse(name string, r Request) string {
	if name == "" || strings.ContainsFunc(name, notToken) {
		return fmt.Sprintf("%q is not a header name: use letters, digits and -", name)
	}
	switch key := strings.ToLower(name); {
	case slices.Contains(ownHeaders(), key):
		return "is set by cdrelay itself: remove it"
	case slices.Contains(wireHeaders(), key):
		return "belongs to the connection and not to the request: remove it"
	case key == "authorization" && r.Auth != nil:
		return "is set by auth: keep one of the two"
	case key == "content-type" && r.Encoding == encodingMultipart:
		return "is set by encoding multipart: remove it"
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

// field is one named value, ready to render; fields stand in the order of their names.
type field struct {
	name  string
	value Value
}

func (h Headers) fields() []field { return fieldsOf(h) }

func fieldsOf(values map[string]Value) []field {
	list := make([]field, 0, len(values))
	for name, value := range values {
		list = append(list, field{name: name, value: value})
	}
	slices.SortFunc(list, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	return list
}

// secrets are the literal values that must not be shown.
func (h Headers) secrets() []secret.Value {
	var list []secret.Value
	for _, f := range h.fields() {
		v, hidden := f.value.secret(f.name)
		if !hidden {
			continue
		}
		list = append(list, v)
		if _, token, two := strings.Cut(v.Reveal(), " "); two {
			list = append(list, secret.New(token)) // "Bearer abc": abc alone too
		}
	}
	return list
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

// setHeaders renders the configured headers; a template with nothing to say
// sets none.
func setHeaders(h http.Header, fields []field, view *expr.View) error {
	for _, f := range fields {
		text, err := f.value.render(view)
		if err != nil {
			return fmt.Errorf("header %s: %w", f.name, err)
		}
		if text = fieldValue(text); text != "" {
			h.Set(f.name, text)
		}
	}
	return nil
}
