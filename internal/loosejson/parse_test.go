package loosejson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/loosejson"
)

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, body, want string }{
		{"empty", "", "not JSON: line 1, column 1: expected a JSON object, found the end"},
		{"white space only", " \n\t", "not JSON: line 2, column 2: expected a JSON object, found the end"},
		{"a word", "hello", "not JSON: line 1, column 1: expected a JSON object, found 'h'"},
		{"NUL", "\x00", `not JSON: line 1, column 1: expected a JSON object, found '\x00'`},
		{"missing comma", "{\n  \"a\": \"1\" \n  \"b\": 2}", `not JSON: line 3, column 3: expected "," or "}" after the value of "a", found '"'`},
		{"missing comma, nested", `{"a":{"b":1 "c":2}}`, `not JSON: line 1, column 13: expected "," or "}" after the value of "b", found '"'`},
		{"missing colon", `{"a" 1}`, `not JSON: line 1, column 6: expected ":" after the key "a", found '1'`},
		{"missing value", `{"a":}`, `not JSON: line 1, column 6: expected a value, found '}'`},
		{"bare key", `{a:1}`, `not JSON: line 1, column 2: expected a key in double quotes, found 'a'`},
		{"trailing comma", `{"a":1,}`, `not JSON: line 1, column 8: expected a key in double quotes, found '}'`},
		{"cut off", `{"a":1`, `not JSON: line 1, column 7: expected "," or "}" after the value of "a", found the end`},
		{"cut off in a string", `{"a":"x}`, `not JSON: line 1, column 6: expected a string with its closing quote, found none`},
		{"cut off in an escape", `{"a":"\`, `not JSON: line 1, column 8: expected one of "\/bfnrtu after a backslash, found the end`},
		{"bad escape", `{"a":"\x"}`, `not JSON: line 1, column 8: expected one of "\/bfnrtu after a backslash, found 'x'`},
		{"bad unicode escape", `{"a":"\u12g4"}`, `not JSON: line 1, column 11: expected four hexadecimal digits after "\u", found 'g'`},
		{"raw newline in a string", "{\"a\":\"x\ny\"}", `not JSON: line 1, column 8: expected no raw control character in a string, found '\n'`},
		{"columns are characters", `{"转人工":x}`, `not JSON: line 1, column 8: expected a value, found 'x'`},
		{"leading zero", `{"a":012}`, `not JSON: line 1, column 7: expected no digit after a leading zero, found '1'`},
		{"lone minus", `{"a":-}`, `not JSON: line 1, column 7: expected a digit, found '}'`},
		{"fraction without digits", `{"a":1.}`, `not JSON: line 1, column 8: expected a digit, found '}'`},
		{"exponent without digits", `{"a":1e+}`, `not JSON: line 1, column 9: expected a digit, found '}'`},
		{"half a word", `{"a":tru}`, `not JSON: line 1, column 9: expected true, found '}'`},
		{"list without comma", `{"a":[1 2]}`, `not JSON: line 1, column 9: expected "," or "]" in a list, found '2'`},
		{"two values", `{} {}`, `not JSON: line 1, column 4: expected nothing after the JSON value, found '{'`},
		{"a list", `[{"a":1}]`, "expected a JSON object, found a list"},
		{"a string", `"a"`, "expected a JSON object, found a string"},
		{"a number", `12`, "expected a JSON object, found a number"},
		{"true", `true`, "expected a JSON object, found a boolean"},
		{"null", `null`, "expected a JSON object, found null"},
		{"a long key is clipped", `{"` + strings.Repeat("k", 100) + `"}`, `not JSON: line 1, column 104: expected ":" after the key "` + strings.Repeat("k", 40) + `…", found '}'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := loosejson.Parse([]byte(tt.body))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestErrorsCanBeToldApart(t *testing.T) {
	t.Parallel()
	var syntax *loosejson.SyntaxError
	if _, err := loosejson.Parse([]byte("{")); !errors.As(err, &syntax) || syntax.Line != 1 || syntax.Column != 2 {
		t.Errorf("broken object: got %v", err)
	}
	var noObject *loosejson.NotObjectError
	if _, err := loosejson.Parse([]byte("[]")); !errors.As(err, &noObject) {
		t.Errorf("list: got %v", err)
	}
}

func TestParseBounds(t *testing.T) {
	t.Parallel()
	pad := loosejson.MaxBytes - len(`{"a":""}`)
	if _, err := loosejson.Parse([]byte(`{"a":"` + strings.Repeat("x", pad) + `"}`)); err != nil {
		t.Errorf("exactly MaxBytes: %v", err)
	}
	if _, err := loosejson.Parse([]byte(`{"a":"` + strings.Repeat("x", pad+1) + `"}`)); !errors.Is(err, loosejson.ErrTooLarge) {
		t.Errorf("one byte more: got %v, want ErrTooLarge", err)
	}
	nested := func(levels int) []byte {
		return []byte(`{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`)
	}
	if _, err := loosejson.Parse(nested(loosejson.MaxDepth)); err != nil {
		t.Errorf("exactly MaxDepth: %v", err)
	}
	_, err := loosejson.Parse(nested(loosejson.MaxDepth + 1))
	if want := "not JSON: line 1, column 69: expected at most 64 levels, found one more"; err == nil || err.Error() != want {
		t.Errorf("one level more: got %v, want %s", err, want)
	}
}

func TestRawIsCompactAndOwn(t *testing.T) {
	t.Parallel()
	body := []byte("\ufeff {\n \"Z\" : 1.0 , \"a\" : [ 1e2 , \" x \\u00e9\" ] ,\"Z\":\t12345678901234567890 }\r\n")
	o := parse(t, string(body))
	clear(body)
	want := `{"Z":1.0,"a":[1e2," x \u00e9"],"Z":12345678901234567890}`
	if got := string(o.Raw()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatIsNotUTF8IsRefused(t *testing.T) {
	t.Parallel()
	if _, err := loosejson.Parse([]byte("{\"a\":\"x\xff\xfey\"}")); !errors.Is(err, loosejson.ErrNotUTF8) {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"a":1}`, `{}`, ` { "a" : [ ] , "b" : { } } `, `{"a":-0.5e-10}`, `{"a":"\u00e9\"\\"}`, "{\"a\":\"\xff\"}",
		`{"a":1}{}`, `[1]`, `null`, `{"a":tru`, `{"a":01}`, "\ufeff{}", `{"A":1,"a":2}`, `{"a":"\ud800"}`,
		`{"a":"\ud800\u0041","b":"\udc00\ud800\udc00","c":"\ud83d\ude00\/\"\\\b\f\n\r\t","\u0064":"\ud800\\"}`, "{\"a\":1}\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, err := loosejson.Parse(body)
		trimmed := bytes.TrimPrefix(body, []byte("\ufeff"))
		if err != nil {
			checkRefusal(t, trimmed, err)
			return
		}
		if !json.Valid(o.Raw()) {
			t.Fatalf("raw is not JSON: %q", o.Raw())
		}
		if !json.Valid(trimmed) {
			t.Fatalf("accepted what encoding/json does not: %q", body)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(o.Raw(), &members); err != nil {
			t.Fatal(err)
		}
		for k := range members {
			o.Has(k)
			o.Int(k)
			o.Bool(k)
		}
		checkTexts(t, o, members)
	})
}

// checkTexts demands that strings are decoded as encoding/json decodes them.
// Names that differ in their case only are one to an Object and are passed over.
func checkTexts(t *testing.T, o *loosejson.Object, members map[string]json.RawMessage) {
	t.Helper()
	folded := map[string]int{}
	for k := range members {
		folded[strings.ToLower(k)]++
	}
	for k, value := range members {
		var want string
		if value[0] != '"' || folded[strings.ToLower(k)] > 1 {
			continue
		}
		if err := json.Unmarshal(value, &want); err != nil {
			t.Fatal(err)
		}
		if got := o.Text(k); got != strings.TrimSpace(want) {
			t.Fatalf("%s is %q, and to encoding/json %q", value, got, want)
		}
	}
}

// checkRefusal demands that encoding/json sees no object there either.
func checkRefusal(t *testing.T, body []byte, err error) {
	t.Helper()
	var syntax *loosejson.SyntaxError
	if errors.As(err, &syntax) && strings.Contains(syntax.Problem, "levels") || errors.Is(err, loosejson.ErrTooLarge) {
		return
	}
	if errors.Is(err, loosejson.ErrNotUTF8) && !utf8.Valid(body) {
		return
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil && members != nil {
		t.Fatalf("refused an object: %q: %v", body, err)
	}
}

func parse(t *testing.T, body string) *loosejson.Object {
	t.Helper()
	o, err := loosejson.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return o
}
