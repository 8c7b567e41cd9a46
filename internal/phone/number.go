package phone

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const (
	maxAddress = 256 // bytes of an address that is looked at; longer ones are none
	maxNumber  = 40  // bytes of a number with all its separators
	maxE164    = 15  // digits

	telScheme = "tel:"
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
	// Other is another valid number that the text may mean as well.
	Other string
	// SIP is user@host, empty when the text is no SIP address with a user.
	SIP string
	// Extension is what is dialled behind the number.
	Extension string
}

// Read understands a text as an address. A SIP address whose user is a valid
// number has both.
func Read(text string, r Reading) Address {
	if text == "" || len(text) > maxAddress {
		return Address{}
	}
	text = address(Clean(text))
	if user, params, sip, ok := parseSIP(text); ok {
		a := read(user, r)
		a.SIP, a.Extension = sip, parameter(params, "ext")
		return a
	}
	if hasPrefixFold(text, telScheme) {
		text = text[len(telScheme):]
	}
	number, params, _ := strings.Cut(text, ";")
	if context := parameter(params, "phone-context"); strings.HasPrefix(context, "+") && !strings.HasPrefix(number, "+") {
		number = context + number
	}
	a := read(whole(number), r)
	a.Extension = parameter(params, "ext")
	return a
}

// KnownRegion says whether libphonenumber knows the country code, such as ID.
func KnownRegion(code string) bool {
	return phonenumbers.GetSupportedRegions()[code]
}

// read understands a number in any spelling. International digits come before
// national ones, and 00 before digits is a plus sign in every region.
func read(s string, r Reading) Address {
	if !looksLikeNumber(s) {
		return Address{}
	}
	if s[0] == '+' {
		return Address{Number: valid(s, "")}
	}
	if rest, ok := strings.CutPrefix(s, "00"); ok {
		if n := valid("+"+strings.TrimLeft(rest, " -.()/"), ""); n != "" {
			return Address{Number: n}
		}
	}
	var a Address
	if r.International {
		a.Number = valid("+"+s, "")
	}
	if r.National && r.Region != "" {
		switch n := valid(s, r.Region); {
		case a.Number == "":
			a.Number = n
		case n != a.Number:
			a.Other = n
		}
	}
	return a
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

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
