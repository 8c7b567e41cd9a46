package expr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// timeLayout is how the record's JSON writes a time.
const timeLayout = "2006-01-02T15:04:05.000Z"

// escaper makes a string safe for the place where it will stand; nil leaves it.
type escaper func(string) string

// writeChunk is how much of a long text is escaped before its length is looked
// at again.
const writeChunk = 64 << 10

// writer writes what a record gives, and fails before that is longer than it may
// be.
type writer struct {
	buf []byte
	// limit is how long buf may get, full the error when it would get longer.
	limit int
	full  func() error
	// escape is for every string but the keys of a map.
	escape escaper
	// token is a string with its quotes, for one step at a time.
	token []byte
}

// raw writes a text as it is.
func (w *writer) raw(s string) error {
	if len(s) > w.limit-len(w.buf) {
		return w.full()
	}
	w.buf = append(w.buf, s...)
	return nil
}

// each writes a text as put writes it, piece by piece.
func (w *writer) each(s string, put func(dst []byte, s string) []byte) error {
	for s != "" {
		n := plaintext.Boundary(s, writeChunk)
		w.buf = put(w.buf, s[:n])
		s = s[n:]
		if len(w.buf) > w.limit {
			return w.full()
		}
	}
	return nil
}

// escaped writes a text as it is escaped.
func (w *writer) escaped(s string) error {
	if w.escape == nil {
		return w.raw(s)
	}
	return w.each(s, func(dst []byte, s string) []byte { return append(dst, w.escape(s)...) })
}

// quoted writes a text as a JSON string.
func (w *writer) quoted(s string, escape escaper) error {
	if err := w.raw(`"`); err != nil {
		return err
	}
	err := w.each(s, func(dst []byte, s string) []byte {
		if escape != nil {
			s = escape(s)
		}
		w.token, _ = jsontext.AppendQuote(w.token[:0], s) // what is not UTF-8 becomes U+FFFD
		return append(dst, w.token[1:len(w.token)-1]...)
	})
	if err != nil {
		return err
	}
	return w.raw(`"`)
}

// value writes a CEL value as JSON.
func (w *writer) value(v ref.Val) error {
	switch v := v.(type) {
	case types.Null:
		return w.raw("null")
	case types.Bool:
		return w.raw(strconv.FormatBool(bool(v)))
	case types.Int:
		return w.raw(strconv.FormatInt(int64(v), 10))
	case types.Uint:
		return w.raw(strconv.FormatUint(uint64(v), 10))
	case types.Double:
		text, err := doubleText(float64(v))
		return errors.Join(err, w.raw(text))
	case types.String:
		return w.quoted(string(v), w.escape)
	case types.Timestamp, types.Duration, types.Bytes:
		text, err := scalarText(v)
		return errors.Join(err, w.quoted(text, nil))
	case *object:
		return w.object(v)
	case traits.Mapper:
		return w.mapping(v)
	case traits.Lister:
		return w.list(v)
	case *types.Err:
		return v
	}
	return unwritable(v)
}

func unwritable(v ref.Val) error {
	return fmt.Errorf("a value of type %s cannot be written", v.Type().TypeName())
}

func doubleText(f float64) (string, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", errors.New("a number that is infinite or undefined cannot be written")
	}
	b, err := json.Marshal(f)
	return string(b), err
}

// scalarText is the text of what has no JSON type of its own.
func scalarText(v ref.Val) (string, error) {
	switch v := v.(type) {
	case types.Timestamp:
		return v.UTC().Format(timeLayout), nil
	case types.Duration:
		return strconv.FormatFloat(v.Seconds(), 'f', -1, 64) + "s", nil
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v), nil
	}
	return "", unwritable(v)
}

// object writes an object of the record in the record's own order.
func (w *writer) object(o *object) error {
	b, err := o.json()
	if err != nil {
		return err
	}
	if w.escape == nil {
		return w.raw(string(b))
	}
	d := &decoder{schema: o.schema, spent: &meter{limit: maxRenderCost}}
	return w.value(d.fromJSON(b))
}

// mapping writes a map with sorted keys, or as it came if it came as JSON.
func (w *writer) mapping(m traits.Mapper) error {
	if src, ok := sourceOf(m); ok && w.escape == nil {
		return w.raw(string(src))
	}
	keys, values, err := w.members(m)
	if err != nil {
		return err
	}
	err = w.raw("{")
	for i, name := range keys {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if err = errors.Join(err, w.quoted(name, nil), w.raw(":"), w.value(values[name])); err != nil {
			return err
		}
	}
	return errors.Join(err, w.raw("}"))
}

// members returns the members of a map by their names, and the names sorted.
func (w *writer) members(m traits.Mapper) (names []string, values map[string]ref.Val, err error) {
	values = map[string]ref.Val{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, err := textOf(key)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, name)
		values[name] = m.Get(key)
	}
	slices.Sort(names)
	return names, values, nil
}

func (w *writer) list(l traits.Lister) error {
	if src, ok := sourceOf(l); ok && w.escape == nil {
		return w.raw(string(src))
	}
	if err := w.raw("["); err != nil {
		return err
	}
	for it, first := l.Iterator(), true; it.HasNext() == types.True; first = false {
		if !first {
			w.buf = append(w.buf, ',')
		}
		if err := w.value(it.Next()); err != nil {
			return err
		}
	}
	return w.raw("]")
}

// quotedText is a text as a JSON string, without the HTML escapes, which some
// receivers show as they are.
func quotedText(s string) []byte {
	b, _ := jsontext.AppendQuote(nil, s) // what is not UTF-8 becomes U+FFFD
	return b
}

// jsonOf is a value as JSON of at most maxText bytes.
func jsonOf(v ref.Val) (string, error) {
	w := &writer{limit: maxText, full: func() error { return errLongText }}
	err := w.value(v)
	return string(w.buf), err
}

// textOf is a value as it stands within a text: a string as it is, null as
// nothing.
func textOf(v ref.Val) (string, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Null:
		return "", nil
	case types.Timestamp, types.Duration, types.Bytes:
		return scalarText(v)
	}
	return jsonOf(v)
}
