package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxRawDepth bounds how deep call.raw may nest for an expression. Decoding is
// by level, so the work is at most the size times this.
const maxRawDepth = 64

// rawObject is a JSON object, decoded one level at a time. It keeps its source,
// so that it is written as it came, and what it decoded. As it remembers, it is
// for one goroutine.
type rawObject struct {
	traits.Mapper
	schema  *schema
	src     json.RawMessage
	fields  map[string]json.RawMessage
	decoded map[string]ref.Val
}

// Find implements traits.Mapper.
func (o *rawObject) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	src, ok := o.fields[string(name)]
	if !ok {
		return nil, false
	}
	if v, ok := o.decoded[string(name)]; ok {
		return v, true
	}
	v := o.schema.fromJSON(src)
	if o.decoded == nil {
		o.decoded = map[string]ref.Val{}
	}
	o.decoded[string(name)] = v
	return v, true
}

// rawList is a JSON array, decoded as rawObject is.
type rawList struct {
	traits.Lister
	schema  *schema
	src     json.RawMessage
	items   []json.RawMessage
	decoded map[int]ref.Val
}

// Get implements traits.Indexer.
func (l *rawList) Get(index ref.Val) ref.Val {
	n, ok := index.(types.Int)
	if !ok || n < 0 || int64(n) >= int64(len(l.items)) {
		return l.Lister.Get(index)
	}
	i := int(n)
	if v, ok := l.decoded[i]; ok {
		return v
	}
	if l.decoded == nil {
		l.decoded = map[int]ref.Val{}
	}
	l.decoded[i] = l.schema.fromJSON(l.items[i])
	return l.decoded[i]
}

// fromJSON decodes one level of a JSON text.
func (s *schema) fromJSON(src json.RawMessage) ref.Val {
	if len(src) == 0 {
		return types.NewErr("empty JSON value")
	}
	switch src[0] {
	case '{':
		return s.fromJSONObject(src)
	case '[':
		return s.fromJSONArray(src)
	case '"':
		var text string
		if err := json.Unmarshal(src, &text); err != nil {
			return types.WrapErr(fmt.Errorf("JSON string: %w", err))
		}
		return types.String(text)
	case 't':
		return types.True
	case 'f':
		return types.False
	case 'n':
		return types.NullValue
	}
	return fromJSONNumber(string(src))
}

func (s *schema) fromJSONObject(src json.RawMessage) ref.Val {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(src, &fields); err != nil {
		return types.WrapErr(fmt.Errorf("JSON object: %w", err))
	}
	return &rawObject{Mapper: types.NewMap(s, fields), schema: s, src: src, fields: fields}
}

func (s *schema) fromJSONArray(src json.RawMessage) ref.Val {
	var items []json.RawMessage
	if err := json.Unmarshal(src, &items); err != nil {
		return types.WrapErr(fmt.Errorf("JSON array: %w", err))
	}
	return &rawList{Lister: types.NewList(s, items), schema: s, src: src, items: items}
}

// fromJSONNumber reads a number spelled as an integer that fits as an int, any
// other as a double.
func fromJSONNumber(text string) ref.Val {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return types.Int(n)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) && math.IsInf(f, 0) {
		return types.NewErr("a number in the JSON is too large to compute with")
	}
	if err != nil {
		return types.NewErr("a value in the JSON is no number")
	}
	return types.Double(f)
}

// deeperThan tells whether a JSON text nests deeper than limit.
func deeperThan(src []byte, limit int) bool {
	depth, inString := 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
