package phone

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// minDigits is the least length of what is searched for although it is no valid
// number: shorter ones stand in too many places with another meaning.
const minDigits = 7

// Forms are the ways to write one number in digits alone.
type Forms struct {
	// E164 is the number with its plus sign; empty where it is not valid.
	E164 string
	// Digits are the international form, and the national one with and without
	// what is dialled before it.
	Digits []string
}

// FormsOf reads a number as a person types it, with or without +, separators or
// an international prefix, national in one of the regions. Where that can mean
// two numbers it is an error that names both.
func FormsOf(typed string, regions []string) (Forms, error) {
	text := Clean(typed)
	if !looksLikeNumber(text) {
		return Forms{}, fmt.Errorf("%q is no telephone number: write digits, with + and the country code before them", typed)
	}
	switch found := readings(text, regions); len(found) {
	case 0:
		digits := strings.TrimLeft(onlyDigits(text), "0")
		if len(digits) < minDigits {
			return Forms{}, fmt.Errorf("%q is no valid telephone number, and too short to look for as it is: write it whole, with + and the country code", typed)
		}
		return Forms{Digits: []string{digits}}, nil
	case 1:
		return formsOf(found[0]), nil
	default:
		return Forms{}, fmt.Errorf("%q may be %s: write it with + and the country code", typed, strings.Join(found, " or "))
	}
}

// Readings are the valid numbers, in E.164, that a number as a person types it
// may mean: with or without +, separators, and whatever any country dials before
// a national or an international number. None is not an error: it may be the end
// of a number.
func Readings(typed string) []string {
	text := Clean(typed)
	if !looksLikeNumber(text) {
		return nil
	}
	return readings(text, slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())))
}

// readings gives the valid numbers that a text can mean. It asks past the memory of
// answers: what an operator looks for must not push out what callbacks bring.
func readings(text string, regions []string) (found []string) {
	add := func(n string) {
		if n != "" && !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	if text[0] == '+' {
		add(question{text, ""}.ask())
		return found
	}
	if prefixed, ok := strings.CutPrefix(onlyDigits(text), "00"); ok {
		add(question{"+" + prefixed, ""}.ask())
	} else {
		add(question{"+" + text, ""}.ask())
	}
	for _, region := range regions {
		add(question{text, region}.ask())
	}
	return found
}

func formsOf(e164 string) Forms {
	f := Forms{E164: e164, Digits: []string{e164[1:]}}
	n, err := phonenumbers.Parse(e164, "")
	if err != nil { // cannot be: it was parsed before
		return f
	}
	for _, form := range []string{
		phonenumbers.GetNationalSignificantNumber(n),
		onlyDigits(phonenumbers.Format(n, phonenumbers.NATIONAL)),
		strconv.FormatUint(n.GetNationalNumber(), 10),
	} {
		if !slices.Contains(f.Digits, form) {
			f.Digits = append(f.Digits, form)
		}
	}
	return f
}

func onlyDigits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
