package spool

import (
	"slices"
	"strings"
)

// wanted is a number as an operator types it, or the end of one. Keys are
// reversed digits, so that the end of a number is the begin of its key.
type wanted struct {
	// end is what keys begin with, the zeros in front of what was typed among it.
	end string
	// whole are the keys of the numbers that the text may mean: what is dialled
	// before a number is not a part of it.
	whole []string
}

// newWanted gives nil for a text without digits other than zeros.
func newWanted(typed string, readings func(typed string) []string) *wanted {
	digits := searchDigits(typed)
	if digits == "" {
		return nil
	}
	w := &wanted{end: digits + strings.Repeat("0", zerosInFront(typed)), whole: []string{digits}}
	if readings != nil {
		for _, number := range readings(typed) {
			w.whole = append(w.whole, searchDigits(number))
		}
	}
	slices.Sort(w.whole)
	w.whole = slices.Compact(w.whole)
	return w
}

func zerosInFront(typed string) (n int) {
	for _, c := range typed {
		switch {
		case c == '0':
			n++
		case c >= '1' && c <= '9':
			return n
		}
	}
	return n
}

// matches tells whether a key is that of a number that is wanted.
func (w *wanted) matches(key string) bool {
	return strings.HasPrefix(key, w.end) || slices.Contains(w.whole, key)
}
