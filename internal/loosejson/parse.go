package loosejson

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

const (
	// MaxBytes is the longest text that Parse takes: what a callback of 1 MiB in any
	// character set may need as UTF-8.
	MaxBytes = 3 << 20
	// MaxDepth is how deeply objects and arrays may be nested.
	MaxDepth = 64
)

// usualMembers is a little more than any known callback has.
const usualMembers = 32

// Parse reads a body that holds exactly one JSON object. The errors are
// *SyntaxError, *NotObjectError, ErrNotUTF8 and ErrTooLarge. The Object shares no memory
// with the body.
func Parse(body []byte) (*Object, error) {
	if len(body) > MaxBytes {
		return nil, ErrTooLarge
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		return nil, ErrNotUTF8
	}
	o := &Object{}
	p := parser{in: body, out: make([]byte, 0, len(body)), members: o.usual[:0]}
	if err := p.document(); err != nil {
		return nil, err
	}
	if p.out[0] != '{' {
		return nil, &NotObjectError{Found: kindOf(p.out[0])}
	}
	o.raw = slices.Clip(p.out)
	p.decodeNames()
	o.text, o.members = string(p.out), p.members
	return o, nil
}

// member is where a key (with its quotes, until names are decoded) and its value
// stand in the output.
type member struct{ key, keyEnd, value, end int32 }

// decodeNames puts names that are spelled with escapes once more, decoded, behind
// the text.
func (p *parser) decodeNames() {
	for i := range p.members {
		m := &p.members[i]
		m.key, m.keyEnd = m.key+1, m.keyEnd-1
		if name := p.out[m.key:m.keyEnd]; bytes.IndexByte(name, '\\') >= 0 {
			decoded := unquote(string(p.out[m.key-1 : m.keyEnd+1]))
			m.key = p.place()
			p.out = append(p.out, decoded...)
			m.keyEnd = p.place()
		}
	}
}

// parser validates the input, writes it without white space to out and notes the
// members of the outermost object, all in one pass.
type parser struct {
	in      []byte
	pos     int
	out     []byte
	members []member
}

func (p *parser) document() error {
	p.space()
	if err := p.value(1, "expected a JSON object"); err != nil {
		return err
	}
	p.space()
	if p.pos < len(p.in) {
		return p.fail("expected nothing after the JSON value")
	}
	return nil
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end. A NUL in the text starts no token, so the
// two need not be told apart.
func (p *parser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

// take moves the next byte to the output.
func (p *parser) take() {
	p.out = append(p.out, p.in[p.pos])
	p.pos++
}

// value reads any value; depth is the level that an object or array there has.
func (p *parser) value(depth int, expected string) error {
	switch c := p.peek(); {
	case c == '"':
		return p.str()
	case c == '{' || c == '[':
		if depth > MaxDepth {
			return p.failDepth()
		}
		if c == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case c == '-' || isDigit(c):
		return p.number()
	case c == 't':
		return p.literal("true")
	case c == 'f':
		return p.literal("false")
	case c == 'n':
		return p.literal("null")
	}
	return p.fail(expected)
}

func (p *parser) object(depth int) error {
	p.take()
	p.space()
	if p.peek() == '}' {
		p.take()
		return nil
	}
	for {
		m, err := p.member(depth)
		if err != nil {
			return err
		}
		if depth == 1 {
			p.members = append(p.members, m)
		}
		p.space()
		switch p.peek() {
		case ',':
			p.take()
			p.space()
		case '}':
			p.take()
			return nil
		default:
			return p.fail(`expected "," or "}" after the value of ` + p.keyOf(m))
		}
	}
}

func (p *parser) member(depth int) (member, error) {
	m := member{key: p.place()}
	if p.peek() != '"' {
		return m, p.fail("expected a key in double quotes")
	}
	if err := p.str(); err != nil {
		return m, err
	}
	m.keyEnd = p.place()
	p.space()
	if p.peek() != ':' {
		return m, p.fail(`expected ":" after the key ` + p.keyOf(m))
	}
	p.take()
	p.space()
	m.value = p.place()
	err := p.value(depth+1, "expected a value")
	m.end = p.place()
	return m, err
}

// place is where the output ends. It is at most twice as long as the body, because
// it may have names twice.
func (p *parser) place() int32 { return int32(len(p.out)) } //nolint:gosec // G115: see above

func (p *parser) keyOf(m member) string { return quote(string(p.out[m.key:m.keyEnd])) }

func (p *parser) array(depth int) error {
	p.take()
	p.space()
	if p.peek() == ']' {
		p.take()
		return nil
	}
	for {
		if err := p.value(depth+1, "expected a value"); err != nil {
			return err
		}
		p.space()
		switch p.peek() {
		case ',':
			p.take()
			p.space()
		case ']':
			p.take()
			return nil
		default:
			return p.fail(`expected "," or "]" in a list`)
		}
	}
}
