package expr

import (
	"slices"
	"strings"
)

// segment is a run of literal text or the source of one ${…}.
type segment struct {
	text   string // the literal text, or the expression between the braces
	isExpr bool
	offset int // where text begins, in bytes; for an expression only
}

// split cuts a template into literal text and expressions. $${ is a literal ${.
func split(src string) ([]segment, error) {
	var segments []segment
	var literal strings.Builder
	for i := 0; i < len(src); {
		switch rest := src[i:]; {
		case strings.HasPrefix(rest, "$${"):
			literal.WriteString("${")
			i += len("$${")
		case strings.HasPrefix(rest, "${"):
			begin := i + len("${")
			length, ok := expressionEnd(src[begin:])
			if !ok {
				return nil, faultAt(src, i, "the ${ has no closing }: close it, or write $${ for a literal ${")
			}
			if literal.Len() > 0 {
				segments = append(segments, segment{text: literal.String()})
				literal.Reset()
			}
			segments = append(segments, segment{text: src[begin : begin+length], isExpr: true, offset: begin})
			i = begin + length + 1
		default:
			literal.WriteByte(src[i])
			i++
		}
	}
	if literal.Len() > 0 {
		segments = append(segments, segment{text: literal.String()})
	}
	return segments, nil
}

// expressionEnd gives the length of the CEL expression up to the } that closes
// the template: braces nest, and those in strings and comments do not count.
func expressionEnd(src string) (int, bool) {
	depth := 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i, true
		case c == '}':
			depth--
		case c == '"' || c == '\'':
			n, ok := stringEnd(src[i:], isRaw(src[:i]))
			if !ok {
				return 0, false
			}
			i += n - 1
		case strings.HasPrefix(src[i:], "//"):
			n := strings.IndexByte(src[i:], '\n')
			if n < 0 {
				return 0, false
			}
			i += n
		}
	}
	return 0, false
}

// isRaw tells whether the letters right before a quote make the string raw: r,
// br or rb, in any case, that do not end a longer name.
func isRaw(before string) bool {
	n := len(before)
	for n > 0 && isWord(before[n-1]) {
		n--
	}
	return slices.Contains([]string{"r", "br", "rb"}, strings.ToLower(before[n:]))
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// stringEnd gives the length of the string literal that src begins with.
func stringEnd(src string, raw bool) (int, bool) {
	quote := src[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(src, triple) {
		quote = triple
	}
	for i := len(quote); i < len(src); i++ {
		if src[i] == '\\' && !raw {
			i++
			continue
		}
		if strings.HasPrefix(src[i:], quote) {
			return i + len(quote), true
		}
	}
	return 0, false
}

// faultAt makes the error of one fault at an offset in a text.
func faultAt(src string, offset int, text string) faults {
	line, column := position(src, offset)
	return faults{{line: line, column: column, text: text}}
}

// position gives line and column, in characters from 1, of an offset.
func position(src string, offset int) (line, column int) {
	before := src[:offset]
	line = strings.Count(before, "\n") + 1
	return line, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
}
