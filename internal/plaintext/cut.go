package plaintext

import (
	"strings"
	"unicode/utf8"
)

// Ellipsis ends a text that was clipped.
const Ellipsis = "…"

// Cut returns the beginning of a text, at most n bytes of whole characters, for what
// is stored. Bytes that are no text are left out.
func Cut(text string, n int) string {
	return strings.ToValidUTF8(text[:Boundary(text, n)], "")
}

// Boundary returns where to cut a text so that at most n bytes and no half of a
// character come before it. Bytes that are no text are cut anywhere.
func Boundary(text string, n int) int {
	if n >= len(text) {
		return len(text)
	}
	for i := n; i > 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			return i
		}
	}
	return max(n, 0)
}

// Clip returns a text of at most n bytes, for what is shown: one that is longer ends
// with an ellipsis. Where there is no room for that, it is cut.
func Clip(text string, n int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	switch {
	case len(text) <= n:
		return text
	case n < len(Ellipsis):
		return Cut(text, n)
	default:
		return Cut(text, n-len(Ellipsis)) + Ellipsis
	}
}

// ClipRunes is Clip with a bound in characters.
func ClipRunes(text string, n int) string {
	if len(text) <= n || utf8.RuneCountInString(text) <= n {
		return text
	}
	if n <= 0 {
		return ""
	}
	at := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return text[:at] + Ellipsis
}
