package phone

import (
	"strings"
	"unicode"
)

// fullWidth is how far the full-width forms of East Asia are from their ASCII
// characters.
const fullWidth = '！' - '!'

// Clean returns a text as its sender meant it: full-width forms as ASCII, one kind of
// space and hyphen, and nothing invisible such as bidirectional marks.
func Clean(text string) string {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			text = strings.Map(cleanRune, text)
			break
		}
	}
	return strings.TrimSpace(text)
}

func cleanRune(r rune) rune {
	switch {
	case r < ' ', r == 0x7F:
		return ' '
	case r <= '~':
		return r
	case r >= '！' && r <= '～':
		return r - fullWidth
	case r >= '‐' && r <= '―', r == '−':
		return '-'
	case unicode.Is(unicode.Cf, r):
		return -1
	case unicode.IsSpace(r):
		return ' '
	}
	return r
}

// address returns what is between the brackets of a name-addr (RFC 3261), such as
// "Bob" <sip:bob@example.com>;tag=1, and any other text as it is.
func address(text string) string {
	open := strings.LastIndexByte(text, '<')
	if open < 0 {
		return text
	}
	inside, _, closed := strings.Cut(text[open+1:], ">")
	if !closed {
		return text
	}
	return strings.TrimSpace(inside)
}

// whole takes the fraction away from a number that somebody took for a decimal one.
func whole(number string) string {
	digits, zeros, ok := strings.Cut(number, ".")
	if ok && zeros != "" && strings.Trim(zeros, "0") == "" && strings.Trim(strings.TrimPrefix(digits, "+"), "0123456789") == "" {
		return digits
	}
	return number
}

// parameter returns the value of a parameter of a URI, such as ext.
func parameter(params, name string) string {
	for param := range strings.SplitSeq(params, ";") {
		if key, value, _ := strings.Cut(param, "="); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
