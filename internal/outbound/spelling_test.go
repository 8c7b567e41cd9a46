package outbound

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// encoders write a text as servers, libraries and languages do.
func encoders() map[string]func(string) string {
	everyUnit := func(format string, escape func(rune) bool) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, r := range s {
				if !escape(r) {
					b.WriteRune(r)
					continue
				}
				for _, unit := range utf16.Encode([]rune{r}) {
					fmt.Fprintf(&b, format, unit)
				}
			}
			return b.String()
		}
	}
	special := func(r rune) bool { return r > '~' || r < ' ' || strings.ContainsRune("<>&'\"+`\\", r) }
	quoted := func(s string) string {
		b, _ := json.Marshal(s) // a text can be written
		return string(b[1 : len(b)-1])
	}
	return map[string]func(string) string{
		"plain":        func(s string) string { return s },
		"query":        url.QueryEscape,
		"path":         url.PathEscape,
		"query, lower": func(s string) string { return lowerHex(url.QueryEscape(s)) },
		"Python's quote": func(s string) string {
			return strings.NewReplacer("%2F", "/", "%7E", "~", "+", "%20").Replace(url.QueryEscape(s))
		},
		"every byte":     func(s string) string { return "%" + strings.ReplaceAll(fmt.Sprintf("% X", s), " ", "%") },
		"JSON":           quoted,
		"JSON of PHP":    func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) },
		"JSON of .NET":   everyUnit(`\u%04X`, special),
		"JSON of Python": everyUnit(`\u%04x`, func(r rune) bool { return r > '~' || r == '\\' || r == '"' || r < ' ' }),
		"JavaScript": func(s string) string {
			return strings.NewReplacer("/", `\x2F`, "+", `\x2b`, "'", `\'`).Replace(strings.ReplaceAll(s, `\`, `\\`))
		},
		"Go":       func(s string) string { return strings.Trim(fmt.Sprintf("%+q", s), `"`) },
		"escape()": everyUnit("%%u%04X", special),
		"HTML":     html.EscapeString,
		"mustache": func(s string) string {
			return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "/", "&#x2F;", "`", "&#x60;", "=", "&#x3D;").Replace(s)
		},
		"HTML in decimal": func(s string) string { return strings.NewReplacer("&", "&#38;", "/", "&#47;", "+", "&#43;").Replace(s) },
		"base64":          func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64, bare":    func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
		"base64 for URLs": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		"base64 of pair":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte("me:" + s)) },
		"base64 of MIME":  func(s string) string { return wrapped(base64.StdEncoding.EncodeToString([]byte(s)), "\r\n") },
		"base64 of lines": func(s string) string { return wrapped(base64.RawURLEncoding.EncodeToString([]byte("me:"+s)), "\n") },
		"C": func(s string) string {
			var b strings.Builder
			for i := range len(s) {
				if s[i] < utf8.RuneSelf && s[i] > ' ' && !strings.ContainsRune("+/<>&'\"\\", rune(s[i])) {
					b.WriteByte(s[i])
					continue
				}
				fmt.Fprintf(&b, `\%03o`, s[i])
			}
			return b.String()
		},
		"JavaScript, braced": func(s string) string {
			var b strings.Builder
			for _, r := range s {
				if special(r) {
					fmt.Fprintf(&b, `\u{%x}`, r)
					continue
				}
				b.WriteRune(r)
			}
			return b.String()
		},
		"base64 of more": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("user:" + s + " and more")) },
	}
}

// wrapped is the text in lines, as MIME and PEM have it. They are shorter here, so
// that short secrets have some.
func wrapped(text, lineBreak string) string {
	return regexp.MustCompile(`.{7}`).ReplaceAllString(text, "$0"+lineBreak)
}

func lowerHex(s string) string {
	return regexp.MustCompile(`%..`).ReplaceAllStringFunc(s, strings.ToLower)
}

// shows reports whether a reader who undoes escapes finds the secret in a text.
func shows(text, secret string) bool {
	for range 4 {
		if strings.Contains(text, secret) {
			return true
		}
		for _, run := range regexp.MustCompile(`[A-Za-z0-9+/_-]{4,}`).FindAllString(text, -1) {
			for offset := range min(4, len(run)) {
				if strings.Contains(unpack(run[offset:]), secret) {
					return true
				}
			}
		}
		text = html.UnescapeString(unquote(text))
	}
	return false
}

func unpack(run string) string {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	b, _ := base64.RawStdEncoding.DecodeString(run[:len(run)/4*4]) // what can be read counts
	return string(b)
}

func unquote(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	var plain string
	if json.Unmarshal([]byte(`"`+text+`"`), &plain) == nil {
		return plain
	}
	return text
}

func TestCleanKnowsEverySpelling(t *testing.T) {
	for _, secret := range []string{
		"p&ss/\"wörd\"<1>+%='`\\~ 好😀", "s3cr3t/with+pl%us==", "t0kent0ken", `back\slash\u002Bescape%2Fd&amp;`, "abc%2Bdef/x",
	} {
		r := redactorOf("another", secret)
		for outer, encode := range encoders() {
			for inner, first := range encoders() {
				if outer != "plain" && strings.HasPrefix(outer, "base64") && strings.HasPrefix(inner, "base64") {
					continue // nobody packs twice
				}
				spelled := encode(first(secret))
				if strings.HasPrefix(outer, "base64") && inner != "plain" {
					continue // see TestCleanKnowsPackedSpellings
				}
				got := r.clean("before "+spelled+" after", maxDetail)
				if !strings.Contains(got, mask) || shows(got, secret) {
					t.Errorf("%s of %s of %q: %q became %q", outer, inner, secret, spelled, got)
				}
				if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
					t.Errorf("%s of %s: too much is gone: %q", outer, inner, got)
				}
			}
		}
	}
}

// A document is packed as a whole: what stands in it is escaped already.
func TestCleanKnowsPackedSpellings(t *testing.T) {
	const secret = `p&ss/"w+rd"=1`
	r := redactorOf(secret)
	for _, spelled := range []string{`{"key":"p\u0026ss/\"w+rd\"=1"}`, "a=1&key=p%26ss%2F%22w%2Brd%22%3D1", "<p>p&amp;ss/&#34;w+rd&#34;=1</p>"} {
		packed := base64.StdEncoding.EncodeToString([]byte(spelled))
		if got := r.clean(packed, maxDetail); !strings.Contains(got, mask) {
			t.Errorf("%s: %q", spelled, got)
		}
	}
}

func TestCleanLeavesNoHalfSpellingAtTheCut(t *testing.T) {
	const secret = "abcdef/+ghijkl/mnopqr"
	r := redactorOf(secret)
	for name, encode := range encoders() {
		spelled := encode(secret)
		for n := 4; n < len(spelled); n++ {
			text := strings.Repeat(".", 2*64-n) + spelled
			got := r.clean(text, 64)
			if strings.Trim(got, ".") != "" {
				t.Errorf("%s, %d bytes: %q", name, n, got)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("hunter2", "before ", " after")
	f.Add("https://h.example/x/y?z=1", "POST ", "")
	f.Add("a b\tc", "\x00", "\xff")
	f.Add("*a**", "*a", "*")
	f.Add("aaaa", "aaa", "aaaaaa")
	f.Add("\\u0041", "\"", "\\")
	f.Add("%2B%25", "%", "2")
	f.Add("p&ss/+=", "&#", ";")
	f.Add("000 0", "%", "0")
	f.Fuzz(func(t *testing.T, s, before, after string) {
		if len(s) < minNeedle || strings.Trim(s, "* +") == "" || !utf8.ValidString(s) {
			t.Skip()
		}
		r := redactorOf(s)
		// What ends as an escape begins makes another escape of the beginning of a
		// spelling, which then is that of another text.
		whole := utf8.ValidString(before) && len(before) < 100 && !halfEscape.MatchString(before)
		for name, encode := range encoders() {
			for _, form := range []string{encode(s), url.QueryEscape(encode(s)), ""} {
				got := r.clean(before+form+after, maxDetail)
				if strings.Contains(got, s) || form != "" && whole && strings.Contains(got, form) {
					t.Fatalf("%s: %q is in %q", name, s, got)
				}
				if len(got) > maxDetail || !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) {
					t.Fatalf("unfit: %q", got)
				}
			}
		}
	})
}
