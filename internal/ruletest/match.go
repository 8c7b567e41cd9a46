package ruletest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// Difference is one thing that is not as expected.
type Difference struct {
	// Path is where, such as record.customer.number.
	Path string
	// Expected and Got are JSON, or words.
	Expected, Got string
	// Notes say more, such as why a rule did not match.
	Notes []string
}

// absent stands for a value that is not there.
type absent struct{}

const (
	nothing = "nothing"
	// maxShown bounds a value in a difference.
	maxShown = 400
)

// compare notes where got is not as want says: of a mapping the keys of want
// alone are compared, a list and a scalar as a whole. null wants nothing there.
func compare(path string, want, got any, note func(Difference)) {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			note(differ(path, want, got))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			value, there := object[key]
			if !there {
				value = absent{}
			}
			compare(path+"."+key, want[key], value, note)
		}
	case []any:
		compareLists(path, want, got, note)
	default:
		if !equal(want, got) {
			note(differ(path, want, got))
		}
	}
}

func compareLists(path string, want []any, got any, note func(Difference)) {
	list, ok := got.([]any)
	if !ok || len(list) != len(want) {
		note(differ(path, want, got))
		return
	}
	for i := range want {
		compare(fmt.Sprintf("%s[%d]", path, i), want[i], list[i], note)
	}
}

// equal compares scalars. 12.5 and 12.50 are equal, 8 and "8" are not.
func equal(want, got any) bool {
	switch want := want.(type) {
	case nil:
		return got == nil || got == absent{}
	case json.Number:
		n, ok := got.(json.Number)
		return ok && equalNumbers(want.String(), n.String())
	case string:
		return got == want
	case bool:
		return got == want
	default:
		return false
	}
}

// equalNumbers compares as floats only where one is no integer: long ids differ
// in digits that no float holds.
func equalNumbers(a, b string) bool {
	if !strings.ContainsAny(a+b, ".eE") {
		return a == b
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

func differ(path string, want, got any) Difference {
	return Difference{Path: path, Expected: shown(want), Got: shown(got)}
}

// shown is a value as JSON.
func shown(v any) string {
	switch v.(type) {
	case absent, nil:
		return nothing
	}
	b, err := plainjson.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return plaintext.Clip(string(b), maxShown)
}
