package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/call"
)

// The variables of the two kinds of expression.
const (
	recordVariable   = "call"
	responseVariable = "response"
	nowVariable      = "now" // in templates only
)

// View is one record under evaluation, and what its evaluations may still cost.
// It remembers what was decoded of call.raw, so that all expressions over one
// record share the work. Unlike what is compiled, a View is for one goroutine.
type View struct{ view view }

// NewView returns a view of r for the conditions of one callback. The record must
// not change while the view is used, its Revision aside. lookup may be nil where
// there are no tables.
func NewView(r *call.Record, lookup Lookup) *View {
	return &View{view{record: r, lookup: lookup, spent: meter{limit: maxRulesCost}, room: maxText, bytes: maxText}}
}

// NewRendering returns a view of r for the templates of one request, which write
// at most the given number of bytes together. now is the time of the try.
func NewRendering(r *call.Record, lookup Lookup, now time.Time, bytes int) *View {
	return &View{view{record: r, lookup: lookup, now: now, spent: meter{limit: maxRenderCost}, room: bytes, bytes: bytes}}
}

// Record returns the record.
func (v *View) Record() *call.Record { return v.view.record }

// Spend takes n bytes from those that the request may have. It is for what is
// written around the templates.
func (v *View) Spend(n int) error {
	if n > v.view.room {
		return v.view.tooLarge()
	}
	v.view.room -= n
	return nil
}

// view is a record as CEL's activation: the variable call is the view itself.
type view struct {
	record *call.Record
	lookup Lookup
	now    time.Time
	raw    ref.Val
	err    error

	spent meter
	room  int // bytes that may still be written
	bytes int // how many there were at first
}

// ResolveName implements cel.Activation.
func (v *view) ResolveName(name string) (any, bool) {
	switch name {
	case recordVariable:
		return v, true
	case nowVariable:
		return types.Timestamp{Time: v.now}, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (v *view) Parent() cel.Activation { return nil }

// meter implements paying.
func (v *view) meter() *meter { return &v.spent }

func (v *view) tooLarge() error {
	return fmt.Errorf("the request is larger than %d bytes: send less of the call, or raise max_request", v.bytes)
}

// writer returns a writer for the bytes that are left.
func (v *view) writer(escape escaper) *writer {
	return &writer{limit: v.room, full: v.tooLarge, escape: escape}
}

// wrote takes what a writer has written from the bytes that are left.
func (v *view) wrote(w *writer) { v.room -= len(w.buf) }

// rawValue decodes call.raw on first use; an absent one is an empty object.
func (v *view) rawValue(s *schema) (ref.Val, error) {
	if v.raw == nil && v.err == nil {
		v.raw, v.err = decodeRaw(&decoder{schema: s, spent: &v.spent}, v.record.Raw)
	}
	return v.raw, v.err
}

func decodeRaw(d *decoder, src json.RawMessage) (ref.Val, error) {
	if len(src) == 0 {
		src = json.RawMessage("{}")
	}
	if deeperThan(src, maxRawDepth) {
		return nil, errors.New("call.raw nests too deep for an expression")
	}
	switch raw := d.fromJSON(src).(type) {
	case *rawObject:
		return raw, nil
	case error:
		return nil, raw
	}
	return nil, errors.New("call.raw is not a JSON object")
}
