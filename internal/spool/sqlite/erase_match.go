package sqlite

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// maxDigits is the longest run of digits that can be a number, with the zeros
	// of an international prefix.
	maxDigits = 20
	// maxGap is how many separators may stand between the groups of a number.
	maxGap = 3
	erased = "[erased]"
)

// span is a part of a text.
type span struct{ from, to int }

// matcher finds one number in texts, however it is spelled.
type matcher struct {
	e164  string
	forms map[string]bool // digits without leading zeros
}

func newMatcher(f spool.NumberForms) *matcher {
	m := &matcher{e164: f.E164, forms: map[string]bool{}}
	for _, text := range append([]string{f.E164}, f.Digits...) {
		if digits := plainDigits(text); digits != "" {
			m.forms[digits] = true
		}
	}
	return m
}

// plainDigits returns the digits of a text without leading zeros.
func plainDigits(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
	return strings.TrimLeft(digits, "0")
}

// record reports whether the JSON of a call record holds the number. Digits of
// another valid number that happen to be a national form of this one are not it.
func (m *matcher) record(encoded []byte) bool {
	if !m.text(encoded, nil) {
		return false
	}
	others := map[string]bool{}
	r := decodeLeniently(encoded)
	for _, p := range []call.Party{r.From, r.To} {
		if p.Number != "" && m.e164 != "" && p.Number != m.e164 {
			others[plainDigits(p.Raw)], others[plainDigits(p.Number)] = true, true
		}
	}
	return len(others) == 0 || m.text(encoded, others)
}

// text reports whether a text holds the number, as it is or under the escapes of
// JSON and of URLs, or in UTF-16. Digits in except are not looked for.
func (m *matcher) text(text []byte, except map[string]bool) bool {
	if len(m.spans(text, except)) > 0 {
		return true
	}
	if bytes.Contains(text, []byte(`\u`)) && len(m.spans(unescapeJSON(text), except)) > 0 {
		return true
	}
	if bytes.IndexByte(text, 0) >= 0 && len(m.spans(bytes.ReplaceAll(text, []byte{0}, nil), except)) > 0 {
		return true // UTF-16
	}
	return bytes.IndexByte(text, '%') >= 0 && len(m.spans(unescapeURL(text), except)) > 0
}

// redact takes the number out of a text.
func (m *matcher) redact(text string) (string, bool) {
	found := m.spans([]byte(text), nil)
	for _, f := range slices.Backward(found) {
		text = text[:f.from] + erased + text[f.to:]
	}
	return text, len(found) > 0
}

// redactLog takes the number out of the log of a delivery's attempts.
func (m *matcher) redactLog(log []byte) ([]byte, bool) {
	all := decodeAttempts(log)
	if len(all) == 0 || !m.text(log, nil) {
		return log, false
	}
	changed := false
	take := func(text *string) {
		found := m.text([]byte(*text), nil)
		if changed = changed || found; !found {
			return
		}
		if *text, _ = m.redact(*text); m.text([]byte(*text), nil) {
			*text = erased // it stands there under escapes
		}
	}
	for i := range all {
		take(&all[i].Detail)
		take(&all[i].Warning)
		for name, value := range all[i].Headers {
			take(&value)
			all[i].Headers[name] = value
		}
		if sent := all[i].Request; sent != nil && (i == 0 || all[i-1].Request != sent) {
			take(&sent.URL)
			take(&sent.Body)
		}
	}
	if !changed {
		return log, false
	}
	b, err := encodeAttempts(all)
	return b, err == nil
}

// spans returns the places of the number in a text: whole groups of digits, with
// the usual separators between them.
func (m *matcher) spans(text []byte, except map[string]bool) (found []span) {
	for at := 0; at < len(text); {
		group, next := digitGroups(text, at)
		at = next
		for i := 0; i < len(group); i++ {
			for j := i; j < len(group) && group[j].to-group[i].from <= maxDigits+maxGap*(j-i); j++ {
				if m.isNumber(text, group[i:j+1], except) {
					found = append(found, span{group[i].from, group[j].to})
					i = j
					break
				}
			}
		}
	}
	return found
}

// digitGroups returns the next groups of digits that stand close together, and
// where to go on.
func digitGroups(text []byte, at int) (groups []span, next int) {
	for at < len(text) && !dbfile.IsDigit(text[at]) {
		at++
	}
	for at < len(text) && dbfile.IsDigit(text[at]) {
		from := at
		for at < len(text) && dbfile.IsDigit(text[at]) {
			at++
		}
		groups = append(groups, span{from, at})
		gap := at
		for gap < len(text) && gap-at < maxGap && strings.IndexByte(" -.()/", text[gap]) >= 0 {
			gap++
		}
		if gap < len(text) && dbfile.IsDigit(text[gap]) {
			at = gap
		}
	}
	return groups, at
}

// isNumber reports whether groups of digits together are the number.
func (m *matcher) isNumber(text []byte, groups []span, except map[string]bool) bool {
	var digits [maxDigits]byte
	n := 0
	for _, g := range groups {
		for _, c := range text[g.from:g.to] {
			if n == 0 && c == '0' {
				continue
			}
			if n == maxDigits {
				return false
			}
			digits[n] = c
			n++
		}
	}
	return m.forms[string(digits[:n])] && !isDate(groups) && !except[string(digits[:n])]
}

// isDate reports whether groups are those of a date, such as 2026-01-31.
func isDate(groups []span) bool {
	if len(groups) != 3 {
		return false
	}
	length := func(i int) int { return groups[i].to - groups[i].from }
	return length(1) == 2 && (length(0) == 4 && length(2) == 2 || length(0) == 2 && length(2) == 4)
}

// unescapeURL undoes percent-encoding where it is well formed.
func unescapeURL(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if plain, err := url.PathUnescape(string(text[i : i+3])); err == nil {
				out = append(out, plain...)
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

// unescapeJSON undoes the escapes of ASCII characters in JSON texts.
func unescapeJSON(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		const length = len(`\u0030`)
		if text[i] == '\\' && i+length <= len(text) && bytes.HasPrefix(text[i:], []byte(`\u00`)) {
			var plain string
			if json.Unmarshal([]byte(`"`+string(text[i:i+length])+`"`), &plain) == nil {
				out = append(out, plain...)
				i += length - 1
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}
