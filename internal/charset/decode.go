package charset

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// Text is what bytes say.
type Text struct {
	// UTF8 is valid UTF-8.
	UTF8 []byte
	// Replaced says that bytes were not valid in the character set. They are
	// U+FFFD in UTF8.
	Replaced bool
	// Exact is nil where UTF8 says it all. Else it is valid UTF-8 too, with each
	// replaced byte as a private character of its own, so that different bytes
	// have different exact texts.
	Exact []byte
}

const (
	// firstPrivate represents the byte 0 in an exact text, the rune behind it for
	// the byte 1, and so on: the last 256 characters of Unicode, which are private.
	firstPrivate = utf8.MaxRune - 0xFF
	// privatePrefix begins each of them, and a few others.
	privatePrefix = "\xF4\x8F"

	replacement   = "\uFFFD"
	byteOrderMark = "\xEF\xBB\xBF"

	// longestSequence is more bytes than any character set needs for a character
	// or an escape sequence.
	longestSequence = 8
)

// Decode reads bytes. A byte order mark is dropped, and overrules the character
// set. The text may share memory with the bytes, which it leaves as they are.
func (c Charset) Decode(b []byte) Text {
	if bytes.HasPrefix(b, []byte(byteOrderMark)) {
		return decodeUTF8(b[len(byteOrderMark):])
	}
	if wide, ok := UTF16(b); ok {
		c = wide
	}
	if c.enc == nil {
		return decodeUTF8(b)
	}
	text, err := c.enc.NewDecoder().Bytes(b)
	if err == nil && !bytes.Contains(text, []byte(replacement)) && !bytes.Contains(text, []byte(privatePrefix)) {
		return Text{UTF8: text}
	}
	return c.decodeInSteps(b)
}

// decodeUTF8 takes private characters that are in the text for invalid bytes,
// because they must not look like those.
func decodeUTF8(b []byte) Text {
	if utf8.Valid(b) && !bytes.Contains(b, []byte(privatePrefix)) {
		return Text{UTF8: b}
	}
	t := Text{UTF8: b, Replaced: !utf8.Valid(b)}
	if t.Replaced {
		t.UTF8 = bytes.ToValidUTF8(b, []byte(replacement))
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			t.Exact = appendExact(t.Exact, b[:1])
		} else {
			t.keep(b[:size], b[:size])
		}
		b = b[size:]
	}
	return t
}

// keep adds decoded characters to the exact text, or the bytes that they come
// from where the characters do not say exactly what those were.
func (t *Text) keep(decoded, from []byte) {
	if bytes.Contains(decoded, []byte(privatePrefix)) || bytes.Contains(decoded, []byte(replacement)) {
		t.Exact = appendExact(t.Exact, from)
	} else {
		t.Exact = append(t.Exact, decoded...)
	}
}

func appendExact(text, b []byte) []byte {
	for _, c := range b {
		text = utf8.AppendRune(text, firstPrivate+rune(c))
	}
	return text
}

// decodeInSteps decodes one character after another to learn which bytes were
// replaced.
func (c Charset) decodeInSteps(b []byte) Text {
	var t Text
	var decoded [4 * longestSequence]byte
	decoder := c.enc.NewDecoder()
	for len(b) > 0 {
		n, size := step(decoder, decoded[:], b)
		t.UTF8 = append(t.UTF8, decoded[:n]...)
		t.keep(decoded[:n], b[:size])
		b = b[size:]
	}
	t.Replaced = bytes.Contains(t.UTF8, []byte(replacement))
	return t
}

// step decodes the shortest sequence that the bytes begin with: size bytes, which
// become n bytes of text. Room for a single replacement keeps a decoder from taking
// the ASCII character behind an invalid byte, such as a quote, in the same step.
func step(decoder transform.Transformer, text, b []byte) (n, size int) {
	for length := 1; length <= min(len(b), longestSequence); length++ {
		var err error
		n, size, err = decoder.Transform(text[:len(replacement)], b[:length], length == len(b))
		if size == 0 && errors.Is(err, transform.ErrShortDst) {
			n, size, _ = decoder.Transform(text, b[:length], length == len(b))
		}
		if size > 0 {
			return n, size
		}
	}
	return copy(text, replacement), 1
}
