package spool

import "strings"

const (
	// countryCode is the length of the longest one.
	countryCode = 3
	// wholeNumber is the least length of a number that is dialled with a prefix.
	wholeNumber = 5
)

// suffix is a number as an operator types it, or the end of one. Keys are
// reversed digits, so that the end of a number is the begin of its key.
type suffix struct {
	full    string // with the zeros in front
	trimmed string // without
}

// newSuffix gives nil for a text without digits other than zeros.
func newSuffix(typed string) *suffix {
	s := &suffix{trimmed: searchDigits(typed)}
	zeros := 0
	for _, c := range typed {
		if c >= '1' && c <= '9' {
			break
		}
		if c == '0' {
			zeros++
		}
	}
	if s.trimmed == "" {
		return nil
	}
	s.full = s.trimmed + strings.Repeat("0", zeros)
	return s
}

// prefixes are what the keys that match begin with.
func (s *suffix) prefixes() []string {
	if len(s.full) > len(s.trimmed) && len(s.trimmed) >= wholeNumber {
		return []string{s.trimmed}
	}
	return []string{s.full}
}

// matches tells whether a key is that of a number with this end. Zeros in front
// may be digits of the number, or be dialled before it: then no more than a
// country code stands in their place.
func (s *suffix) matches(key string) bool {
	switch {
	case strings.HasPrefix(key, s.full), key == s.trimmed:
		return true
	case len(s.trimmed) < wholeNumber || !strings.HasPrefix(key, s.trimmed):
		return false
	default:
		return len(key)-len(s.trimmed) <= countryCode
	}
}
