package secret

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// wellFormed refuses what is never meant as part of a secret and what no header
// can carry. Its errors name the place and hold nothing of the text.
func wellFormed(n *yaml.Node, place, text string) error {
	switch {
	case strings.HasPrefix(text, "\ufeff"), strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return at(n, "%s begins with a byte order mark (BOM): save it as UTF-8 without one", place)
	case quoted(text):
		return at(n, "%s has quotes around it, which would be part of the secret: remove them", place)
	case strings.ContainsAny(text, "\r\n"):
		return at(n, "%s has several lines: a secret is one line", place)
	case !utf8.ValidString(text), strings.ContainsFunc(text, unicode.IsControl):
		return at(n, "%s holds a control character, or bytes that are not UTF-8", place)
	}
	return nil
}

// quoted reports whether one pair of quotes surrounds a text.
func quoted(text string) bool {
	for _, pair := range []string{`""`, `''`, "``", "“”", "‘’"} {
		first, size := utf8.DecodeRuneInString(pair)
		inner, opens := strings.CutPrefix(text, string(first))
		if opens && strings.HasSuffix(inner, pair[size:]) {
			return true
		}
	}
	return false
}
