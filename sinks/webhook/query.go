package webhook

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Query is what is added to the query of the URL.
type Query map[string]Value

func (q Query) validate(report func(path, problem string)) {
	if _, unnamed := q[""]; unnamed {
		report("", "has a value without a name: write one, or remove it")
	}
}

func (q Query) secrets() []secret.Value {
	var list []secret.Value
	for _, f := range fieldsOf(q) {
		if v, hidden := f.value.secret(f.name); hidden {
			list = append(list, v)
		}
	}
	return list
}

// query is a Query, ready to render.
type query []field

// dependsOnCall reports whether a value differs from call to call.
func (q query) dependsOnCall() bool {
	return slices.ContainsFunc(q, func(f field) bool { return f.value.template != nil && f.value.template.DependsOnCall() })
}

// mergeInto adds the values to a URL, escaped. One takes the place of what the URL
// has under its name; all else in the URL stays as it is spelled, because it may be
// signed. Empty values are left out.
func (q query) mergeInto(address string, view *expr.View) (string, error) {
	if len(q) == 0 {
		return address, nil
	}
	base, given, _ := strings.Cut(address, "?")
	pairs := slices.DeleteFunc(strings.Split(given, "&"), func(pair string) bool { return pair == "" })
	for _, f := range q {
		text, err := f.value.render(view)
		if err != nil {
			return "", fmt.Errorf("query %s: %w", f.name, err)
		}
		if text == "" {
			continue
		}
		pairs = slices.DeleteFunc(pairs, func(pair string) bool { return nameOf(pair) == f.name })
		pair := formText(f.name) + "=" + formText(text)
		if err := view.Spend(len(pair) + len("&") - len(text)); err != nil {
			return "", fmt.Errorf("query %s: %w", f.name, err)
		}
		pairs = append(pairs, pair)
	}
	if len(pairs) == 0 {
		return base, nil
	}
	return base + "?" + strings.Join(pairs, "&"), nil
}

// nameOf is the name of a pair in a query.
func nameOf(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return name
	}
	return plain
}
