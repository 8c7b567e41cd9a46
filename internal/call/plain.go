package call

import (
	"strings"
	"unicode"
)

// Plain returns a text as one line for people: control characters and line breaks
// become single spaces, and what changes the direction of reading is left out.
func Plain(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case changesDirection(r):
			return -1
		case unicode.IsControl(r) || unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)), " ")
}

// changesDirection reports whether a character orders the ones around it anew, or
// marks the order of bytes.
func changesDirection(r rune) bool {
	switch r {
	case '\u061c', '\u200e', '\u200f', '\u202a', '\u202b', '\u202c', '\u202d', '\u202e',
		'\u2066', '\u2067', '\u2068', '\u2069', '\ufeff':
		return true
	}
	return false
}
