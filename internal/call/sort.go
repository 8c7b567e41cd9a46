package call

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// quickMembers and quickDepth bound what a sorter takes: more than any known
	// callback has, and little enough for the stack.
	quickMembers = 64
	quickDepth   = 8
)

// sortedQuickly writes a text as sorted does, in a fraction of the time, where the
// text is as callbacks are: compact, small, not deep, its names without escapes and
// each of them once. It leaves any other text to sorted, also what is not JSON.
func sortedQuickly(text []byte) (sorted []byte, ok bool) {
	if !utf8.Valid(text) {
		return nil, false
	}
	s := sorter{in: text}
	out, ok := s.value(make([]byte, 0, len(text)+64), 0) // a little may be escaped
	return out, ok && s.pos == len(s.in)
}

// sorter reads a text once. Its methods append to the output that they are given,
// and say whether they could.
type sorter struct {
	in      []byte
	pos     int
	members [quickMembers]sortMember // of all objects around pos, the outermost first
	used    int
	scratch []byte // for one step at a time
}

// sortMember is where a key, without its quotes, stands in the input, and key and
// value in the output.
type sortMember struct{ key, keyEnd, begin, end int }

// peek is the next byte, 0 at the end; a NUL begins no token.
func (s *sorter) peek() byte {
	if s.pos < len(s.in) {
		return s.in[s.pos]
	}
	return 0
}

// take moves a byte to the output if it is the next one.
func (s *sorter) take(out []byte, c byte) ([]byte, bool) {
	if s.peek() != c {
		return out, false
	}
	s.pos++
	return append(out, c), true
}

func (s *sorter) value(out []byte, depth int) ([]byte, bool) {
	switch s.peek() {
	case '"':
		return s.text(out)
	case '{':
		return s.object(out, depth+1)
	case '[':
		return s.array(out, depth+1)
	}
	begin := s.pos
	for s.pos < len(s.in) && !endsScalar(s.in[s.pos]) {
		s.pos++
	}
	scalar := s.in[begin:s.pos]
	return append(out, scalar...), isLiteral(scalar) || isNumber(scalar)
}

func endsScalar(c byte) bool { return c == ',' || c == '}' || c == ']' }

func (s *sorter) array(out []byte, depth int) ([]byte, bool) {
	out, _ = s.take(out, '[')
	out, done := s.take(out, ']')
	ok := depth <= quickDepth
	for ok && !done {
		if out, ok = s.value(out, depth); !ok {
			break
		}
		if out, done = s.take(out, ']'); !done {
			out, ok = s.take(out, ',')
		}
	}
	return out, ok
}

func (s *sorter) object(out []byte, depth int) ([]byte, bool) {
	out, _ = s.take(out, '{')
	out, done := s.take(out, '}')
	ok := depth <= quickDepth
	first, inOrder := s.used, true
	for ok && !done {
		last := s.used
		if out, ok = s.member(out, depth); !ok {
			break
		}
		place, unique := s.insert(first)
		inOrder = inOrder && place == last
		if out, done = s.take(out, '}'); !done {
			out, ok = s.take(out, ',')
		}
		ok = ok && unique
	}
	if ok && !inOrder {
		s.rearrange(out, s.members[first:s.used])
	}
	s.used = first
	return out, ok
}

// member reads a key and its value, and notes it behind the others.
func (s *sorter) member(out []byte, depth int) ([]byte, bool) {
	m := sortMember{key: s.pos + 1, begin: len(out)}
	if s.peek() != '"' {
		return out, false
	}
	out, ok := s.text(out)
	if m.keyEnd = s.pos - 1; !ok || bytes.IndexByte(s.key(m), '\\') >= 0 {
		return out, false
	}
	if out, ok = s.take(out, ':'); !ok {
		return out, false
	}
	out, ok = s.value(out, depth)
	if m.end = len(out); !ok || s.used == quickMembers {
		return out, false
	}
	s.members[s.used] = m
	s.used++
	return out, true
}

func (s *sorter) key(m sortMember) []byte { return s.in[m.key:m.keyEnd] }

// insert moves the last member to its place among those from first on. It is not
// unique where a key stands there twice.
func (s *sorter) insert(first int) (place int, unique bool) {
	place = s.used - 1
	m := s.members[place]
	for ; place > first; place-- {
		before := s.members[place-1]
		switch order := bytes.Compare(s.key(before), s.key(m)); {
		case order == 0:
			return place, false
		case order < 0:
			s.members[place] = m
			return place, true
		}
		s.members[place] = before
	}
	s.members[place] = m
	return place, true
}

// rearrange puts the members of an object, which ends out but for its brace, in
// their order.
func (s *sorter) rearrange(out []byte, members []sortMember) {
	begin := len(out)
	for _, m := range members {
		begin = min(begin, m.begin)
	}
	sorted := slices.Grow(s.scratch[:0], len(out)-begin)
	for i, m := range members {
		if i > 0 {
			sorted = append(sorted, ',')
		}
		sorted = append(sorted, out[m.begin:m.end]...)
	}
	copy(out[begin:], sorted)
	s.scratch = sorted
}

// text reads a string and spells it as encoding/json does, with its escapes for
// HTML: content hashes stay what they have always been.
func (s *sorter) text(out []byte) ([]byte, bool) {
	escapes, markedUp := false, false
	for at := s.pos + 1; at < len(s.in); at++ {
		switch c := s.in[at]; {
		case c == '"':
			token := s.in[s.pos : at+1]
			s.pos = at + 1
			return s.spell(out, token, escapes, markedUp)
		case c == '\\':
			escapes = true
			at++
		case c < ' ':
			return out, false
		case c < '@' && markup>>c&1 != 0, c == separators:
			markedUp = true
		}
	}
	return out, false
}

func (s *sorter) spell(out, token []byte, escapes, markedUp bool) ([]byte, bool) {
	switch {
	case escapes:
		var err error
		s.scratch, err = jsontext.AppendUnquote(s.scratch[:0], token)
		return appendSpelled(out, s.scratch, special|markup), err == nil
	case markedUp:
		return appendRaw(out, token), true
	}
	return append(out, token...), true
}

func isLiteral(text []byte) bool {
	return string(text) == "true" || string(text) == "false" || string(text) == "null"
}

// isNumber knows the numbers of JSON.
func isNumber(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("-"))
	whole, rest := cutDigits(text)
	if whole == 0 || whole > 1 && text[0] == '0' {
		return false
	}
	if len(rest) > 0 && rest[0] == '.' {
		var fraction int
		if fraction, rest = cutDigits(rest[1:]); fraction == 0 {
			return false
		}
	}
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		var exponent int
		if exponent, rest = cutDigits(rest); exponent == 0 {
			return false
		}
	}
	return len(rest) == 0
}

// cutDigits counts the digits at the beginning and gives what follows them.
func cutDigits(text []byte) (n int, rest []byte) {
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n, text[n:]
}
