package ruletest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/secret"
)

func (e expect) checkRequests(x *explain.Explanation, env map[string]string, note func(Difference)) {
	for _, sink := range slices.Sorted(maps.Keys(e.Requests)) {
		want, path := e.Requests[sink], "requests."+sink
		i := slices.IndexFunc(x.Requests, func(r explain.Request) bool { return r.Sink == sink || r.Sink+"."+r.Step == sink })
		if i < 0 {
			note(Difference{Path: path, Expected: "a request", Got: nothing, Notes: whyOf(x, sink)})
			continue
		}
		got := x.Requests[i]
		mask := slices.DeleteFunc(slices.Clone(got.Secrets()), func(s secret.Value) bool { return !hidden(s, env) })
		want.check(path, got, func(d Difference) {
			d.Got = outbound.Redact(d.Got, mask...)
			note(d)
		})
	}
}

// hidden tells whether a difference must not show a secret: it may show what the
// test file sets itself, and an address that the configuration writes out.
func hidden(s secret.Value, env map[string]string) bool {
	if s.Origin() == (secret.Origin{}) && call.IsWebURL(s.Reveal()) {
		return false
	}
	for _, value := range env {
		if strings.Contains(value, s.Reveal()) {
			return false
		}
	}
	return true
}

func (w request) check(path string, got explain.Request, note func(Difference)) {
	if skipped := got.Skipped != ""; w.Skipped || skipped {
		if w.Skipped != skipped {
			note(Difference{Path: path + ".skipped", Expected: strconv.FormatBool(w.Skipped), Got: strconv.FormatBool(skipped), Notes: notEmpty(got.Skipped)})
		}
		return
	}
	if w.Error != "" || got.Error != "" {
		if w.Error == "" || !strings.Contains(got.Error, w.Error) {
			note(Difference{Path: path + ".error", Expected: orNothing(w.Error), Got: orNothing(got.Error)})
		}
		return
	}
	wire := got.Wire()
	if w.Method != "" && w.Method != wire.Method {
		note(Difference{Path: path + ".method", Expected: w.Method, Got: wire.Method})
	}
	if w.URL != "" && w.URL != wire.URL {
		note(Difference{Path: path + ".url", Expected: w.URL, Got: wire.URL})
	}
	w.checkHeaders(path+".headers.", wire.Header, note)
	w.checkBody(path+".body", wire, note)
}

func notEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

func orNothing(text string) string { return cmp.Or(text, nothing) }

func (w request) checkHeaders(path string, got http.Header, note func(Difference)) {
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		want, values := w.Headers[name], got.Values(name)
		text := strings.Join(values, ", ")
		switch {
		case want == nil && len(values) > 0:
			note(Difference{Path: path + name, Expected: nothing, Got: text})
		case want != nil && (len(values) == 0 || *want != text):
			note(Difference{Path: path + name, Expected: *want, Got: orNothing(text)})
		}
	}
}

// checkBody compares a tree with JSON or a form, a text with the whole body.
func (w request) checkBody(path string, got outbound.Wire, note func(Difference)) {
	if w.Body.isZero() {
		return
	}
	want := w.Body.value()
	if text, ok := want.(string); ok {
		if text != string(got.Body) {
			note(Difference{Path: path, Expected: plaintext.Clip(text, maxShown), Got: plaintext.Clip(string(got.Body), maxShown)})
		}
		return
	}
	if want == nil {
		if len(got.Body) > 0 {
			note(Difference{Path: path, Expected: nothing, Got: plaintext.Clip(string(got.Body), maxShown)})
		}
		return
	}
	body, err := decodeJSON(got.Body)
	if err != nil {
		fields, ok := formFields(got)
		if !ok {
			note(Difference{Path: path, Expected: shown(want), Got: plaintext.Clip(string(got.Body), maxShown), Notes: []string{"the body is neither JSON nor a form"}})
			return
		}
		want, body = texts(want), fields
	}
	compare(path, want, body, note)
}

// formFields reads a form; a field that stands there several times is a list.
func formFields(w outbound.Wire) (map[string]any, bool) {
	if !strings.HasPrefix(w.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil, false
	}
	values, err := url.ParseQuery(string(w.Body))
	if err != nil {
		return nil, false
	}
	out := map[string]any{}
	for name, list := range values {
		if len(list) == 1 {
			out[name] = list[0]
			continue
		}
		all := make([]any, len(list))
		for i, v := range list {
			all[i] = v
		}
		out[name] = all
	}
	return out, true
}

// texts turns scalars into texts, which is all that a form has.
func texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = texts(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = texts(value)
		}
		return out
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return v
	}
}
