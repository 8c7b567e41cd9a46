package plaintext

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns a text as one line: control characters and white space become single
// spaces, and what turns the direction of reading is left out.
func Line(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		case turns(r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(text, "\uFFFD"))), " ")
}

// Blank returns a text in which each character that a terminal would obey is a space,
// line breaks too: what else it holds keeps its place.
func Blank(text string) string { return replace(text, ' ', "") }

// Terminal returns a text of several lines for a terminal: line breaks and tabs stay,
// any other character that the terminal would obey becomes U+FFFD.
func Terminal(text string) string { return replace(text, '\uFFFD', "\n\t") }

// JSON returns a JSON text that is fit for a terminal and means the same: what the
// terminal would obey is escaped, and what is not text is U+FFFD.
func JSON(text []byte) []byte {
	if utf8.Valid(text) && !bytes.ContainsFunc(text, obeyed) {
		return text
	}
	var out []byte
	for _, r := range string(text) {
		if obeyed(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// obeyed are the characters that JSON allows in a string and a terminal obeys.
func obeyed(r rune) bool { return r >= ' ' && (unicode.IsControl(r) || turns(r)) }

func replace(text string, with rune, kept string) string {
	return strings.Map(func(r rune) rune {
		if (unicode.IsControl(r) || turns(r)) && !strings.ContainsRune(kept, r) {
			return with
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// turns reports whether a character turns the direction of reading, ends a line
// although Unicode does not call it a control, or marks the order of bytes.
func turns(r rune) bool {
	return r > unicode.MaxLatin1 && (unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '\ufeff')
}
