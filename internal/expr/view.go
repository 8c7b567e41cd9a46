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
	// In templates only.
	nowVariable        = "now"
	stepsVariable      = "steps"
	rememberedVariable = "remembered"
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

// Rendering is what templates see beside the record.
type Rendering struct {
	// Lookup may be nil where there are no tables.
	Lookup Lookup
	// Now is the time of the try.
	Now time.Time
	// Steps and Remembered are results by the names of steps.
	Steps, Remembered map[string]Result
	// Budget is what the templates may still cost and write.
	Budget Budget
}

// Budget is what the templates of the requests of one delivery may cost and write,
// all together.
type Budget struct {
	bytes, room int
	spent       uint64
}

// NewBudget returns a budget for so many bytes.
func NewBudget(bytes int) Budget { return Budget{bytes: bytes, room: bytes} }

// NewRendering returns a view of r for the templates of one request.
func NewRendering(r *call.Record, in Rendering) *View {
	b := in.Budget
	v := &View{view{
		record: r, lookup: in.Lookup, now: in.Now,
		spent: meter{limit: maxRenderCost - min(b.spent, maxRenderCost)}, room: b.room, bytes: b.bytes,
	}}
	v.view.steps = outcomes{view: &v.view, values: in.Steps}
	v.view.remembered = outcomes{view: &v.view, values: in.Remembered}
	return v
}

// Left returns what is left of the budget of a rendering.
func (v *View) Left() Budget {
	return Budget{bytes: v.view.bytes, room: v.view.room, spent: maxRenderCost - v.view.spent.left()}
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

	steps, remembered outcomes

	// hidden are the values of expressions that read a secret.
	hidden []string

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
	case stepsVariable:
		return &v.steps, true
	case rememberedVariable:
		return &v.remembered, true
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
