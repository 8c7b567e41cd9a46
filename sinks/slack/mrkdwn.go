package slack

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// maxValue bounds one value in the default message, before escaping.
const maxValue = 300

//nolint:gochecknoglobals // tables
var (
	// entities are how Slack asks to write the characters of its markup.
	entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	// lookalikes take the place of what formats a text.
	lookalikes = strings.NewReplacer("`", "'", "*", "∗", "~", "∼")
)

// escape makes a value from a call plain text for Slack: the three characters
// of its markup become entities, as Slack asks, and control characters that no
// message needs are dropped. Line breaks stay.
func escape(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return entities.Replace(s)
}

// ownValue prepares a value for configured text and blocks: one line, no markup, no
// change of the reading direction. An address within a longer value does not become
// a link; a value that is one as a whole stays one, for <${…}|…> and buttons.
func ownValue(s string) string {
	s = plaintext.Line(s)
	if call.IsWebURL(s) && !strings.Contains(s, " ") {
		return escape(strings.ReplaceAll(s, "|", "%7C"))
	}
	return strings.NewReplacer("|", "∣", "://", ":\u2060//").Replace(escape(s))
}

// value prepares a value for the default message: one line, no formatting, no
// change of the reading direction, bounded, escaped.
func value(s string) string { return escape(oneLine(s)) }

func oneLine(s string) string {
	if len(s) > 8*maxValue { // spares the work on a megabyte
		s = s[:8*maxValue]
	}
	return shorten(tamed(plaintext.Line(s)), maxValue)
}

// tamed is a line in which nothing is formatted.
func tamed(s string) string { return lookalikes.Replace(s) }

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
