package expr

import (
	"bytes"
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/plainjson"
)

// object is a part of the record as a CEL value. CEL's compiled accessors go
// past it; it is there for what handles an object as a whole.
type object struct {
	schema *schema
	kind   *kind
	target any // a pointer, possibly nil, that kind's accessors take
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(desc reflect.Type) (any, error) {
	if reflect.TypeOf(o.target).AssignableTo(desc) {
		return o.target, nil
	}
	return nil, fmt.Errorf("%s cannot be converted to %v", o.kind.typ, desc)
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(to ref.Type) ref.Val {
	switch to {
	case types.TypeType:
		return o.kind.typ
	case o.kind.typ:
		return o
	}
	return types.NewErr("%s cannot be converted to %s", o.kind.typ, to.TypeName())
}

// Equal implements ref.Val: two objects are equal when their JSON is.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	if !ok || p.kind != o.kind {
		return types.False
	}
	a, err := o.json()
	if err != nil {
		return types.WrapErr(err)
	}
	b, err := p.json()
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(bytes.Equal(a, b))
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return o.kind.typ }

// Value implements ref.Val; the accessors take what it gives.
func (o *object) Value() any { return o.target }

// Get implements traits.Indexer, for objects whose type the checker lost.
func (o *object) Get(index ref.Val) ref.Val {
	f, err := o.field(index)
	if err != nil {
		return types.WrapErr(err)
	}
	v, err := f.GetFrom(o.target)
	if err != nil {
		return types.WrapErr(err)
	}
	return o.schema.NativeToValue(v)
}

// IsSet implements traits.FieldTester.
func (o *object) IsSet(index ref.Val) ref.Val {
	f, err := o.field(index)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(f.IsSet(o.target))
}

func (o *object) field(index ref.Val) (*types.FieldType, error) {
	name, ok := index.(types.String)
	if !ok {
		return nil, fmt.Errorf("a field of %s is named by a string, not by %s", o.kind.typ, index.Type().TypeName())
	}
	f, ok := o.kind.fields[string(name)]
	if !ok {
		return nil, fmt.Errorf("%s has no field %q", o.kind.typ, string(name))
	}
	return f, nil
}

// size is about how long the object is as JSON.
func (o *object) size() int {
	const fields = 2 << 10
	if v, ok := o.target.(*view); ok {
		return fields + len(v.record.Raw)
	}
	return fields
}

// json is the object as the record's JSON shows it; {} when it is absent.
func (o *object) json() ([]byte, error) {
	if reflect.ValueOf(o.target).IsNil() {
		return []byte("{}"), nil
	}
	if v, whole := o.target.(*view); whole {
		return v.record.JSON(), nil
	}
	b, err := plainjson.Marshal(o.target)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.kind.typ, err)
	}
	return b, nil
}
