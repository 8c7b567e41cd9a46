package call_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// TestJSONIsWhatEncodingJSONWrites fills records at random, so that a field that
// is added to Record and forgotten in JSON is found.
func TestJSONIsWhatEncodingJSONWrites(t *testing.T) {
	for seed := range uint64(2000) {
		var r call.Record
		fill(rand.New(rand.NewPCG(seed, 1)), reflect.ValueOf(&r).Elem())
		want := marshal(t, &r)
		if got := r.JSON(); string(got) != string(want) {
			t.Fatalf("seed %d:\n%s\nencoding/json:\n%s", seed, got, want)
		}
	}
}

// marshal is json.Marshal without escapes for HTML.
func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		tb.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// TestJSONOfARecordIsHardlyLongerThanItsCallback holds the size of what is stored
// and sent to that of the callback, whatever its letters are.
func TestJSONOfARecordIsHardlyLongerThanItsCallback(t *testing.T) {
	for _, letter := range []string{"a", "<", ">", "&", "‹", "\u2028", `\"`, `\u0001`} {
		raw := `{"callId":"1","other":"` + strings.Repeat(letter, 100_000) + `"}`
		r := call.Record{Schema: call.SchemaID, ID: "s:1", Revision: 1, Raw: json.RawMessage(raw)}
		if got := r.JSON(); len(got) > len(raw)+1<<10 || !bytes.Contains(got, []byte(raw)) {
			t.Errorf("a callback of %d bytes of %s becomes a record of %d bytes", len(raw), letter, len(got))
		}
	}
}

// fill sets about half of the fields.
func fill(random *rand.Rand, v reflect.Value) {
	texts := []string{"a", "+6281234567890", `"quoted\" <b>&`, "转人工", "\u2028\u0001", "\xff", ""}
	if random.IntN(2) == 0 {
		return
	}
	switch field := v.Addr().Interface().(type) {
	case *call.Time:
		*field = call.At(time.UnixMilli(random.Int64N(4e12)))
		return
	case *json.RawMessage:
		*field = json.RawMessage([]string{`{"a":[1.0,"x"]}`, `{"b":"<\u2028>"}`, `{"c":"` + "\u2028" + `"}`, `{}`}[random.IntN(4)])
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int:
		v.SetInt(random.Int64N(100))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(random, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(3), 3))
		for i := range v.Len() {
			fill(random, v.Index(i))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(random, field)
		}
	default:
		panic("a kind of field that this test cannot fill: " + v.Kind().String())
	}
}
