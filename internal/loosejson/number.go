package loosejson

import (
	"slices"
	"strconv"
	"strings"
)

// nulls are the words for nothing.
//
//nolint:gochecknoglobals // a table
var nulls = [...]string{"null", "nil", "none", "undefined", "nan"}

// maxExponent bounds the zeros that a number's exponent may stand for.
const maxExponent = 30

// Plain is Text with a whole number in its plain spelling: 982 for 982.0, 9.82e2
// and "982.0". A text is changed only where it is digits and a fraction of zeros:
// "9e2" may be an id.
func (o *Object) Plain(key string) string {
	value := o.value(key)
	text := o.textOf(key, value)
	if strings.HasPrefix(value, `"`) {
		if whole, fraction, ok := strings.Cut(text, "."); ok && allDigits(strings.TrimPrefix(whole, "-")) && fraction != "" && strings.Trim(fraction, "0") == "" {
			return whole
		}
		return text
	}
	return plainNumber(text)
}

// ID is Plain, and empty for a value that identifies nothing: zero in any
// spelling, a word for null, a UUID of zeros, true and false.
func (o *Object) ID(key string) string {
	if value := o.value(key); value == "true" || value == "false" {
		return ""
	}
	id := o.Plain(key)
	if strings.Trim(id, "0-.") == "" || slices.ContainsFunc(nulls[:], func(word string) bool { return strings.EqualFold(word, id) }) {
		return ""
	}
	return id
}

// plainNumber spells a JSON number without fraction and exponent, where it is
// whole and not absurdly long.
func plainNumber(number string) string {
	mantissa, power := number, 0
	if at := strings.IndexAny(number, "eE"); at >= 0 {
		var err error
		if power, err = strconv.Atoi(number[at+1:]); err != nil || power < 0 || power > maxExponent {
			return number
		}
		mantissa = number[:at]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > power || mantissa == number && whole == number {
		return number
	}
	sign := ""
	if rest, negative := strings.CutPrefix(whole, "-"); negative {
		sign, whole = "-", rest
	}
	digits := strings.TrimLeft(whole+fraction+strings.Repeat("0", power-len(fraction)), "0")
	if digits == "" {
		return "0"
	}
	return sign + digits
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
