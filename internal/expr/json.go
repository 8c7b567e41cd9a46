package expr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// timeLayout is how the record's JSON writes a time.
const timeLayout = "2006-01-02T15:04:05.000Z"

// escaper makes a string safe for the place where it will stand; nil leaves it.
type escaper func(string) string

// appendJSON writes a CEL value as JSON. Strings, but not the keys of a map,
// pass through escape.
func appendJSON(dst []byte, v ref.Val, escape escaper) ([]byte, error) {
	switch v := v.(type) {
	case types.Null:
		return append(dst, "null"...), nil
	case types.Bool:
		return strconv.AppendBool(dst, bool(v)), nil
	case types.Int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case types.Uint:
		return strconv.AppendUint(dst, uint64(v), 10), nil
	case types.Double:
		return appendDouble(dst, float64(v))
	case types.String:
		if escape != nil {
			v = types.String(escape(string(v)))
		}
		return appendString(dst, string(v)), nil
	case types.Timestamp, types.Duration, types.Bytes:
		text, err := scalarText(v)
		return appendString(dst, text), err
	case *object:
		return appendObject(dst, v, escape)
	case traits.Mapper:
		return appendMap(dst, v, escape)
	case traits.Lister:
		return appendList(dst, v, escape)
	case *types.Err:
		return dst, v
	}
	return dst, unwritable(v)
}

func unwritable(v ref.Val) error {
	return fmt.Errorf("a value of type %s cannot be written", v.Type().TypeName())
}

func appendDouble(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errors.New("a number that is infinite or undefined cannot be written")
	}
	b, err := json.Marshal(f)
	return append(dst, b...), err
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

// appendObject writes an object of the record in the record's own order.
func appendObject(dst []byte, o *object, escape escaper) ([]byte, error) {
	b, err := o.json()
	if err != nil {
		return dst, err
	}
	if escape == nil {
		return append(dst, b...), nil
	}
	return appendJSON(dst, o.schema.fromJSON(b), escape)
}

// appendMap writes a map with sorted keys, or as it came if it came as JSON.
func appendMap(dst []byte, m traits.Mapper, escape escaper) ([]byte, error) {
	if src, ok := sourceOf(m); ok && escape == nil {
		return append(dst, src...), nil
	}
	var keys []string
	values := map[string]ref.Val{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, err := textOf(key)
		if err != nil {
			return dst, err
		}
		keys = append(keys, name)
		values[name] = m.Get(key)
	}
	sort.Strings(keys)
	dst = append(dst, '{')
	for i, name := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		dst = append(appendString(dst, name), ':')
		if dst, err = appendJSON(dst, values[name], escape); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func appendList(dst []byte, l traits.Lister, escape escaper) ([]byte, error) {
	if src, ok := sourceOf(l); ok && escape == nil {
		return append(dst, src...), nil
	}
	size, ok := l.Size().(types.Int)
	if !ok {
		return dst, unwritable(l)
	}
	dst = append(dst, '[')
	for i := range size {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendJSON(dst, l.Get(i), escape); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendString writes a JSON string and nothing but: no HTML escapes, which
// some receivers show as they are; invalid UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + size
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			dst = appendEscape(append(dst, s[start:i]...), c)
			start = i + 1
		}
		i++
	}
	return append(append(dst, s[start:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return fmt.Appendf(dst, `\u%04x`, c)
}

// textOf writes a value within a text: a string as it is, null as nothing.
func textOf(v ref.Val) (string, error) {
	switch v := v.(type) {
	case types.String:
		return string(v), nil
	case types.Null:
		return "", nil
	case types.Timestamp, types.Duration, types.Bytes:
		return scalarText(v)
	}
	b, err := appendJSON(nil, v, nil)
	return string(b), err
}

// nativeOf gives a value in the Go types that Text.Render promises.
func nativeOf(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return uint64(v), nil
	case types.Double:
		if _, err := appendDouble(nil, float64(v)); err != nil {
			return nil, err
		}
		return float64(v), nil
	case types.String:
		return string(v), nil
	case types.Timestamp, types.Duration, types.Bytes:
		return scalarText(v)
	}
	b, err := appendJSON(nil, v, nil)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(b), nil
}
