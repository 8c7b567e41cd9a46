package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
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

// decoder decodes JSON and charges for it. As it charges, it is for one goroutine.
type decoder struct {
	schema *schema
	spent  *meter
}

// NativeToValue implements types.Adapter, for what objects and lists hold.
func (d *decoder) NativeToValue(value any) ref.Val {
	if src, ok := value.(json.RawMessage); ok {
		return d.fromJSON(src)
	}
	return d.schema.NativeToValue(value)
}

// rawObject is a JSON object, decoded one level at a time. It keeps its source,
// so that it is written as it came, and what it decoded, so that nothing is
// decoded twice.
type rawObject struct {
	traits.Mapper
	decoder *decoder
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
	v := o.decoder.fromJSON(src)
	if o.decoded == nil {
		o.decoded = map[string]ref.Val{}
	}
	o.decoded[string(name)] = v
	return v, true
}

// Get implements traits.Indexer.
func (o *rawObject) Get(key ref.Val) ref.Val {
	if v, found := o.Find(key); found {
		return v
	}
	return o.Mapper.Get(key)
}

// rawList is a JSON array, decoded as rawObject is.
type rawList struct {
	traits.Lister
	decoder *decoder
	src     json.RawMessage
	items   []json.RawMessage
	decoded []ref.Val
}

// Get implements traits.Indexer.
func (l *rawList) Get(index ref.Val) ref.Val {
	n, ok := index.(types.Int)
	if !ok || n < 0 || int64(n) >= int64(len(l.items)) {
		return l.Lister.Get(index)
	}
	if l.decoded == nil {
		l.decoded = make([]ref.Val, len(l.items))
	}
	if l.decoded[n] == nil {
		l.decoded[n] = l.decoder.fromJSON(l.items[n])
	}
	return l.decoded[n]
}

// Iterator implements traits.Iterable.
func (l *rawList) Iterator() traits.Iterator {
	return &rawIterator{Iterator: l.Lister.Iterator(), list: l}
}

// rawIterator walks through a rawList by its Get.
type rawIterator struct {
	traits.Iterator
	list *rawList
	next int
}

// HasNext implements traits.Iterator.
func (i *rawIterator) HasNext() ref.Val { return types.Bool(i.next < len(i.list.items)) }

// Next implements traits.Iterator.
func (i *rawIterator) Next() ref.Val {
	i.next++
	return i.list.Get(types.Int(i.next - 1))
}

// fromJSON decodes one level of a JSON text.
func (d *decoder) fromJSON(src json.RawMessage) ref.Val {
	if len(src) == 0 {
		return types.NewErr("empty JSON value")
	}
	if err := d.spent.charge(d.schema, len(src)/decodeUnit+memberUnits*members(src)); err != nil {
		return types.WrapErr(err)
	}
	switch src[0] {
	case '{':
		return d.fromJSONObject(src)
	case '[':
		return d.fromJSONArray(src)
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

func (d *decoder) fromJSONObject(src json.RawMessage) ref.Val {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(src, &fields); err != nil {
		return types.WrapErr(fmt.Errorf("JSON object: %w", err))
	}
	return &rawObject{Mapper: types.NewMap(d, fields), decoder: d, src: src, fields: fields}
}

func (d *decoder) fromJSONArray(src json.RawMessage) ref.Val {
	var items []json.RawMessage
	if err := json.Unmarshal(src, &items); err != nil {
		return types.WrapErr(fmt.Errorf("JSON array: %w", err))
	}
	return &rawList{Lister: types.NewList(d, items), decoder: d, src: src, items: items}
}

// members counts what a JSON object or list holds, before that takes memory; 0 for
// any other value.
func members(src []byte) int {
	if src[0] != '{' && src[0] != '[' {
		return 0
	}
	n := 1
	for c, depth := range structure(src) {
		if c == ',' && depth == 1 {
			n++
		}
	}
	return n
}

// deeperThan reports whether a JSON text nests deeper than limit.
func deeperThan(src []byte, limit int) bool {
	for _, depth := range structure(src) {
		if depth > limit {
			return true
		}
	}
	return false
}

// structure yields the brackets and commas of a JSON text that are not part of its
// strings, each with the depth of nesting behind it.
func structure(src []byte) iter.Seq2[byte, int] {
	return func(yield func(byte, int) bool) {
		depth, inString := 0, false
		for i := 0; i < len(src); i++ {
			c := src[i]
			switch {
			case inString && c == '\\':
				i++
				continue
			case c == '"':
				inString = !inString
				continue
			case inString:
				continue
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				depth--
			case c != ',':
				continue
			}
			if !yield(c, depth) {
				return
			}
		}
	}
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
