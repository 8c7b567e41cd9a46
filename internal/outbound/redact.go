package outbound

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/secret"
)

const (
	mask = "********"
	// maxDetail bounds every text that is kept with a try.
	maxDetail = 2 << 10
	// maxPasses bounds the search for what a replacement completed.
	maxPasses = 8
	// minNeedle is the shortest text that is looked for.
	minNeedle = 4
	// minSegment is the shortest single part of a secret URL's path that is
	// looked for by itself; shorter ones are words such as `services`.
	minSegment = 9
)

// redactor removes secrets from texts. It is immutable.
type redactor struct {
	secrets  []string
	needles  []string
	replacer *strings.Replacer
}

func newRedactor(secrets []secret.Value) *redactor {
	var texts []string
	for _, s := range secrets {
		texts = append(texts, s.Reveal())
	}
	return redactorFor(texts)
}

func redactorFor(texts []string) *redactor {
	set := map[string]bool{}
	for _, text := range texts {
		for _, part := range append(urlParts(text), text) {
			for _, s := range spellings(part) {
				set[s] = true
				set[printable(s)] = true
			}
		}
	}
	r := &redactor{secrets: texts}
	for s := range set {
		if len(s) >= minNeedle && strings.Trim(s, "* ") != "" {
			r.needles = append(r.needles, s)
		}
	}
	// Longest first: where two begin at one place, the replacer takes the first.
	slices.SortFunc(r.needles, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range r.needles {
		pairs = append(pairs, s, mask)
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

// alsoOf adds the credentials of an Authorization header: a token that was
// fetched is no secret of the Transport. It costs something, so it is done only
// where the text seems to hold them.
func (r *redactor) alsoOf(authorization, text string) *redactor {
	_, credentials, _ := strings.Cut(authorization, " ")
	if len(credentials) < minNeedle || !strings.Contains(text, credentials[:minNeedle]) {
		return r
	}
	return redactorFor(append([]string{credentials}, r.secrets...))
}

// clean makes a text fit to be kept: no secret, valid UTF-8, no control
// character, at most 2 KiB.
func (r *redactor) clean(text string) string {
	cut := len(text) >= maxRawDetail
	text = r.remove(text[:min(len(text), maxRawDetail)])
	if cut {
		text = r.withoutTail(text)
	}
	if clean := printable(text); clean != text {
		text = r.remove(clean) // a blank for a newline may complete one
	}
	return firstBytes(text, maxDetail)
}

// remove replaces until nothing is found. Only a secret that holds stars can
// be found again beside the mask; one that still is after some passes takes the
// whole text with it, so that no answer can keep us busy.
func (r *redactor) remove(text string) string {
	for range maxPasses {
		next := r.replacer.Replace(text)
		if next == text {
			return text
		}
		text = next
	}
	return mask
}

// withoutTail removes the beginning of a secret that was cut in two by a bound.
func (r *redactor) withoutTail(text string) string {
	cut := len(text)
	for _, needle := range r.needles {
		for n := min(len(needle)-1, len(text)); n > len(text)-cut; n-- {
			if strings.HasSuffix(text, needle[:n]) {
				cut = len(text) - n
				break
			}
		}
	}
	return text[:cut]
}

// urlParts gives what must not be shown of a secret that is a URL. Of one that
// holds a template it is what stands before the template, and every part.
func urlParts(text string) []string {
	fixed, _, templated := strings.Cut(text, "${")
	parts := partsOf(text)
	if templated {
		parts = append(parts, partsOf(fixed)...)
	}
	return parts
}

func partsOf(text string) []string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		_, rest, _ := strings.Cut(text, "://")
		_, path, _ := strings.Cut(rest, "/")
		return []string{path}
	}
	parts := []string{u.RequestURI(), u.EscapedPath(), u.Path, u.RawQuery, u.Fragment}
	if u.User != nil {
		password, _ := u.User.Password()
		parts = append(parts, u.User.String(), u.User.Username(), password)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if len(segment) >= minSegment {
			parts = append(parts, segment)
		}
	}
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	return parts
}

// spellings are the forms in which servers echo a text.
func spellings(text string) []string {
	if len(text) < minNeedle {
		return nil
	}
	plain := escapeJSON(text, false)
	all := []string{
		text, strings.TrimSpace(text), html.EscapeString(text),
		plain, escapeJSON(text, true), strings.Trim(strconv.QuoteToASCII(text), `"`),
		strings.ReplaceAll(plain, "/", `\/`), // as PHP writes it
	}
	for _, escaped := range []string{url.QueryEscape(text), url.PathEscape(text)} {
		all = append(all, escaped, lowerHex(escaped))
	}
	return append(all, base64Forms(text)...)
}

func escapeJSON(text string, forHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	if e.Encode(text) != nil {
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// lowerHex writes %2F as %2f.
func lowerHex(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// base64Forms are the encodings of the text by itself and those of it inside a
// longer one (`user:password`), where it may begin at any of three offsets.
func base64Forms(text string) []string {
	var all []string
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		all = append(all, e.EncodeToString([]byte(text)), e.WithPadding(base64.NoPadding).EncodeToString([]byte(text)))
		for offset := range 3 {
			encoded := e.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, offset), text...))
			first := (offset*8 + 5) / 6          // the first character that is the text's alone
			last := (offset + len(text)) * 8 / 6 // the last one, likewise
			all = append(all, encoded[first:last])
		}
	}
	return all
}

// printable makes valid UTF-8 without control characters.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || isLineOrBidi(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// isLineOrBidi tells characters that turn lines or directions about in a
// terminal although Unicode does not call them controls.
func isLineOrBidi(r rune) bool {
	return r > unicode.MaxLatin1 && (r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r))
}

func firstBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
