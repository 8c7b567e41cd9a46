package call

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzText holds strings to the spelling of encoding/json.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		"", "plain", `<a href="x?y=1&z=2">\`, "\x00\b\t\n\v\f\r\x1f\x7f", "转人工", "\u2027\u2028\u2029\u202a", "\xff\xe2\x80", "\ufffd😀", "@`",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, spelling := range []struct {
			escape  uint64
			forHTML bool
		}{{special, false}, {special | markup, true}} {
			var want bytes.Buffer
			enc := json.NewEncoder(&want)
			enc.SetEscapeHTML(spelling.forHTML)
			if err := enc.Encode(s); err != nil {
				t.Fatal(err)
			}
			if got := appendSpelled(nil, s, spelling.escape); !bytes.Equal(append(got, '\n'), want.Bytes()) {
				t.Errorf("%q is written as %s, and by encoding/json as %s", s, got, want.Bytes())
			}
		}
	})
}

// FuzzRaw holds compact JSON to what encoding/json makes of it.
func FuzzRaw(f *testing.F) {
	for _, seed := range []string{
		`{"a":"<&>","b":[1.0,"é"]}`, `"\u2028\/"`, "\"\u2028\u2029\u202a\"", "\"\xff\xe2\x80\"", "\"\xe2\"", "{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var compact bytes.Buffer
		if json.Compact(&compact, raw) != nil {
			return // not what a record holds
		}
		want, err := json.Marshal(json.RawMessage(raw))
		if err != nil {
			t.Fatal(err)
		}
		if got := appendRaw(nil, compact.Bytes()); !bytes.Equal(got, want) {
			t.Errorf("%q is written as %s, and by encoding/json as %s", raw, got, want)
		}
	})
}

func TestTimeIsWrittenInItsLayout(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	zones := []*time.Location{time.UTC, time.FixedZone("", 8*60*60), time.FixedZone("", -12345)}
	for range 10_000 {
		// From about 9,500 years before to as many after our time.
		moment := time.Unix(random.Int64N(6e11)-3e11, random.Int64N(1e9)).In(zones[random.IntN(len(zones))])
		want := `"` + moment.UTC().Format(timeLayout) + `"`
		if got := string(Time{moment}.append(nil)); got != want {
			t.Fatalf("%v is written as %s, want %s", moment, got, want)
		}
	}
}
