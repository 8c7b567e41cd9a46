package call

import "unicode/utf8"

const (
	// markup are the bytes that encoding/json escapes for HTML, as bits. Only the
	// hash of a content spells them so. separators is the first byte of the two
	// characters that it escapes for JavaScript, U+2028 and U+2029.
	markup     = 1<<'<' | 1<<'>' | 1<<'&'
	separators = 0xE2
	// special are the bytes below '@' that JSON escapes in a string.
	special = 1<<'"' | 1<<' ' - 1

	hexDigits = "0123456789abcdef"
)

// appendText writes a string as encoding/json does without escapes for HTML.
func appendText[text string | []byte](b []byte, s text) []byte { return appendSpelled(b, s, special) }

// appendSpelled writes a string and escapes the given bytes below '@', a
// backslash, the separators and what is not UTF-8.
func appendSpelled[text string | []byte](b []byte, s text, escape uint64) []byte {
	b = append(b, '"')
	done := 0 // what stands before it is written
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		switch {
		case c < '@' && escape>>c&1 == 0, c >= '@' && c < utf8.RuneSelf && c != '\\':
			i++
			continue
		case c >= utf8.RuneSelf:
			var r rune
			// A conversion of so few bytes allocates nothing.
			if r, size = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))])); !escaped(r, size) {
				i += size
				continue
			}
			b = appendEscapedRune(append(b, s[done:i]...), r)
		default:
			b = appendEscaped(append(b, s[done:i]...), c)
		}
		i += size
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

// escaped tells the runes beyond ASCII that do not stand for themselves: those two
// and bytes that are no UTF-8.
func escaped(r rune, size int) bool {
	return r == '\u2028' || r == '\u2029' || r == utf8.RuneError && size == 1
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, `\b`...)
	case '\f':
		return append(b, `\f`...)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
}

func appendEscapedRune(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&0xF], hexDigits[r>>4&0xF], hexDigits[r&0xF])
}

// appendRaw writes compact JSON as it is, except that it escapes what is dangerous
// in HTML and JavaScript. The hash of a content is over this spelling.
func appendRaw(b, text []byte) []byte {
	done := 0
	for i, c := range text {
		switch {
		case c < '@' && markup>>c&1 != 0:
			b = appendEscaped(append(b, text[done:i]...), c)
			done = i + 1
		case c == separators:
			r, size := utf8.DecodeRune(text[i:])
			if r == '\u2028' || r == '\u2029' {
				b = appendEscapedRune(append(b, text[done:i]...), r)
				done = i + size
			}
		}
	}
	return append(b, text[done:]...)
}
