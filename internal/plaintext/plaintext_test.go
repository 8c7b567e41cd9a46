package plaintext_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

func TestCutting(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(string, int) string
		text string
		n    int
		want string
	}{
		{"cut, short", plaintext.Cut, "abc", 3, "abc"},
		{"cut", plaintext.Cut, "abcd", 3, "abc"},
		{"cut before a character", plaintext.Cut, "ab好", 4, "ab"},
		{"cut after a character", plaintext.Cut, "ab好c", 5, "ab好"},
		{"cut to nothing", plaintext.Cut, "好", 0, ""},
		{"cut below nothing", plaintext.Cut, "a", -1, ""},
		{"cut what is no text", plaintext.Cut, "a\xffb\xff", 3, "ab"},
		{"cut continuation bytes", plaintext.Cut, strings.Repeat("\x80", 9), 7, ""},
		{"clip, short", plaintext.Clip, "ééé", 6, "ééé"},
		{"clip", plaintext.Clip, "ééé", 5, "é…"},
		{"clip to the ellipsis", plaintext.Clip, "ééé", 4, "…"},
		{"clip without room", plaintext.Clip, "éé", 2, "é"},
		{"clip what is no text", plaintext.Clip, "a\xff", 9, "a\ufffd"},
		{"runes, short", plaintext.ClipRunes, "ééé", 3, "ééé"},
		{"runes", plaintext.ClipRunes, "ééé", 2, "é…"},
		{"runes, none", plaintext.ClipRunes, "ééé", 0, ""},
		{"runes, below", plaintext.ClipRunes, "ééé", -1, ""},
	} {
		if got := c.f(c.text, c.n); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSafe(t *testing.T) {
	for text, want := range map[string][3]string{ // as a line, blanked, for a terminal
		"":                         {"", "", ""},
		"a b":                      {"a b", "a b", "a b"},
		" a\r\n\tb ":               {"a b", " a   b ", " a\ufffd\n\tb "},
		"a\x1b[2Jb\x7f\u0085":      {"a [2Jb", "a [2Jb  ", "a\ufffd[2Jb\ufffd\ufffd"},
		"\u202ea\u200fb\ufeff\xff": {"ab\ufffd", " a b \ufffd", "\ufffda\ufffdb\ufffd\ufffd"},
		"a\u2028b\u2029c\u2066":    {"a b c", "a b c ", "a\ufffdb\ufffdc\ufffd"},
		"转人工\u3000成功 👩\u200d💻":     {"转人工 成功 👩\u200d💻", "转人工\u3000成功 👩\u200d💻", "转人工\u3000成功 👩\u200d💻"},
	} {
		if got := [3]string{plaintext.Line(text), plaintext.Blank(text), plaintext.Terminal(text)}; got != want {
			t.Errorf("%q:\n%q, want\n%q", text, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"{\n\t\"a\": \"ü 转\"}":                "{\n\t\"a\": \"ü 转\"}",
		"{\"a\":\"x\x7f\u0085\u202e\ufeff\"}": `{"a":"x\u007f\u0085\u202e\ufeff"}`,
		"{\"a\":\"x\x9b2J\"}":                 "{\"a\":\"x\ufffd2J\"}",
	} {
		got := string(plaintext.JSON([]byte(text)))
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		var before, after any
		if json.Unmarshal([]byte(text), &before) == nil && (json.Unmarshal([]byte(got), &after) != nil || fmt.Sprint(before) != fmt.Sprint(after)) {
			t.Errorf("%q means something else than %q", got, text)
		}
	}
}

func FuzzSafe(f *testing.F) {
	for _, seed := range []string{"a\x1b]0;title\x07", "\u202e\u2066", "\xff\xfe", "a\u0085\r\nb"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		for _, got := range []string{plaintext.Line(text), plaintext.Blank(text), plaintext.Terminal(text)} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool {
				return r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
			}) {
				t.Errorf("%q became %q", text, got)
			}
		}
		if strings.ContainsAny(plaintext.Line(text)+plaintext.Blank(text), "\n\t") {
			t.Errorf("%q became more than a line", text)
		}
		if got := plaintext.Cut(text, n); len(got) > max(n, 0) || !utf8.ValidString(got) {
			t.Errorf("%q cut to %d: %q", text, n, got)
		}
		if got := plaintext.Clip(text, n); len(got) > max(n, 0) || !utf8.ValidString(got) {
			t.Errorf("%q clipped to %d: %q", text, n, got)
		}
		if got := plaintext.ClipRunes(text, n); utf8.RuneCountInString(got) > max(n, 0) {
			t.Errorf("%q clipped to %d: %q", text, n, got)
		}
	})
}
