package expr

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/cdrelay/cdrelay/internal/spelling"
)

// outcomes is what the variables steps and remembered read: results by the
// names of steps.
type outcomes struct {
	view   *view
	values map[string]Result
}

// outcomeField reads the result of one step. A step that is absent, or that was
// skipped, reads as the empty text; a field of that has no value.
func outcomeField(s *schema, step string) *types.FieldType {
	read := func(target any) (Result, *outcomes) {
		if o, _ := target.(*outcomes); o != nil {
			return o.values[step], o
		}
		return Result{}, nil
	}
	return &types.FieldType{
		Type:  types.DynType,
		IsSet: func(target any) bool { r, _ := read(target); return !r.IsEmpty() },
		GetFrom: func(target any) (any, error) {
			r, o := read(target)
			if o == nil {
				return types.String(""), nil
			}
			return r.value(&decoder{schema: s, spent: &o.view.spent}), nil
		},
	}
}

// StepUse is one place where an expression reads the result of a step.
type StepUse struct {
	// Variable is "steps" or "remembered", Step what follows its dot.
	Variable, Step string
	// Path is the place within a tree; empty elsewhere.
	Path string
}

// stepsIn returns the results that an expression reads. Only steps.<name> and
// remembered.<name> are known before a call comes, so nothing else is taken.
func stepsIn(a *ast.AST) ([]StepUse, error) {
	var uses []StepUse
	var all faults
	for _, e := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.IdentKind)) {
		name := e.AsIdent()
		if name != stepsVariable && name != rememberedVariable {
			continue
		}
		parent, inner := e.Parent()
		if !inner || parent.Kind() != ast.SelectKind {
			all = append(all, at(a, e, fmt.Sprintf("%s stands alone: write %s. and the name of a step", name, name)))
			continue
		}
		use := StepUse{Variable: name, Step: parent.AsSelect().FieldName()}
		if !slices.Contains(uses, use) {
			uses = append(uses, use)
		}
	}
	if len(all) > 0 {
		return nil, all
	}
	return uses, nil
}

// StepScope is what the templates of a step may read of other steps.
type StepScope struct {
	// Steps are those that come before it, Later all others, Remembered those that
	// remember their result.
	Steps, Later, Remembered []string
}

// Problem says what is wrong with a use; empty for nothing.
func (s StepScope) Problem(u StepUse) string {
	known := s.Steps
	if u.Variable == rememberedVariable {
		known = s.Remembered
	}
	text := u.Variable + "." + u.Step
	switch {
	case slices.Contains(known, u.Step):
		return ""
	case u.Variable == rememberedVariable && slices.Contains(slices.Concat(s.Steps, s.Later), u.Step):
		return text + ": the step " + u.Step + " does not remember its result: give it remember: true"
	case slices.Contains(s.Later, u.Step):
		return text + ": the step " + u.Step + " has no result yet here: a step reads those before it"
	}
	if near, ok := spelling.Nearest(u.Step, known); ok {
		return fmt.Sprintf("%s: there is no step %q: did you mean %q?", text, u.Step, near)
	}
	switch {
	case len(known) == 0 && u.Variable == rememberedVariable:
		return text + ": no step remembers its result"
	case len(known) == 0:
		return text + ": no step has a result here"
	}
	return fmt.Sprintf("%s: there is no step %q", text, u.Step)
}

// StepName reports whether a name can stand behind steps. in an expression.
func StepName(name string) bool {
	_, err := compileTemplate(stepsVariable + "." + name)
	return err == nil && len(name) <= maxStepName && isStepName(name)
}

// maxStepName bounds the name of a step: it is part of ids and a label of metrics.
const maxStepName = 32

// isStepName reports whether a name has lower-case letters, digits and _, and begins
// with a letter.
func isStepName(name string) bool {
	for i, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || i > 0 && (c == '_' || c >= '0' && c <= '9') {
			continue
		}
		return false
	}
	return name != ""
}

// Subject is what of a call an expression asks for.
type Subject int

// The subjects; an expression may have several.
const (
	// AsksNumber: who called, or was called.
	AsksNumber Subject = 1 << iota
	// AsksAgent: the agent.
	AsksAgent
)

// subjectOf returns the subjects of an expression.
func subjectOf(a *ast.AST) (s Subject) {
	for _, e := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.SelectKind)) {
		switch fieldPath(e) {
		case "call.customer", "call.from", "call.to":
			s |= AsksNumber
		case "call.agent":
			s |= AsksAgent
		}
	}
	return s
}
