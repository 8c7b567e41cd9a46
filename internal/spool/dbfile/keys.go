package dbfile

import (
	"bytes"
	"cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

// BlockBits says how many calls, 1 << BlockBits, have their search keys in one block.
const BlockBits = 14

// IndexedTo reads the last call that must be found by its search keys.
const IndexedTo = `SELECT ifnull(max(up_to), 0) FROM indexed`

// NumberKeys are the reversed digits under which a call is found by suffix.
func NumberKeys(r *call.Record) []string {
	var out []string
	for _, p := range []call.Party{r.From, r.To} {
		if key := SearchDigits(cmp.Or(p.Number, p.Raw)); key != "" {
			out = append(out, key)
		}
	}
	return out
}

// SearchDigits reverses the digits of a number as typed, without the leading
// zeros of a trunk prefix or of an international one.
func SearchDigits(number string) string {
	reversed := make([]byte, 0, len(number))
	for i := len(number) - 1; i >= 0; i-- {
		if IsDigit(number[i]) {
			reversed = append(reversed, number[i])
		}
	}
	return string(bytes.TrimRight(reversed, "0"))
}

// IsDigit reports whether a byte is a decimal digit.
func IsDigit(c byte) bool { return c >= '0' && c <= '9' }
