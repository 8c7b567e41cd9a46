package call

import (
	"bytes"
	"testing"
)

// FuzzSorted holds the quick way of sorting a text to the slow one: a call that
// comes by the one and again by the other must not look changed.
func FuzzSorted(f *testing.F) {
	for _, seed := range []string{
		`{"b":1.50e3,"a":[{"z":null,"y":9007199254740993000}, true ],"":"x"}`,
		`{"a":"\u003c<&>\u2028\u00e9\/\b\f\u0001\u007f\ud83d\ude00","\u0062":"é"}`,
		`{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `[]`, `"x"`, `1`, ` { } `, `{} {}`, `{"a":-0.0E+00}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, err := sortedOnce(body)
		if err != nil {
			return // left to the slow way
		}
		slow, err := sortedSlowly(body)
		if err != nil {
			t.Fatalf("only the quick way takes %q: %v", body, err)
		}
		if !bytes.Equal(quick, slow) && !beyondBMP(slow) {
			t.Errorf("%q is sorted as\n%s\nand as\n%s", body, quick, slow)
		}
	})
}

// beyondBMP tells a text in which keys may have another order by UTF-16, in
// which the quick way compares, than by UTF-8: still one order.
func beyondBMP(sorted []byte) bool {
	return bytes.ContainsFunc(sorted, func(r rune) bool { return r > 0xFFFF })
}
