package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// Term is a part of a condition that is true or false by itself: what stands
// between its &&, ||, ! and ?:.
type Term struct {
	// Text is the term, with CEL's own spacing and quotes.
	Text string `json:"text"`
	// Value is "true", "false", or why it is neither.
	Value string `json:"value"`
	// Decided says that the condition is true, false or undecided because of
	// this term; the others did not matter.
	Decided bool `json:"decided"`
	// Operands are the values in the term that the record gave.
	Operands []Operand `json:"operands,omitempty"`
}

// Operand is a part of a term with its value.
type Operand struct {
	// Text is a path such as call.customer.number, or what is computed of some.
	Text string `json:"text"`
	// Value is JSON of at most some hundred bytes, "no value" when it is absent,
	// or why it could not be computed.
	Value string `json:"value"`
}

const (
	// maxShown bounds the text of a value: call.raw may be a megabyte.
	maxShown = 200
	// NoValue is the Value of an Operand that is absent and has no empty form.
	NoValue = "no value"
)

// Explain evaluates the terms of the condition over the record of a view, each by itself,
// those too that CEL would not look at. It compiles each of them, so it is for
// people who ask, not for every call. The zero Condition has no terms.
func (c Condition) Explain(over *View) []Term {
	if c.program == nil {
		return nil
	}
	v := &over.view
	if x := newExplainer(c.src, v); x != nil {
		if root, ok := x.walk(x.root); ok {
			root.decide()
			return root.terms(nil)
		}
	}
	// What CEL cannot write out again is explained as a whole.
	text, _ := truth(c.program.holds(v))
	return []Term{{Text: c.src, Value: text, Decided: true}}
}

// explainer evaluates parts of one parsed expression.
type explainer struct {
	env  *environment
	info *ast.SourceInfo
	root ast.Expr
	view *view
}

// newExplainer gives nil where the expression does not parse, which cannot be:
// it was compiled before.
func newExplainer(src string, v *view) *explainer {
	e, err := environments()
	if err != nil {
		return nil
	}
	parsed, issues := e.record.Parse(src)
	if issues.Err() != nil {
		return nil
	}
	a := parsed.NativeRep()
	return &explainer{env: e, info: a.SourceInfo(), root: a.Expr(), view: v}
}

// truth is a value of three-valued logic as text.
func truth(holds bool, err error) (string, state) {
	switch {
	case err != nil:
		return err.Error(), failed
	case holds:
		return "true", yes
	default:
		return "false", no
	}
}

// walk makes the tree of the logical operators; false where a part cannot be
// compiled by itself.
func (x *explainer) walk(e ast.Expr) (*reason, bool) {
	op := logical(e)
	if op == "" {
		return x.leaf(e)
	}
	r := &reason{op: op}
	for _, arg := range e.AsCall().Args() {
		part, ok := x.walk(arg)
		if !ok {
			return nil, false
		}
		r.parts = append(r.parts, part)
	}
	r.combine()
	return r, true
}

// logical gives the logical operator that an expression is, or "".
func logical(e ast.Expr) string {
	if e.Kind() != ast.CallKind {
		return ""
	}
	name := e.AsCall().FunctionName()
	if !slices.Contains([]string{operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional}, name) {
		return ""
	}
	return name
}

func (x *explainer) leaf(e ast.Expr) (*reason, bool) {
	text, p, ok := x.compile(e)
	if !ok {
		return nil, false
	}
	term := &Term{Text: text}
	r := &reason{term: term}
	x.refill()
	term.Value, r.state = truth(p.holds(x.view))
	if !isPath(e) {
		x.operands(e, true, &term.Operands)
	}
	return r, true
}

// refill lets each part cost what all rules may: explaining looks at more than
// deciding does.
func (x *explainer) refill() { x.view.spent = meter{limit: maxRulesCost} }

// compile compiles a part by itself. That is possible for every part that lies
// in no comprehension, because call is the only variable.
func (x *explainer) compile(e ast.Expr) (string, *program, bool) {
	text, err := cel.ExprToString(e, x.info)
	if err != nil {
		return "", nil, false
	}
	text = strings.ReplaceAll(text, "\n", " ") // CEL wraps long ones
	p, err := x.env.compile(x.env.record, text)
	return text, p, err == nil
}

// operands lists what the record gave to a term: each path from call, and each
// value that is computed of paths. It tells whether there is any path.
func (x *explainer) operands(e ast.Expr, whole bool, list *[]Operand) bool {
	if isPath(e) {
		x.add(e, list)
		return true
	}
	if whole {
		return x.inner(e, list)
	}
	var inner []Operand
	found := x.inner(e, &inner)
	if found && e.Kind() == ast.CallKind {
		x.add(e, list) // before what it is made of
	}
	for _, one := range inner {
		*list = addOperand(*list, one)
	}
	return found
}

// inner goes into what an expression is made of.
func (x *explainer) inner(e ast.Expr, list *[]Operand) bool {
	found := false
	for _, part := range partsOf(e) {
		found = x.operands(part, false, list) || found
	}
	return found
}

// partsOf gives the parts of an expression that can stand by themselves.
func partsOf(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return append([]ast.Expr{c.Target()}, c.Args()...)
		}
		return c.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.ComprehensionKind:
		return []ast.Expr{e.AsComprehension().IterRange()}
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() { // the answer of has() says it all
			return []ast.Expr{s.Operand()}
		}
	default:
	}
	return nil
}

func (x *explainer) add(e ast.Expr, list *[]Operand) {
	if text, p, ok := x.compile(e); ok {
		x.refill()
		*list = addOperand(*list, Operand{Text: text, Value: p.shown(x.view)})
	}
}

func addOperand(list []Operand, one Operand) []Operand {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

// shown is the value of a program for a person to read.
func (p *program) shown(v *view) string {
	out, err := p.eval(v)
	var text string
	if err == nil {
		text, err = jsonOf(out)
	}
	switch {
	case err != nil && noValue(err):
		return NoValue
	case err != nil:
		text = err.Error()
	}
	return plaintext.Clip(text, maxShown)
}

// isPath tells a chain of fields and indexes that begins at call.
func isPath(e ast.Expr) bool {
	for steps := 0; ; steps++ {
		switch e.Kind() {
		case ast.IdentKind:
			return steps > 0 && e.AsIdent() == recordVariable
		case ast.SelectKind:
			if e.AsSelect().IsTestOnly() {
				return false
			}
			e = e.AsSelect().Operand()
		case ast.CallKind:
			if e.AsCall().FunctionName() != operators.Index {
				return false
			}
			e = e.AsCall().Args()[0]
		default:
			return false
		}
	}
}
