package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Tree is a YAML tree whose strings may hold ${CEL}; keys are plain. Scalars
// stay as they were written: numbers with their digits, a date as text. It is
// immutable and safe for concurrent use. The zero Tree is null.
type Tree struct{ root *branch }

// branch is one node of a tree: exactly one of its contents is set.
type branch struct {
	json     []byte  // a scalar, ready
	text     *Text   // a string that holds a template
	entries  []entry // a mapping, when mapping is true
	mapping  bool
	when     *program  // the condition on which a mapping is there; nil for always
	items    []*branch // a sequence, when sequence is true
	sequence bool
}

// content says what the templates below a branch have given.
type content int

const (
	// fixed: there are none, or conditions left them out.
	fixed content = iota
	// missing: all that they give is absent.
	missing
	// given: at least one gave something.
	given
)

// with is the content of two branches together.
func (c content) with(other content) content { return max(c, other) }

// entry is one key of a mapping.
type entry struct {
	name  string
	key   string // name as JSON, with the colon
	value *branch
}

// DependsOnNow reports whether the tree differs from try to try.
func (t Tree) DependsOnNow() bool { return t.root != nil && t.root.dependsOnNow() }

func (b *branch) dependsOnNow() bool {
	return b.when != nil && b.when.ofNow || b.text != nil && b.text.DependsOnNow() ||
		slices.ContainsFunc(b.items, (*branch).dependsOnNow) ||
		slices.ContainsFunc(b.entries, func(e entry) bool { return e.value.dependsOnNow() })
}

// Uses returns the results of steps that the tree reads, with their places.
func (t Tree) Uses() []StepUse {
	if t.root == nil {
		return nil
	}
	var all []StepUse
	t.root.each("", func(path string, p *program) {
		for _, u := range p.uses() {
			u.Path = path
			all = append(all, u)
		}
	})
	return all
}

// Subject returns what of a call the tree asks for.
func (t Tree) Subject() (s Subject) {
	if t.root != nil {
		t.root.each("", func(_ string, p *program) { s |= p.subject() })
	}
	return s
}

// each calls visit for each expression, with its place.
func (b *branch) each(path string, visit func(path string, p *program)) {
	if b.when != nil {
		visit(path, b.when)
	}
	if b.text != nil {
		for _, part := range b.text.parts {
			visit(path, part.program)
		}
	}
	for i, item := range b.items {
		item.each(fmt.Sprintf("%s[%d]", path, i), visit)
	}
	for _, e := range b.entries {
		e.value.each(strings.TrimPrefix(path+"."+e.name, "."), visit)
	}
}

// Field is one name and value of a form.
type Field struct{ Name, Value string }

// IsZero tells whether no tree was parsed.
func (t Tree) IsZero() bool { return t.root == nil }

// IsMapping tells whether the tree is a mapping, as a form needs.
func (t Tree) IsMapping() bool { return t.root != nil && t.root.mapping }

// JSON returns the tree for a record, with the keys in the order of the YAML.
// What is not present is left out; a root that is not present is null.
func (t Tree) JSON(v *View) ([]byte, error) { return t.JSONFunc(v, nil) }

// JSONFunc is JSON with every string that a ${…} makes, but neither the literal
// text nor keys, passed through escape.
func (t Tree) JSONFunc(v *View, escape func(string) string) ([]byte, error) {
	if t.root == nil {
		return []byte("null"), v.Spend(len("null"))
	}
	w := v.view.writer(escape)
	present, _, err := t.root.write(w, &v.view)
	if err == nil && !present {
		err = w.raw("null")
	}
	if err != nil {
		return nil, err
	}
	v.view.wrote(w)
	return w.buf, nil
}

// Fields returns a tree that is a mapping as names and texts in the order of the
// YAML: strings as they are, other values as JSON, null as the empty text.
func (t Tree) Fields(v *View) ([]Field, error) {
	if !t.IsMapping() {
		return nil, errors.New("a form needs a mapping of names to values")
	}
	fields := make([]Field, 0, len(t.root.entries))
	for _, e := range t.root.entries {
		w := v.view.writer(nil)
		present, content, err := e.value.write(w, &v.view)
		if err != nil {
			return nil, atKey(e.name, err)
		}
		if present && !e.value.vanishes(content) {
			v.view.wrote(w)
			fields = append(fields, Field{Name: e.name, Value: formText(w.buf)})
		}
	}
	return fields, nil
}

// formText is a JSON value as a form shows it.
func formText(b []byte) string {
	var s string
	switch {
	case string(b) == "null":
		return ""
	case b[0] == '"' && json.Unmarshal(b, &s) == nil:
		return s
	}
	return string(b)
}

// write writes the branch; when it is not present, nothing.
func (b *branch) write(w *writer, v *view) (present bool, c content, err error) {
	switch {
	case b.mapping:
		if there, err := b.when.allows(v); err != nil || !there {
			return false, fixed, err
		}
		c, err = b.writeMapping(w, v)
		return true, c, err
	case b.sequence:
		c, err = b.writeSequence(w, v)
		return true, c, err
	case b.text != nil:
		present, err = b.text.writeJSON(w, v)
		c = missing
		if present {
			c = given
		}
		return present, c, err
	}
	return true, fixed, w.raw(string(b.json))
}

// vanishes reports whether a mapping is left out because all that its templates
// give is absent.
func (b *branch) vanishes(c content) bool { return c == missing && b.mapping }

func (b *branch) writeMapping(w *writer, v *view) (content, error) {
	if err := w.raw("{"); err != nil {
		return fixed, err
	}
	first, all := true, fixed
	for _, e := range b.entries {
		mark := len(w.buf)
		if !first {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, e.key...) // a value that is present finds what is left
		present, c, err := e.value.write(w, v)
		if err != nil {
			return fixed, atKey(e.name, err)
		}
		all = all.with(c)
		if !present || e.value.vanishes(c) {
			w.buf = w.buf[:mark]
			continue
		}
		first = false
	}
	return all, w.raw("}")
}

func (b *branch) writeSequence(w *writer, v *view) (content, error) {
	if err := w.raw("["); err != nil {
		return fixed, err
	}
	first, all := true, fixed
	for i, item := range b.items {
		mark := len(w.buf)
		if !first {
			w.buf = append(w.buf, ',')
		}
		present, c, err := item.write(w, v)
		if err != nil {
			return fixed, atIndex(i, err)
		}
		all = all.with(c)
		if !present || c == missing {
			w.buf = w.buf[:mark]
			continue
		}
		first = false
	}
	return all, w.raw("]")
}

// writeJSON writes a text as JSON, one whole ${…} with its own type.
func (t *Text) writeJSON(w *writer, v *view) (present bool, err error) {
	whole := t.whole()
	if whole == nil {
		inner := writer{limit: w.limit - len(w.buf), full: w.full, escape: w.escape}
		if err := t.write(&inner, v); err != nil {
			return false, err
		}
		return true, w.quoted(string(inner.buf), nil)
	}
	if n, ok := whole.spelled(v); ok {
		return true, w.raw(string(n))
	}
	value, present, err := whole.value(v)
	if err != nil || !present {
		return false, err
	}
	return true, w.value(value)
}
