package loosejson

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ErrTooLarge is the error of a body longer than MaxBytes.
var ErrTooLarge = errors.New("the body is longer than " + strconv.Itoa(MaxBytes) + " bytes")

// ErrNotUTF8 is the error of a body that nobody decoded to UTF-8.
var ErrNotUTF8 = errors.New("the body is not UTF-8")

// SyntaxError is the error of a body that is not JSON.
type SyntaxError struct {
	// Line and Column, counted from 1 and in characters, say where.
	Line, Column int
	// Problem says what was expected there and what was found.
	Problem string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON: line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// NotObjectError is the error of a body that is JSON, but no object.
type NotObjectError struct {
	// Found names what it is, such as "a list".
	Found string
}

func (e *NotObjectError) Error() string { return "expected a JSON object, found " + e.Found }

// fail makes the error for the byte at the current position.
func (p *parser) fail(expected string) error {
	return p.failAt(p.pos, expected, p.found())
}

func (p *parser) failDepth() error {
	return p.failAt(p.pos, fmt.Sprintf("expected at most %d levels", MaxDepth), "one more")
}

func (p *parser) failAt(pos int, expected, found string) error {
	before := p.in[:pos]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:    bytes.Count(before, []byte("\n")) + 1,
		Column:  utf8.RuneCount(before[lineStart:]) + 1,
		Problem: expected + ", found " + found,
	}
}

func (p *parser) found() string {
	if p.pos >= len(p.in) {
		return "the end"
	}
	r, _ := utf8.DecodeRune(p.in[p.pos:])
	return strconv.QuoteRune(r)
}

// kindOf names a JSON value by its first byte.
func kindOf(first byte) string {
	kinds := map[byte]string{'{': "an object", '[': "a list", '"': "a string", 't': "a boolean", 'f': "a boolean", 'n': "null"}
	return cmp.Or(kinds[first], "a number")
}

// clipped is how much of a vendor's text a message quotes, with the ellipsis.
const clipped = 41
