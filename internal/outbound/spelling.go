package outbound

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// maxLevels bounds how often the escapes of a text are undone: a form in JSON in a
// page has three levels.
const maxLevels = 4

// view is a text with its escapes undone as often as its level says, a plus read as
// the blank that it is in forms, without line breaks, which MIME and PEM put into
// base64, and where each of its bytes came from.
type view struct {
	text  string
	level int
	// from holds for each byte of text, and for its end, the place in the original;
	// nil where both are the same.
	from []int
}

func plainView(text string) view {
	if !strings.ContainsAny(text, "\r\n") {
		return view{text: strings.ReplaceAll(text, "+", " ")}
	}
	b := viewBuilder{text: make([]byte, 0, len(text)), from: make([]int, 0, len(text)+1)}
	for i := range len(text) {
		b.add(text[i], i)
	}
	return b.view(0, len(text))
}

// viewBuilder collects the bytes of a view.
type viewBuilder struct {
	text []byte
	from []int
}

// add appends a byte as a view has it.
func (b *viewBuilder) add(c byte, origin int) {
	switch c {
	case '\r', '\n':
		return
	case '+':
		c = ' '
	}
	b.text, b.from = append(b.text, c), append(b.from, origin)
}

func (b *viewBuilder) view(level, end int) view {
	return view{text: string(b.text), level: level, from: append(b.from, end)}
}

// origin is the place in the original of a place in the view.
func (v view) origin(i int) int {
	if v.from == nil {
		return i
	}
	return v.from[i]
}

// end is the place in the original where what the view has before a place ends. Line
// breaks that follow are no part of it.
func (v view) end(i int) int {
	if i == 0 || v.from == nil || v.level > 0 {
		return v.origin(i)
	}
	return v.from[i-1] + 1
}

// unescaped undoes the escapes once more; false where there are none.
func (v view) unescaped() (view, bool) {
	if v.level == maxLevels || !strings.ContainsAny(v.text, `%\&`) {
		return view{}, false
	}
	next := viewBuilder{text: make([]byte, 0, len(v.text)), from: make([]int, 0, len(v.text)+1)}
	changed := false
	for i := 0; i < len(v.text); {
		var buffer [utf8.UTFMax]byte
		meaning, n := unescape(buffer[:0], v.text[i:])
		changed = changed || n > 1
		for _, c := range meaning {
			next.add(c, v.origin(i))
		}
		i += n
	}
	return next.view(v.level+1, v.origin(len(v.text))), changed
}

// unescape appends what the escape at the beginning of a text means and returns its
// length; where there is no escape, both are the first byte's.
func unescape(dst []byte, s string) (meaning []byte, n int) {
	switch s[0] {
	case '%': // URLs, and what the escape() of browsers writes
		if b, ok := hexByte(s, 1); ok {
			return append(dst, b), 3
		}
		if strings.HasPrefix(s, "%u") {
			if r, n := utf16Escape(s, "%u"); n > 0 {
				return utf8.AppendRune(dst, r), n
			}
		}
	case '\\':
		return unescapeBackslash(dst, s)
	case '&':
		if end := strings.IndexByte(s[:min(len(s), maxEntity)], ';'); end > 1 {
			if text := html.UnescapeString(s[:end+1]); text != s[:end+1] && len(text) <= end {
				return append(dst, text...), end + 1
			}
		}
	}
	return append(dst, s[0]), 1
}

// maxEntity is the longest entity of HTML that is looked for.
const maxEntity = 12

// unescapeBackslash reads the escapes of JSON, JavaScript, Python, Go and C.
func unescapeBackslash(dst []byte, s string) (meaning []byte, n int) {
	if len(s) < 2 {
		return append(dst, s[0]), 1
	}
	switch c := s[1]; c {
	case 'u':
		if r, n := utf16Escape(s, `\u`); n > 0 {
			return utf8.AppendRune(dst, r), n
		}
		if r, n := bracedEscape(s); n > 0 {
			return utf8.AppendRune(dst, r), n
		}
	case '0', '1', '2', '3':
		if b, err := strconv.ParseUint(s[1:min(len(s), 4)], 8, 8); err == nil && len(s) >= 4 {
			return append(dst, byte(b)), 4
		}
	case 'U':
		if r, ok := hexNumber(s, 2, 8); ok {
			return utf8.AppendRune(dst, r), 10
		}
	case 'x':
		if b, ok := hexByte(s, 2); ok {
			return append(dst, b), 4
		}
	case 'n', 't', 'r', 'b', 'f', 'v', 'a':
		if text, err := strconv.Unquote(`"` + s[:2] + `"`); err == nil {
			return append(dst, text...), 2
		}
	default:
		if c < utf8.RuneSelf && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return append(dst, c), 2
		}
	}
	return append(dst, s[0]), 1
}

// utf16Escape reads \uXXXX, or two of them for what lies beyond 16 bits. The length
// is 0 where there is none.
func utf16Escape(s, mark string) (r rune, n int) {
	n = len(mark) + 4
	high, ok := hexNumber(s, len(mark), 4)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(high) && strings.HasPrefix(s[n:], mark) {
		if low, ok := hexNumber(s, n+len(mark), 4); ok {
			return utf16.DecodeRune(high, low), 2 * n
		}
	}
	return high, n
}

// bracedEscape reads \u{X}, of up to six digits. The length is 0 where there is none.
func bracedEscape(s string) (r rune, n int) {
	const digits = 6
	inside, found := strings.CutPrefix(s, `\u{`)
	inside = inside[:min(len(inside), digits+1)]
	end := strings.IndexByte(inside, '}')
	if !found || end < 1 {
		return 0, 0
	}
	if r, found = hexNumber(inside, 0, end); !found {
		return 0, 0
	}
	return r, len(`\u{}`) + end
}

// hexNumber reads so many hexadecimal digits at a place of a text.
func hexNumber(s string, at, digits int) (r rune, ok bool) {
	if len(s) < at+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[at:at+digits], 16, 32)
	return rune(n), err == nil //nolint:gosec // G115: of eight digits as of four only those of a character are one
}

// hexByte reads two hexadecimal digits at a place of a text.
func hexByte(s string, at int) (byte, bool) {
	r, ok := hexNumber(s, at, 2)
	return byte(r), ok //nolint:gosec // G115: of two digits
}

// halfEscape is an escape that a bound cut in two.
var halfEscape = regexp.MustCompile(`(%([0-9a-fA-F]?|u[0-9a-fA-F]{0,3})|\\(u[0-9a-fA-F]{0,3}|u\{[0-9a-fA-F]{0,6}|U[0-9a-fA-F]{0,7}|x[0-9a-fA-F]?|[0-3][0-7]?)?|&[#0-9a-zA-Z]{0,10})$`)

func withoutHalfEscape(text string) string {
	tail := max(0, len(text)-maxEntity)
	if at := halfEscape.FindStringIndex(text[tail:]); at != nil {
		return text[:tail+at[0]]
	}
	return text
}

// needles are the texts by which a secret is found in a view: itself at each level,
// because it may hold escapes of its own, and what base64 makes of it.
func needles(secret string) []string {
	if len(secret) < minNeedle {
		return nil
	}
	all := []string{plainView(plaintext.Blank(secret)).text} // with blanks for its line breaks
	for v, more := plainView(secret), true; more; v, more = v.unescaped() {
		all = append(all, v.text, plainView(plaintext.Blank(v.text)).text)
	}
	for _, packed := range []string{secret, escapeJSON(secret), url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret)} {
		for _, form := range base64Forms(packed) {
			all = append(all, plainView(form).text)
		}
	}
	return slices.Compact(all)
}

func escapeJSON(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(b[1 : len(b)-1])
}

// base64Forms are the encodings of the text by itself and those of it inside a
// longer one (`user:password`), where it may begin at any of three offsets.
func base64Forms(text string) []string {
	var all []string
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for offset := range 3 {
			encoded := e.EncodeToString(append(make([]byte, offset), text...))
			first := (offset*8 + 5) / 6          // the first character that is the text's alone
			last := (offset + len(text)) * 8 / 6 // the last one, likewise
			all = append(all, encoded[first:last])
		}
		all = append(all, e.EncodeToString([]byte(text)))
	}
	return all
}
