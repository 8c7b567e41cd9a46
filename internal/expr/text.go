package expr

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Text is a string that may hold ${CEL}. The zero Text is an empty text that
// nobody configured. It is immutable and safe for concurrent use.
type Text struct {
	src   string
	set   bool
	parts []piece
}

// piece is literal text or, when program is set, an expression.
type piece struct {
	literal string
	program *program
}

// dependsOnCall reports whether the piece differs from call to call.
func (p piece) dependsOnCall() bool { return p.program != nil && p.program.ofCall }

func (p piece) dependsOnNow() bool { return p.program != nil && p.program.ofNow }

// ParseText compiles a text.
func ParseText(src string) (Text, error) {
	segments, err := split(src)
	if err != nil {
		return Text{}, err
	}
	t := Text{src: src, set: true}
	var all faults
	for _, s := range segments {
		if !s.isExpr {
			t.parts = append(t.parts, piece{literal: s.text})
			continue
		}
		p, err := compileTemplate(s.text)
		if err != nil {
			all = append(all, shift(err, src, s.offset)...)
			continue
		}
		t.parts = append(t.parts, piece{program: p})
	}
	if err := all.orNil(); err != nil {
		return Text{}, err
	}
	return t, nil
}

// shift moves the faults of an expression to where it stands in a text.
func shift(err error, src string, offset int) faults {
	var inner faults
	if !errors.As(err, &inner) {
		return problem(err.Error())
	}
	line, column := position(src, offset)
	moved := make(faults, len(inner))
	for i, f := range inner {
		switch {
		case f.column == 0:
			f.line, f.column = line, column
		case f.line == 1:
			f.line, f.column = line, column+f.column-1
		default:
			f.line += line - 1
		}
		moved[i] = f
	}
	return moved
}

// IsZero tells whether no text was parsed; an empty one is not zero.
func (t Text) IsZero() bool { return !t.set }

// Source gives the text as it was written.
func (t Text) Source() string { return t.src }

// Static gives the text, when it holds no template.
func (t Text) Static() (string, bool) {
	switch {
	case len(t.parts) == 0:
		return "", true
	case len(t.parts) == 1 && t.parts[0].program == nil:
		return t.parts[0].literal, true
	}
	return "", false
}

// DependsOnNow reports whether the text differs from try to try.
func (t Text) DependsOnNow() bool { return slices.ContainsFunc(t.parts, piece.dependsOnNow) }

// DependsOnCall reports whether the text differs from call to call.
func (t Text) DependsOnCall() bool { return slices.ContainsFunc(t.parts, piece.dependsOnCall) }

// Uses returns the results of steps that the text reads.
func (t Text) Uses() []StepUse { return usesOf(t.parts) }

// Subject returns what of a call the text asks for.
func (t Text) Subject() Subject { return subjectsOf(t.parts) }

func usesOf(parts []piece) (all []StepUse) {
	for _, p := range parts {
		all = append(all, p.program.uses()...)
	}
	return all
}

func subjectsOf(parts []piece) (s Subject) {
	for _, p := range parts {
		s |= p.program.subject()
	}
	return s
}

// whole returns the one expression that the text is, if it is.
func (t Text) whole() *program {
	if len(t.parts) == 1 {
		return t.parts[0].program
	}
	return nil
}

// String returns the text for a record; what has no value is empty.
func (t Text) String(v *View) (string, error) { return t.StringFunc(v, nil) }

// StringFunc is String with the value of each ${…}, but not the literal text,
// passed through escape.
func (t Text) StringFunc(v *View, escape func(string) string) (string, error) {
	if s, ok := t.Static(); ok {
		return s, v.Spend(len(s))
	}
	w := v.view.writer(escape)
	if err := t.write(w, &v.view); err != nil {
		return "", err
	}
	v.view.wrote(w)
	return string(w.buf), nil
}

// write writes the text with its values escaped.
func (t Text) write(w *writer, v *view) error {
	for _, part := range t.parts {
		if part.program == nil {
			if err := w.raw(part.literal); err != nil {
				return err
			}
			continue
		}
		s, err := part.program.text(v)
		if err != nil {
			return err
		}
		if err := w.escaped(s); err != nil {
			return err
		}
	}
	return nil
}

// value evaluates one whole ${…}.
func (p *program) value(v *view) (out ref.Val, present bool, err error) {
	out, err = p.eval(v)
	switch {
	case err == nil:
		return out, out != types.String(""), nil
	case noValue(err):
		return nil, false, nil
	default:
		return nil, false, err
	}
}

// text evaluates a ${…} within a longer text.
func (p *program) text(v *view) (string, error) {
	if n, ok := p.spelled(v); ok {
		return string(n), nil
	}
	out, present, err := p.value(v)
	if err != nil || !present {
		return "", err
	}
	return textOf(out)
}

// spelled gives the number that a path into call.raw leads to, as the vendor
// spelled it: evaluating it could cost digits.
func (p *program) spelled(v *view) (json.Number, bool) {
	if p.path == nil {
		return "", false
	}
	raw, err := v.rawValue(p.schema)
	if err != nil {
		return "", false
	}
	src, found := p.path.find(raw)
	if !found || len(src) == 0 || !strings.ContainsRune("-0123456789", rune(src[0])) {
		return "", false
	}
	return json.Number(src), true
}
