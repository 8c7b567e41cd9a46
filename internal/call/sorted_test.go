package call

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// byLibrary is how encoding/json sorts a text: the hashes stand in spools, and the
// ids of deliveries are made of them.
func byLibrary(body []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return json.Marshal(v)
}

// isPlain reports whether the library reads all that is in the text: it takes the
// last of two members of one name, and replaces what is not UTF-8.
func isPlain(body []byte) bool {
	return jsontext.Value(body).IsValid() // no name twice, no half of a pair, UTF-8
}

// checkSorted holds both ways of sorting to each other and to the library.
func checkSorted(t *testing.T, body []byte) {
	t.Helper()
	got, err := sorted(body, nil)
	quick, ok := sortedQuickly(body)
	if ok && (err != nil || !bytes.Equal(quick, got)) {
		t.Fatalf("%q is sorted quickly as\n%s\nand slowly as\n%s, %v", body, quick, got, err)
	}
	if !isPlain(body) {
		return
	}
	want, wantErr := byLibrary(body)
	if wantErr == nil && (err != nil || !bytes.Equal(got, want)) {
		t.Fatalf("%q is sorted as\n%s, %v\nby the library as\n%s", body, got, err, want)
	}
}

func sortSeeds() []string {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"k` + strconv.Itoa(i*7%n) + `":` + strconv.Itoa(i))
		}
		return "{" + b.String()[1:] + "}"
	}
	return []string{
		`{"b":1.50e3,"a":[{"z":null,"y":9007199254740993000}, true ],"":"x"}`,
		`{"a":"\u003c<&>\u2028\u00e9\/\b\f\u0001\u007f\ud83d\ude00","\u0062":"é"}`,
		`{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `[]`, `"x"`, `1`, ` { } `, `{} {}`, `{"a":-0.0E+00}`,
		`{"c":[{"b":2,"a":[]},{}],"b":{"y":"\/","x":{"d":1,"c":null}},"a":true}`, `{"b":1,"c":2,"b":3}`,
		`{"a":01}`, `{"a":1.}`, `{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `{"a"}`, `{"a":"\`, `{"a":"x`, `{"a":1}x`,
		"{\"\u2028\":1,\"<\":2,\"&\":\"\u2029\",\"\x7f\":3}", "{\"\ufffd\":1,\"😀\":2}", "{\"a\":\"\x01\"}", "{\"a\":\"😀\"}", "{\"a\x00\":1}",
		many(quickMembers), many(quickMembers + 1), `{"x":` + many(40) + `,"a":` + many(40) + "}",
		strings.Repeat("[", quickDepth) + strings.Repeat("]", quickDepth),
		strings.Repeat(`{"b":1,"a":`, quickDepth+1) + "1" + strings.Repeat("}", quickDepth+1),
	}
}

// FuzzSorted holds both ways to the library: a call that comes by the one and again
// by the other must not look changed.
func FuzzSorted(f *testing.F) {
	for _, seed := range sortSeeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(checkSorted)
}

// TestTextsAreSortedAsByTheLibrary makes texts at random, most of them JSON, for
// a fuzzer seldom finds its way into nested objects.
func TestTextsAreSortedAsByTheLibrary(t *testing.T) {
	for _, depth := range []int{quickDepth + 1, 9_999, 20_000} {
		checkSorted(t, []byte(strings.Repeat("[", depth)+strings.Repeat("]", depth)))
	}
	quick := 0
	for seed := range uint64(10_000) {
		random := rand.New(rand.NewPCG(seed, 2))
		body := appendRandom(random, nil, 0)
		if random.IntN(8) == 0 && len(body) > 1 { // one byte gone
			at := random.IntN(len(body))
			body = append(body[:at], body[at+1:]...)
		}
		checkSorted(t, body)
		if _, ok := sortedQuickly(body); ok {
			quick++
		}
	}
	if quick < 3_000 {
		t.Errorf("only %d texts were sorted quickly: the others test nothing", quick)
	}
}

// appendRandom appends a value, most likely an object.
func appendRandom(random *rand.Rand, b []byte, depth int) []byte {
	switch kind := random.IntN(8); {
	case depth > 4 || depth > 0 && kind > 3:
		return append(b, pick(random, `1`, `-0.5E+3`, `null`, `true`, `false`, `"\u8f6c\/"`, `"a<b&c"`, "\"转\u2028\"", `"plain"`, `9007199254740993`, `""`)...)
	case kind == 0:
		b = append(b, '[')
		for i := range random.IntN(4) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendRandom(random, b, depth+1)
		}
		return append(b, ']')
	default:
		b = append(b, '{')
		for i := range random.IntN(6) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = append(b, pick(random, "a", "A", "ab", "b", "calledNumber", "é", "转", "\uffff", "<", "z", "zz", "id", "", "k1", "k2", "k3", "k4", "k5", "😀", `\u0061`)...)
			b = append(append(b, '"', ':'), pick(random, "", "", "", "", "", "", "", " ")...)
			b = appendRandom(random, b, depth+1)
		}
		return append(b, '}')
	}
}

func pick(random *rand.Rand, from ...string) string { return from[random.IntN(len(from))] }
