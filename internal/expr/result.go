package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// MaxResult bounds the result of a step, in bytes of its JSON.
const MaxResult = 4 << 10

// Result is what a step took from the answer to its request, as JSON. The zero
// Result is that of a step that took nothing. It is immutable.
type Result struct{ json string }

// TextResult returns a text as a result.
func TextResult(text string) Result { return Result{string(quotedText(text))} }

// ParseResult returns a result as somebody types it: JSON, or a text that is none.
func ParseResult(text string) (Result, error) {
	src := bytes.TrimSpace([]byte(text))
	if !json.Valid(src) {
		src = quotedText(text)
	}
	if len(src) > MaxResult {
		return Result{}, errLongResult
	}
	if deeperThan(src, maxRawDepth) {
		return Result{}, errors.New("the result nests too deep")
	}
	return Result{string(src)}, nil
}

var errLongResult = fmt.Errorf("the result is longer than %d bytes: take less of the answer", MaxResult)

// IsEmpty reports whether the result says that there is nothing: an empty text,
// list or object, null, 0, or no result at all.
func (r Result) IsEmpty() bool {
	switch r.json {
	case "", `""`, "null", "0", "[]", "{}":
		return true
	}
	return false
}

// JSON returns the result; empty for the zero Result.
func (r Result) JSON() string { return r.json }

// Text returns a result that is a text or a number, as a text. It reports whether
// it is one.
func (r Result) Text() (string, bool) {
	var text string
	switch {
	case r.json == "" || r.json == "null":
		return "", true
	case r.json[0] == '"':
		return text, json.Unmarshal([]byte(r.json), &text) == nil
	case r.json[0] == '-' || r.json[0] >= '0' && r.json[0] <= '9':
		return r.json, true
	}
	return "", false
}

// value returns the result for an expression; one that is absent is the empty text.
func (r Result) value(d *decoder) ref.Val {
	if r.json == "" || r.json == "null" {
		return types.String("")
	}
	return d.fromJSON(json.RawMessage(r.json))
}

// ResponseResult is a CEL expression over response that says what a step takes from
// the answer. It is immutable and safe for concurrent use.
type ResponseResult struct{ program *program }

// compileResponseResult compiles an expression over response.
func compileResponseResult(src string) (ResponseResult, error) {
	p, err := compileResponse(src)
	return ResponseResult{p}, err
}

// IsZero reports whether no expression was compiled.
func (r ResponseResult) IsZero() bool { return r.program == nil }

// MayBeText reports whether the result can be a text or a number.
func (r ResponseResult) MayBeText() bool {
	if r.program == nil {
		return false
	}
	switch t := r.program.output; t.Kind() {
	case types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.DynKind:
		return true
	default:
		return t.IsExactType(cel.DynType)
	}
}

// Of returns what the step takes from an answer. An answer without a body, from
// which nothing can be taken, has the zero Result.
func (r ResponseResult) Of(answer Response) (Result, error) {
	if r.program == nil {
		return Result{}, nil
	}
	out, err := r.program.eval(newAnswer(answer))
	if err != nil {
		if len(bytes.TrimSpace(answer.Body)) == 0 {
			return Result{}, nil
		}
		return Result{}, err
	}
	w := &writer{limit: MaxResult, full: func() error { return errLongResult }}
	if err := w.value(out); err != nil {
		return Result{}, err
	}
	return Result{string(w.buf)}, nil
}
