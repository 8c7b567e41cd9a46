package phone

import (
	_ "embed"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// prefixes says of each country calling code what may be dialled before a national
// number, as an expression: libphonenumber's national_prefix_for_parsing, a line
// each. A test keeps it equal to the library's.
//
//go:embed prefixes.txt
var prefixes string

// plan is the numbering plan of a country calling code, as far as it is needed to
// tell a number that needs no parsing.
type plan struct {
	code   int32
	prefix func() *regexp.Regexp // nil where nothing is dialled before
}

// plans gives them by their code in digits.
//
//nolint:gochecknoglobals // a table that is read once
var plans = sync.OnceValue(func() map[string]plan {
	all := map[string]plan{}
	for line := range strings.Lines(prefixes) {
		digits, expression, _ := strings.Cut(strings.TrimSpace(line), " ")
		code, err := strconv.ParseInt(digits, 10, 32)
		if err != nil { // cannot be: a test reads the table
			continue
		}
		p := plan{code: int32(code)}
		if expression != "" {
			p.prefix = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^(?:" + expression + ")") })
		}
		all[digits] = p
	}
	return all
})

// plain asks about a plus sign with digits behind it, of which the first ones are a
// country calling code and the next ones nothing that is dialled before a national
// number. Of such a text libphonenumber's parser, which is made for what people
// type and takes most of the time, makes nothing else than what it is. Whether it
// is valid the library says in any case. It is not certain of any other text.
func (q question) plain() (e164 string, certain bool) {
	digits, plus := strings.CutPrefix(q.text, "+")
	if !plus || len(digits) > maxE164 || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	p, national, known := planOf(digits)
	if !known || len(national) < 2 || national[0] == '0' || p.prefix != nil && p.prefix().MatchString(national) {
		return "", false
	}
	number, err := strconv.ParseUint(national, 10, 64)
	if err != nil { // cannot be: digits, and few
		return "", false
	}
	if !phonenumbers.IsValidNumber(&phonenumbers.PhoneNumber{CountryCode: &p.code, NationalNumber: &number}) {
		return "", true
	}
	return q.text, true
}

// planOf splits digits behind a plus sign. No calling code is the begin of another.
func planOf(digits string) (p plan, national string, known bool) {
	const longest = 3
	for n := 1; n <= min(longest, len(digits)); n++ {
		if p, known = plans()[digits[:n]]; known {
			return p, digits[n:], true
		}
	}
	return plan{}, "", false
}
