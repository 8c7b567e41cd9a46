package config_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cdrelay/cdrelay/internal/call"
)

// room is the chat: it answers what it takes as it would, and tells what it does not.
type room struct {
	chat
	t *testing.T
}

func (r room) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
	}
	for _, problem := range r.problems(q.URL.String(), body) {
		r.t.Errorf("%s: %s:\n%.3000s", r.name, problem, body)
	}
	i := slices.IndexFunc(r.Accepted, func(a chatAnswer) bool { return a.Method == "" || a.Method == q.Method })
	if i < 0 {
		r.t.Fatalf("%s knows no answer to %s", r.name, q.Method)
	}
	r.Accepted[i].write(w)
}

func (a chatAnswer) write(w http.ResponseWriter) {
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// problems is what the chat would not take, or would take for more than text.
func (c chat) problems(address string, body []byte) (all []string) {
	if !regexp.MustCompile(c.URL).MatchString(address) {
		all = append(all, "the address is "+address)
	}
	if c.MaxBytes > 0 && len(body) > c.MaxBytes {
		all = append(all, fmt.Sprintf("%d bytes", len(body)))
	}
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = c.schema.Validate(message)
	}
	if err != nil {
		all = append(all, err.Error())
	}
	for _, s := range c.Sums {
		n := 0
		each(message, "", func(key, text string) {
			if len(s.Keys) > 0 && !slices.Contains(s.Keys, key) {
				return
			}
			switch s.In {
			case "bytes":
				n += len(text)
			case "UTF-16 units":
				n += len(utf16.Encode([]rune(text)))
			default:
				n += utf8.RuneCountInString(text)
			}
		})
		if n > s.Max {
			all = append(all, fmt.Sprintf("%v are %d %s, more than %d", s.Keys, n, s.In, s.Max))
		}
	}
	return append(all, c.markup(message)...)
}

// turned are characters that break lines or turn the direction of reading.
var turned = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{85}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)

func (c chat) markup(message any) (all []string) {
	each(message, "", func(key, text string) {
		if turned.MatchString(text) {
			all = append(all, fmt.Sprintf("%s has control characters: %q", key, text))
		}
		if slices.Contains(c.Plain, key) || strings.HasPrefix(text, recordings) && call.WebURL(text) == text {
			return
		}
		for _, pattern := range c.Neutral {
			if found := regexp.MustCompile(pattern).FindString(text); found != "" {
				all = append(all, fmt.Sprintf("%s has %q, which is more than text: %q", key, found, text))
			}
		}
	})
	return all
}

// each visits the texts of a tree with the nearest keys above them.
func each(tree any, key string, visit func(key, text string)) {
	switch t := tree.(type) {
	case string:
		visit(key, t)
	case []any:
		for _, item := range t {
			each(item, key, visit)
		}
	case map[string]any:
		for k, item := range t {
			each(item, k, visit)
		}
	}
}
