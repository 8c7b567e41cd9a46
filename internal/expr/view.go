package expr

import (
	"encoding/json"
	"errors"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/call"
)

// The variables of the two kinds of expression.
const (
	recordVariable   = "call"
	responseVariable = "response"
)

// View is one record under evaluation. It remembers what was decoded of
// call.raw, so that several conditions over one record share the work. Unlike
// what is compiled, a View is for one goroutine.
type View struct{ view view }

// NewView gives a view of r, which must not change while the view is used.
func NewView(r *call.Record) *View { return &View{view{record: r}} }

// view is a record as CEL's activation: the variable call is the view itself.
type view struct {
	record *call.Record
	raw    ref.Val
	err    error
}

// ResolveName implements cel.Activation.
func (v *view) ResolveName(name string) (any, bool) {
	if name == recordVariable {
		return v, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (v *view) Parent() cel.Activation { return nil }

// rawValue decodes call.raw on first use; an absent one is an empty object.
func (v *view) rawValue(s *schema) (ref.Val, error) {
	if v.raw == nil && v.err == nil {
		v.raw, v.err = decodeRaw(s, v.record.Raw)
	}
	return v.raw, v.err
}

func decodeRaw(s *schema, src json.RawMessage) (ref.Val, error) {
	if len(src) == 0 {
		src = json.RawMessage("{}")
	}
	if deeperThan(src, maxRawDepth) {
		return nil, errors.New("call.raw nests too deep for an expression")
	}
	o, ok := s.fromJSON(src).(*rawObject)
	if !ok {
		return nil, errors.New("call.raw is not a JSON object")
	}
	return o, nil
}
