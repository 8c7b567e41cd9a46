package slack

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// maxValue bounds one value in the default message, before escaping.
const maxValue = 300

// value prepares a value for the default message: one line, bounded before it is
// escaped.
func value(s string) string { return expr.EscapeSlack(oneLine(s)) }

func oneLine(s string) string {
	if len(s) > 8*maxValue { // spares the work on a megabyte
		s = s[:8*maxValue]
	}
	return shorten(plaintext.Line(s), maxValue)
}

// linkTarget is the address of a link that the configuration makes of a value, as in
// <${call.recording.url}|Listen>: no "<" of a value is left unescaped.
var linkTarget = regexp.MustCompile(`<https?:\x{2060}//[^|>]*`)

// linked makes such addresses whole again; every other one stays plain text.
func linked(s string) string { return linkTarget.ReplaceAllStringFunc(s, address) }

// address undoes in an address what EscapeSlack does to the text of one; entities
// stay.
func address(s string) string {
	return strings.NewReplacer(":\u2060//", "://", "∣", "%7C", "∗", "*", "∼", "~").Replace(s)
}

// unescape undoes the entities.
func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// linkedTree is linked for all texts below a block. What is under a key such as
// url and image_url is an address, which Slack takes literally.
func linkedTree(tree any) any {
	switch t := tree.(type) {
	case string:
		return linked(t)
	case []any:
		for i, item := range t {
			t[i] = linkedTree(item)
		}
	case object:
		for key, item := range t {
			if text, ok := item.(string); ok && (key == "url" || strings.HasSuffix(key, "_url")) {
				t[key] = unescape(address(text))
				continue
			}
			t[key] = linkedTree(item)
		}
	}
	return tree
}

// units counts UTF-16 units.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += width(r)
	}
	return n
}

func width(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// shorten cuts a text to at most limit units, the ellipsis included, without
// cutting an entity (`&amp;`) or a markup token (`<url|text>`) in half.
func shorten(s string, limit int) string {
	if len(s) <= limit || units(s) <= limit {
		return s
	}
	at, n := 0, 0
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		if n += width(r); n > limit-1 {
			break
		}
		at += size
	}
	return s[:wholeUntil(s, at)] + plaintext.Ellipsis
}

// wholeUntil moves a cut to before the entity or token that it would split.
func wholeUntil(s string, at int) int {
	if i := strings.LastIndexByte(s[:at], '&'); i >= 0 && splitsEntity(s[i:], at-i) {
		at = i
	}
	open, closed := strings.LastIndexByte(s[:at], '<'), strings.LastIndexByte(s[:at], '>')
	if open > closed {
		// A token only if it is closed behind the cut before another one opens.
		if end := strings.IndexAny(s[at:], "<>"); end >= 0 && s[at+end] == '>' {
			at = open
		}
	}
	return at
}

func splitsEntity(s string, at int) bool {
	return slices.ContainsFunc([]string{"&amp;", "&lt;", "&gt;"}, func(entity string) bool {
		return strings.HasPrefix(s, entity) && at < len(entity)
	})
}
