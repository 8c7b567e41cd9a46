package plainjson_test

import (
	"encoding/json"
	"testing"

	"github.com/cdrelay/cdrelay/internal/plainjson"
)

func TestMarkupStandsForItself(t *testing.T) {
	const markup = `<b>&</b>`
	for name, v := range map[string]any{
		"text": markup, "key": map[string]int{markup: 1}, "raw": json.RawMessage(`"` + markup + `"`), "field": struct{ A string }{markup},
	} {
		b, err := plainjson.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]string{
			"text": `"<b>&</b>"`, "key": `{"<b>&</b>":1}`, "raw": `"<b>&</b>"`, "field": `{"A":"<b>&</b>"}`,
		}[name]; string(b) != want {
			t.Errorf("%s: %s", name, b)
		}
	}
}

func TestIndented(t *testing.T) {
	b, err := plainjson.Indented(map[string]any{"a": []string{"<"}})
	if want := "{\n  \"a\": [\n    \"<\"\n  ]\n}"; err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
	if b, err := plainjson.Marshal(make(chan int)); err == nil {
		t.Errorf("a channel became %s", b)
	}
}
