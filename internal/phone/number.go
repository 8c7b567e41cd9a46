package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const (
	maxAddress = 256 // bytes of an address that is looked at; longer ones are none
	maxNumber  = 40  // bytes of a number with all its separators
	maxE164    = 15  // digits
)

// Reading says how digits without a plus sign are understood.
type Reading struct {
	// International reads them as if a plus sign stood before them. It is tried
	// first.
	International bool
	// National reads them as dialled in Region.
	National bool
	// Region is an ISO 3166 country code; without it nothing is national.
	Region string
}

// Address is what a text says about where to reach somebody.
type Address struct {
	// Number is E.164, empty when there is no valid one.
	Number string
	// SIP is user@host, empty when the text is no SIP address with a user.
	SIP string
}

// Read understands a text as an address. A SIP address whose user is a valid
// number has both.
func Read(text string, r Reading) Address {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxAddress {
		return Address{}
	}
	if user, sip, ok := parseSIP(text); ok {
		return Address{Number: number(user, r), SIP: sip}
	}
	return Address{Number: number(telURI(text), r)}
}

// KnownRegion says whether libphonenumber knows the country code, such as ID.
func KnownRegion(code string) bool {
	return phonenumbers.GetSupportedRegions()[code]
}

// number is the E.164 form of a number in any spelling, or empty.
func number(s string, r Reading) string {
	if !looksLikeNumber(s) {
		return ""
	}
	if s[0] == '+' {
		return valid(s, "")
	}
	if r.International {
		if n := valid("+"+s, ""); n != "" {
			return n
		}
	}
	if r.National && r.Region != "" {
		return valid(s, r.Region)
	}
	return ""
}

// ask asks libphonenumber. Some plans have valid numbers longer than E.164
// allows; they have no E.164 form.
func (q question) ask() string {
	n, err := phonenumbers.Parse(q.text, q.region)
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return ""
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > 1+maxE164 {
		return ""
	}
	return e164
}

// looksLikeNumber lets through digits with the usual separators and a plus sign
// at the start. Letters are refused, for libphonenumber would dial them.
func looksLikeNumber(s string) bool {
	if s == "" || len(s) > maxNumber {
		return false
	}
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' && i == 0:
		case strings.IndexByte(" -.()/", c) < 0:
			return false
		}
	}
	return digits > 0
}

// telURI gives the number of a tel: URI (RFC 3966), with its context where that
// is a country; any other text it gives back as it is.
func telURI(s string) string {
	const scheme = "tel:"
	if !hasPrefixFold(s, scheme) {
		return s
	}
	n, params, _ := strings.Cut(s[len(scheme):], ";")
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(key, "phone-context") && strings.HasPrefix(value, "+") && !strings.HasPrefix(n, "+") {
			return value + n
		}
	}
	return n
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
