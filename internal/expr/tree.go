package expr

import (
	"encoding/json"
	"errors"

	"cel.dev/cel-go/common/types"

	"github.com/cdrelay/cdrelay/internal/call"
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
	items    []*branch // a sequence, when sequence is true
	sequence bool
}

// entry is one key of a mapping.
type entry struct {
	name  string
	key   []byte // name as JSON, with the colon
	value *branch
}

// Field is one name and value of a form.
type Field struct{ Name, Value string }

// IsZero tells whether no tree was parsed.
func (t Tree) IsZero() bool { return t.root == nil }

// IsMapping tells whether the tree is a mapping, as a form needs.
func (t Tree) IsMapping() bool { return t.root != nil && t.root.mapping }

// JSON gives the tree of a record, with the keys in the order of the YAML. What
// is not present is left out; a root that is not present is null.
func (t Tree) JSON(r *call.Record) ([]byte, error) { return t.JSONFunc(r, nil) }

// JSONFunc is JSON with every string that a ${…} gives, but neither the literal
// text nor keys, passed through escape.
func (t Tree) JSONFunc(r *call.Record, escape func(string) string) ([]byte, error) {
	if t.root == nil {
		return []byte("null"), nil
	}
	out, present, err := t.root.appendTo(make([]byte, 0, 512), &view{record: r}, escape)
	if err != nil {
		return nil, err
	}
	if !present {
		return []byte("null"), nil
	}
	return out, nil
}

// Fields gives a tree that is a mapping as names and texts in the order of the
// YAML: strings as they are, other values as JSON, null as the empty text.
func (t Tree) Fields(r *call.Record) ([]Field, error) {
	if !t.IsMapping() {
		return nil, errors.New("a form needs a mapping of names to values")
	}
	v := &view{record: r}
	fields := make([]Field, 0, len(t.root.entries))
	for _, e := range t.root.entries {
		out, present, err := e.value.appendTo(nil, v, nil)
		if err != nil {
			return nil, atKey(e.name, err)
		}
		if present {
			fields = append(fields, Field{Name: e.name, Value: formText(out)})
		}
	}
	return fields, nil
}

// formText gives a JSON value as a form shows it.
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

// appendTo writes the branch; when it is not present, dst comes back as it was.
func (b *branch) appendTo(dst []byte, v *view, escape escaper) (out []byte, present bool, err error) {
	switch {
	case b.mapping:
		out, err = b.appendMapping(dst, v, escape)
		return out, true, err
	case b.sequence:
		out, err = b.appendSequence(dst, v, escape)
		return out, true, err
	case b.text != nil:
		return b.text.appendJSON(dst, v, escape)
	}
	return append(dst, b.json...), true, nil
}

func (b *branch) appendMapping(dst []byte, v *view, escape escaper) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for _, e := range b.entries {
		mark := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		out, present, err := e.value.appendTo(append(dst, e.key...), v, escape)
		if err != nil {
			return nil, atKey(e.name, err)
		}
		if !present {
			dst = out[:mark]
			continue
		}
		dst, first = out, false
	}
	return append(dst, '}'), nil
}

func (b *branch) appendSequence(dst []byte, v *view, escape escaper) ([]byte, error) {
	dst = append(dst, '[')
	first := true
	for i, item := range b.items {
		mark := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		out, present, err := item.appendTo(dst, v, escape)
		if err != nil {
			return nil, atIndex(i, err)
		}
		if !present {
			dst = out[:mark]
			continue
		}
		dst, first = out, false
	}
	return append(dst, ']'), nil
}

// appendJSON writes a text as JSON, one whole ${…} with its own type.
func (t *Text) appendJSON(dst []byte, v *view, escape escaper) (out []byte, present bool, err error) {
	whole := t.whole()
	if whole == nil {
		b, err := t.appendText(nil, v, escape)
		if err != nil {
			return dst, false, err
		}
		return appendString(dst, string(b)), true, nil
	}
	if n, ok := whole.spelled(v); ok {
		return append(dst, n...), true, nil
	}
	value, present, err := whole.value(v)
	if err != nil || !present {
		return dst, false, err
	}
	if s, ok := value.(types.String); ok && escape == nil {
		return appendString(dst, string(s)), true, nil
	}
	out, err = appendJSON(dst, value, escape)
	return out, err == nil, err
}
