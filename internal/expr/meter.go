package expr

import (
	"errors"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// The bounds on what expressions may cost, in units: one for each step of an
// expression, and one for each ten bytes or elements that a function takes or
// makes. They bound work and not time, so the same input has the same outcome on
// every machine.
const (
	// maxRulesCost bounds all conditions over one callback together.
	maxRulesCost = 500_000
	// maxRenderCost bounds all templates of one request together.
	maxRenderCost = 2_000_000
	// maxAnswerCost bounds one condition over an answer.
	maxAnswerCost = 200_000
	// perUnit is how many bytes or elements cost one unit.
	perUnit = 10
	// decodeUnit is how many bytes of JSON are decoded for one unit, memberUnits
	// what each member of an object or list costs besides: it takes memory.
	decodeUnit  = 20
	memberUnits = 4
	// regexUnit is how many steps of a regular expression, bytes times
	// instructions, cost one unit: few of the instructions are active at a time.
	regexUnit = 20
)

// ErrCost says that expressions cost more than they may, all together. The same
// record and expressions fail everywhere and every time.
var ErrCost = errors.New("the expressions cost too much for this call: they walk through too long texts or lists; " +
	"look at fewer of them, or at fields of the record instead of call.raw")

// prices charges every call of a function by the size of what it takes and makes.
type prices struct {
	// small holds the common prices, so that charging them allocates nothing.
	small [64]uint64
}

func newPrices() *prices {
	p := &prices{}
	for i := range p.small {
		p.small[i] = uint64(i)
	}
	return p
}

// CallCost implements cost.ActualCostEstimator.
func (p *prices) CallCost(_, overload string, args []ref.Val, result ref.Val) *uint64 {
	var units int
	switch {
	case strings.HasPrefix(overload, knownRegex):
		steps, _ := strconv.Atoi(overload[len(knownRegex):]) // made by knownMatch
		units = min(size(args[0]), maxMatched) * steps / regexUnit
	case overload == overloads.Matches || overload == overloads.MatchesString:
		units = min(size(args[0]), maxMatched) * maxOtherProgram / regexUnit
	case overload == overloads.Equals || overload == overloads.NotEquals:
		units = min(size(args[0]), size(args[1])) / perUnit
	case overload == overloads.StartsWithString || overload == overloads.EndsWithString:
		units = size(args[1]) / perUnit
	case isSearch(overload):
		units = size(args[0]) * size(args[1]) / perUnit
	case overload == chargeOverload:
		n, _ := args[0].(types.Int)
		units = int(n)
	default:
		units = sizes(args, result) / perUnit
	}
	return p.price(uint64(1 + units)) //nolint:gosec // sizes are not negative
}

// sizes adds up what a function takes and makes.
func sizes(args []ref.Val, result ref.Val) int {
	n := size(result)
	for _, a := range args {
		n += size(a)
	}
	return n
}

func (p *prices) price(n uint64) *uint64 {
	if n < uint64(len(p.small)) {
		return &p.small[n]
	}
	return &n
}

// size is the number of bytes of a text, or of the JSON that an object or list
// came from, or the number of elements of another list or map.
func size(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	case *rawObject:
		return len(v.src)
	case *rawList:
		return len(v.src)
	case *object:
		return v.size()
	case traits.Sizer:
		if n, ok := v.Size().(types.Int); ok {
			return int(n)
		}
	}
	return 0
}

// meter counts the cost of evaluations that share one bound. It is for one
// goroutine.
type meter struct {
	limit uint64
	// plain is what plain expressions have cost, tracker what all others have.
	plain   uint64
	tracker *cost.Tracker
}

// tracked returns the tracker with what may still be spent.
func (m *meter) tracked(s *schema) *cost.Tracker {
	if m.tracker == nil {
		tracker := *s.tracker // as its Clone does, which cannot fail
		tracker.Limit = new(uint64)
		m.tracker = &tracker
	}
	*m.tracker.Limit = m.limit - min(m.plain, m.limit)
	return m.tracker
}

// pay adds the fixed price of a plain expression.
func (m *meter) pay(price uint64) error {
	if price > m.left() {
		return ErrCost
	}
	m.plain += price
	return nil
}

// left is what may still be spent.
func (m *meter) left() uint64 {
	spent := m.plain
	if m.tracker != nil {
		spent += m.tracker.ActualCost()
	}
	return m.limit - min(spent, m.limit)
}

// chargeOverload names the work that is done outside of CEL's functions.
const chargeOverload = "cdrelay_charge"

// outsideWork is such work in the form that CEL's tracker takes.
type outsideWork struct{}

func (outsideWork) Function() string   { return chargeOverload }
func (outsideWork) OverloadID() string { return chargeOverload }

// charge adds units.
func (m *meter) charge(s *schema, units int) (err error) {
	defer func() {
		if recover() != nil { // the tracker has no other way to say that the bound is passed
			err = ErrCost
		}
	}()
	m.tracked(s).EvalUnary(nil, 0, outsideWork{}, types.Int(units), types.NullValue)
	return nil
}

// paying is an activation that pays for the evaluations over it.
type paying interface {
	cel.Activation
	meter() *meter
}

// eval runs the program over an activation.
func (p *program) eval(in paying) (ref.Val, error) {
	out, err := p.evaluate(in)
	if v, ok := in.(*view); ok && p.secret && err == nil {
		v.hide(out)
	}
	return out, err
}

func (p *program) evaluate(in paying) (ref.Val, error) {
	if p.plain > 0 {
		if err := in.meter().pay(p.plain); err != nil {
			return nil, err
		}
		out, _, err := p.cel.Eval(in)
		return out, err
	}
	frame, err := interpreter.NewExecutionFrame(in)
	if err != nil {
		return nil, err
	}
	defer frame.Close()
	frame.SetCostTracker(in.meter().tracked(p.schema))
	out, _, err := p.cel.Eval(frame)
	if stopped, ok := errors.AsType[interpreter.EvalCancelledError](err); ok && stopped.Cause == interpreter.CostLimitExceeded {
		return nil, ErrCost
	}
	return out, err
}
