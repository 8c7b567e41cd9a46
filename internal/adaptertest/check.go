package adaptertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Fuzz feeds bodies that grow from the golden cases to an adapter: it must not
// panic, and whatever it gives must keep the contract.
func Fuzz(f *testing.F, convert call.Convert) {
	f.Helper()
	check := newChecker(f)
	for _, path := range casePaths(f) {
		c := readCase(f, path)
		f.Add(c.body, c.source.Region, string(c.source.Numbers))
	}
	f.Fuzz(func(t *testing.T, body []byte, region, numbers string) {
		src := call.Source{Name: "test", Region: region, Numbers: call.Numbers(numbers)}
		before := bytes.Clone(body)
		r, err := convert(body, src)
		if !bytes.Equal(before, body) {
			t.Error("the adapter changed the body")
		}
		check.result(t, body, src, r, err)
	})
}

// Benchmark measures an adapter over each golden case that the vendor published.
func Benchmark(b *testing.B, convert call.Convert) {
	b.Helper()
	for _, path := range casePaths(b) {
		name, published := strings.CutPrefix(strings.TrimSuffix(path, ".txtar"), "testdata/published-")
		if !published {
			continue
		}
		c := readCase(b, path)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.body)))
			for b.Loop() {
				_, _ = convert(c.body, c.source)
			}
		})
	}
}

// checker holds a result against the contract of the adapters.
type checker struct{ schema *jsonschema.Schema }

func newChecker(tb testing.TB) checker {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(call.Schema()))
	if err != nil {
		tb.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("call.schema.json", doc); err != nil {
		tb.Fatal(err)
	}
	schema, err := compiler.Compile("call.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return checker{schema}
}

func (c checker) result(tb testing.TB, body []byte, src call.Source, r *call.Record, err error) {
	tb.Helper()
	if err != nil {
		checkError(tb, r, err)
		return
	}
	switch {
	case !strings.HasPrefix(r.ID, src.Name+":") || r.ID == src.Name+":":
		tb.Errorf("id %q is not of source %q", r.ID, src.Name)
	case r.Schema != call.SchemaID || r.Source != src.Name || r.Revision != 1:
		tb.Errorf("schema %q, source %q, revision %d", r.Schema, r.Source, r.Revision)
	case !r.ReceivedAt.IsZero():
		tb.Error("received_at is the intake's to set")
	case r.Answered != (r.Outcome == call.Answered):
		tb.Errorf("answered is %v and the outcome %s", r.Answered, r.Outcome)
	}
	checkRaw(tb, body, r.Raw)
	c.checkJSON(tb, r)
}

func checkError(tb testing.TB, r *call.Record, err error) {
	tb.Helper()
	var event *call.NotACall
	var unreadable *call.Unreadable
	if !errors.As(err, &event) && !errors.As(err, &unreadable) {
		tb.Errorf("an error of type %T", err)
	}
	if r != nil || err.Error() == "" {
		tb.Errorf("a record beside the error, or an error without a text: %v, %q", r, err)
	}
}

// checkRaw demands the body as received, compact.
func checkRaw(tb testing.TB, body []byte, raw json.RawMessage) {
	tb.Helper()
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil || !utf8.Valid(raw) {
		tb.Fatalf("raw is not JSON in UTF-8: %v\n%s", err, raw)
	}
	compact.Reset()
	if err := json.Compact(&compact, bytes.TrimPrefix(body, []byte("\ufeff"))); err != nil {
		tb.Fatalf("a record of a body that is not JSON: %v", err)
	}
	if !bytes.Equal(compact.Bytes(), raw) {
		tb.Errorf("raw is not the body, compact:\n%s", raw)
	}
}

// checkJSON demands that the record keeps its schema and survives its own JSON.
func (c checker) checkJSON(tb testing.TB, r *call.Record) {
	tb.Helper()
	first, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(first))
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.schema.Validate(doc); err != nil {
		tb.Errorf("the record breaks its schema: %v\n%s", err, first)
	}
	var back call.Record
	if err := json.Unmarshal(first, &back); err != nil {
		tb.Fatal(err)
	}
	if second, err := json.Marshal(&back); err != nil || !slices.Equal(first, second) {
		tb.Errorf("the record does not survive its JSON (%v):\n%s\n%s", err, first, second)
	}
}
