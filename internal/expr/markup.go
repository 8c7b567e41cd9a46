package expr

import (
	"html"
	"strconv"
	"strings"
	"unicode"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// maxEscape is how many bytes one byte of a text becomes at most.
const maxEscape = 6

// markups are the escapings of texts, by the name of the markup.
type markups map[string]func(string) string

// slackMarkup writes the characters of Slack's markup as entities, those that format
// and separate as ones that look alike, and takes bare addresses apart.
//
//nolint:gochecknoglobals // a table
var slackMarkup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "∣",
	"`", "'", "*", "∗", "~", "∼", "://", ":\u2060//")

// EscapeSlack is escape(s, "slack"): one line in which Slack sees no markup and no
// link.
func EscapeSlack(s string) string { return slackMarkup.Replace(plaintext.Line(s)) }

// newMarkups makes them all. Those of chats make one plain line of the text first:
// no line break, control character or change of direction takes part in their
// layout.
func newMarkups() markups {
	quoted := strings.NewReplacer("\\", "\\\\", "'", "\\'", "\"", "\\\"",
		"\n", "\\n", "\r", "\\r", "\t", "\\t", "\b", "\\b", "\f", "\\f").Replace
	dingtalk := backslashes("\\`*_{}[]-()#!>")
	return markups{
		"slack":     EscapeSlack,
		"html":      func(s string) string { return html.EscapeString(printable(s)) },
		"lark":      chat(entities("&*~[]()#<>_$`!")),
		"discord":   chat(backslashes("\\*_~>#-[]()|`<@:")),
		"dingtalk":  chat(func(s string) string { return strings.ReplaceAll(dingtalk(s), "<", "＜") }),
		"fullwidth": chat(fullWidth("<>[]()*#`@")),
		"code":      chat(strings.NewReplacer("`", "'").Replace),
		"soql":      quoted,
		"coql":      quoted,
		"sosl":      backslashes("\\?&|!{}[]()^~*:\"'+-"),
	}
}

func chat(escape func(string) string) func(string) string {
	return func(s string) string { return escape(plaintext.Line(s)) }
}

// printable drops control characters but line breaks and tabs.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// backslashes puts one before each of the characters.
func backslashes(characters string) func(string) string {
	return replacer(characters, func(r rune) string { return "\\" + string(r) })
}

// entities writes the characters as numeric entities.
func entities(characters string) func(string) string {
	return replacer(characters, func(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" })
}

// fullWidth writes the characters of ASCII in their full-width form, which no
// markup knows.
func fullWidth(characters string) func(string) string {
	return replacer(characters, func(r rune) string { return string(r - '!' + '！') })
}

func replacer(characters string, as func(rune) string) func(string) string {
	var pairs []string
	for _, r := range characters {
		pairs = append(pairs, string(r), as(r))
	}
	return strings.NewReplacer(pairs...).Replace
}
