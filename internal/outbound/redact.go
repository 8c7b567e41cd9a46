package outbound

import (
	"net/url"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/secret"
)

const (
	mask = "********"
	// maxDetail bounds the text that is kept of an answer.
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
//
// It looks for a secret not by listing its spellings, which are too many, but by
// undoing the escapes of the text, one level after the other, and finding the
// secret in each level (see view). Only base64 has no such levels, because what it
// begins with decides about all that follows: its forms are listed (see needles).
type redactor struct {
	secrets []string
	// byHead are all needles by their first bytes, the longest first.
	byHead map[head][]string
	// pairs are the first two bytes of the needles: they rule out most places of a
	// text before byHead is asked.
	pairs [1 << 16 / 64]uint64
	// longest is the length of the longest needle.
	longest int
}

// head is the beginning of a needle.
type head [minNeedle]byte

func headOf(s string) head { return head{s[0], s[1], s[2], s[3]} }

// pairOf is the place of a text's first two bytes in pairs.
func pairOf(s string) (word uint16, bit uint64) {
	n := uint16(s[0])<<8 | uint16(s[1])
	return n / 64, 1 << (n % 64)
}

func newRedactor(secrets []secret.Value) *redactor {
	var texts []string
	for _, s := range secrets {
		texts = append(texts, s.Reveal())
	}
	return redactorFor(texts)
}

func redactorFor(texts []string) *redactor {
	r := &redactor{secrets: texts, byHead: map[head][]string{}}
	seen := map[string]bool{}
	for _, text := range texts {
		for _, part := range append(urlParts(text), text, strings.TrimSpace(text)) {
			for _, needle := range needles(part) {
				if len(needle) < minNeedle || strings.Trim(needle, "* ") == "" || seen[needle] {
					continue
				}
				seen[needle] = true
				h := headOf(needle)
				r.byHead[h] = append(r.byHead[h], needle)
				word, bit := pairOf(needle)
				r.pairs[word] |= bit
				r.longest = max(r.longest, len(needle))
			}
		}
	}
	for _, same := range r.byHead {
		slices.SortFunc(same, func(a, b string) int { return len(b) - len(a) })
	}
	return r
}

// with also removes the credentials of an Authorization header: a token that was
// fetched is no secret of the Transport.
func (r *redactor) with(authorization string) *redactor {
	_, credentials, _ := strings.Cut(authorization, " ")
	if len(credentials) < minNeedle || slices.Contains(r.secrets, credentials) {
		return r
	}
	return redactorFor(append([]string{credentials}, r.secrets...))
}

// hiding also removes texts that came of a secret.
func (r *redactor) hiding(texts []string) *redactor {
	if len(texts) == 0 {
		return r
	}
	return redactorFor(slices.Concat(texts, r.secrets))
}

// clean makes a text fit to be kept: no secret, valid UTF-8, no control character,
// at most limit bytes. Of the text twice as much is looked at.
func (r *redactor) clean(text string, limit int) string {
	cut := len(text) >= 2*limit
	text = text[:min(len(text), 2*limit)]
	if cut {
		text = r.withoutTail(text)
	}
	text = r.remove(text)
	if clean := plaintext.Blank(text); clean != text {
		text = r.remove(clean) // a blank for a newline may complete one
	}
	return plaintext.Cut(text, limit)
}

// remove replaces until nothing is found. Only a secret that holds stars can
// be found again beside the mask; one that still is after some passes takes the
// whole text with it, so that no answer can keep us busy.
func (r *redactor) remove(text string) string {
	for range maxPasses {
		found := r.find(text)
		if len(found) == 0 {
			return text
		}
		var b strings.Builder
		end := 0
		for _, s := range found {
			if s.from >= end {
				b.WriteString(text[end:s.from])
				b.WriteString(mask)
			}
			end = max(end, s.to)
		}
		b.WriteString(text[end:])
		text = b.String()
	}
	return mask
}

// span is a piece of a text.
type span struct{ from, to int }

// find returns where secrets stand, in order.
func (r *redactor) find(text string) []span {
	var found []span
	if len(r.byHead) == 0 || len(text) < minNeedle {
		return nil
	}
	for v, more := plainView(text), true; more; v, more = v.unescaped() {
		for i := 0; i+minNeedle <= len(v.text); i++ {
			if word, bit := pairOf(v.text[i:]); r.pairs[word]&bit == 0 {
				continue
			}
			for _, needle := range r.byHead[headOf(v.text[i:])] {
				if strings.HasPrefix(v.text[i:], needle) {
					found = append(found, span{v.origin(i), v.end(i + len(needle))})
					break
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b span) int { return a.from - b.from })
	return found
}

// withoutTail removes the beginning of a secret that was cut in two by a bound.
func (r *redactor) withoutTail(text string) string {
	cut := len(text)
	for v, more := plainView(text), true; more; v, more = v.unescaped() {
		whole := withoutHalfEscape(v.text)
		for i := max(0, len(whole)-r.longest+1); i < len(whole); i++ {
			if r.begins(whole[i:]) {
				cut = min(cut, v.origin(i))
				break
			}
		}
	}
	return text[:cut]
}

// begins reports whether a needle begins with the text and is longer.
func (r *redactor) begins(text string) bool {
	longer := func(needle string) bool { return len(needle) > len(text) && strings.HasPrefix(needle, text) }
	if len(text) >= minNeedle {
		return slices.ContainsFunc(r.byHead[headOf(text)], longer)
	}
	for _, same := range r.byHead {
		if longer(same[0]) {
			return true
		}
	}
	return false
}

// urlParts returns what must not be shown of a secret that is a URL. Of one that
// holds a template it is what stands before the template, and every part.
func urlParts(text string) []string {
	fixed, _, _ := strings.Cut(text, "${")
	return append(partsOf(text), partsOf(fixed)...)
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
		parts = append(parts, u.User.String(), u.User.Username()+":"+password, u.User.Username(), password)
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
