package expr

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Response is what a sink answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// ResponseCondition is a CEL expression over response, which has status,
// headers (a map of strings that is asked in any case; several values of one
// name are joined by ", "), body (text) and json (the decoded body, without a
// value when the body is not JSON). It is immutable and safe for concurrent
// use.
type ResponseCondition struct{ program *program }

// CompileResponse compiles a condition over response.
func CompileResponse(src string) (ResponseCondition, error) {
	p, err := compileResponse(src)
	if err != nil {
		return ResponseCondition{}, err
	}
	if err := p.mustBeBool(); err != nil {
		return ResponseCondition{}, err
	}
	return ResponseCondition{p}, nil
}

// IsZero tells whether no condition was compiled. A zero condition never holds.
func (c ResponseCondition) IsZero() bool { return c.program == nil }

// Holds tells whether the condition is true of an answer. A failure to evaluate
// is false.
func (c ResponseCondition) Holds(r Response) bool {
	holds, _ := c.Judge(r)
	return holds
}

// Judge is Holds. lacksJSON reports that the expression asked for response.json,
// and that the answer has none.
func (c ResponseCondition) Judge(r Response) (holds, lacksJSON bool) {
	if c.program == nil {
		return false, false
	}
	a := newAnswer(r)
	ok, err := c.program.holds(a)
	return ok && err == nil, a.lacksJSON
}

// answer is a Response as CEL's activation.
type answer struct {
	response  Response
	decoded   ref.Val
	lacksJSON bool
	spent     meter
}

func newAnswer(r Response) *answer {
	return &answer{response: r, spent: meter{limit: maxAnswerCost}}
}

// ResolveName implements cel.Activation.
func (a *answer) ResolveName(name string) (any, bool) {
	if name == responseVariable {
		return a, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (a *answer) Parent() cel.Activation { return nil }

// meter implements paying.
func (a *answer) meter() *meter { return &a.spent }

func responseFields(s *schema) []field {
	decoded := func(target any) (any, error) {
		a, ok := target.(*answer)
		if !ok {
			return nil, &absentError{path: "response.json"}
		}
		return a.json(s)
	}
	return []field{
		always("status", types.IntType, func(a *answer) ref.Val { return types.Int(a.response.Status) }),
		always("headers", types.NewMapType(types.StringType, types.StringType), func(a *answer) ref.Val {
			return newHeaders(s, a.response.Header)
		}),
		text("body", func(a *answer) string { return string(a.response.Body) }),
		{
			name: "json", typ: types.DynType,
			set: func(target any) bool {
				_, err := decoded(target)
				return err == nil
			},
			get: decoded,
		},
	}
}

// json decodes the body on first use.
func (a *answer) json(s *schema) (ref.Val, error) {
	if a.decoded != nil {
		return a.decoded, nil
	}
	body := bytes.TrimSpace(a.response.Body)
	if !json.Valid(body) || deeperThan(body, maxRawDepth) {
		a.lacksJSON = true
		return nil, &absentError{path: "response.json"}
	}
	d := &decoder{schema: s, spent: &a.spent}
	a.decoded = d.fromJSON(body)
	return a.decoded, nil
}

// headers is a map whose keys are asked in any case and listed in lower case.
type headers struct{ traits.Mapper }

func newHeaders(s *schema, h http.Header) headers {
	flat := make(map[string]string, len(h))
	for name, values := range h {
		flat[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return headers{types.NewStringStringMap(s, flat)}
}

// Contains implements traits.Container.
func (h headers) Contains(key ref.Val) ref.Val { return h.Mapper.Contains(lower(key)) }

// Get implements traits.Indexer.
func (h headers) Get(key ref.Val) ref.Val { return h.Mapper.Get(lower(key)) }

// Find implements traits.Mapper.
func (h headers) Find(key ref.Val) (ref.Val, bool) { return h.Mapper.Find(lower(key)) }

func lower(key ref.Val) ref.Val {
	if s, ok := key.(types.String); ok {
		return types.String(strings.ToLower(string(s)))
	}
	return key
}
