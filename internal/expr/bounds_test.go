package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// megabyte is a record whose raw callback has about a mebibyte.
func megabyte(letter string) *call.Record {
	r := full()
	spelled, _ := json.Marshal(letter)
	text := strings.Repeat(letter, (1<<20)/(len(spelled)-len(`""`)))
	raw, _ := json.Marshal(map[string]any{
		"text": text, "half": text[:len(text)/2], "short": "ab", "n": 1,
		"list": []string{text[:8], text[:16]},
	})
	r.Raw = raw
	return r
}

// tooLong tells work without a bound from a slow machine: what is bounded takes a
// tenth of a second.
const tooLong = time.Minute

// costs runs f and returns what it allocated, and how long it took.
func costs(f func()) (bytes uint64, took time.Duration) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	f()
	took = time.Since(begun)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, took
}

// TestExpensiveFunctionsNoRace hands every function whose work or result can be larger
// than its arguments a callback of a mebibyte: it ends with an error, or cheaply.
func TestExpensiveFunctionsNoRace(t *testing.T) {
	many := func(term string, n int) string { return strings.TrimSuffix(strings.Repeat(term+" && ", n), " && ") }
	loop := "[" + strings.TrimSuffix(strings.Repeat("1,", 2000), ",") + "]"
	for _, src := range []string{
		many(`!call.raw.text.matches("(x+x+)+y")`, 20),
		many(`!call.raw.text.matches(call.raw.short)`, 20),
		`call.raw.text.matches(call.raw.half)`,
		`call.raw.text.replace("a", call.raw.half).size() > 0`,
		`call.raw.text.replace("", call.raw.half).size() > 0`,
		`call.raw.text.split("").size() > 0`,
		`call.raw.text.split("").join(call.raw.half) != ""`,
		`[call.raw.text, call.raw.text, call.raw.text].join(call.raw.text) != ""`,
		`"%s%s%s%s".format([call.raw.text, call.raw.text, call.raw.text, call.raw.text]) != ""`,
		`("%.1000" + "000f").format([1.0]) != ""`,
		`"%s".format([call.raw]) != ""`,
		`call.raw.text.indexOf(call.raw.half + "b") == 0`,
		`call.raw.text.lastIndexOf("b" + call.raw.half) == 0`,
		strings.Repeat("(", 90) + `call.raw.text` + strings.Repeat(` + call.raw.text)`, 90) + ` != ""`,
		loop + `.all(x, call.raw.text.size() > x)`,
		loop + `.all(x, bytes(call.raw.text).size() > x)`,
		loop + `.all(x, call.raw.text.upperAscii() != "")`,
		loop + `.all(x, call.raw.text.charAt(x) != "")`,
		loop + `.all(x, call == call)`,
		loop + `.all(x, call.raw == call.raw)`,
		loop + `.all(x, toJSON(call).size() > x)`,
		loop + `.all(x, !call.raw.text.contains(call.raw.half + "b"))`,
		many(`toJSON(call.raw).size() > 1`, 200),
	} {
		c, err := CompileCondition(src)
		if err != nil {
			t.Errorf("%.60s: %v", src, err)
			continue
		}
		for _, letter := range []string{"a", "‹"} {
			r := megabyte(letter)
			bytes, took := costs(func() { _, _ = c.Holds(NewView(r, nil)) })
			if bytes > 96<<20 || took > tooLong {
				t.Errorf("%.60s with %q: %d MiB, %v", src, letter, bytes>>20, took)
			}
		}
	}
}

// TestLongTextsOfRawAreCheap: rules may look at a few texts of a callback of a
// mebibyte, and match it with many regular expressions.
func TestLongTextsOfRawAreCheap(t *testing.T) {
	var all []string
	for i := range 20 {
		all = append(all, fmt.Sprintf(`!call.raw.text.matches("(x+x+)+y%d") && call.raw.text != "b" && !call.raw.text.startsWith("b")`, i))
	}
	all = append(all, `!call.raw.half.contains("b") && call.raw.short == "ab"`)
	v := NewView(megabyte("a"), nil)
	for _, src := range all {
		c, err := CompileCondition(src)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := c.Holds(v); !ok || err != nil {
			t.Fatalf("%s: %v, %v", src, ok, err)
		}
	}
}

// TestNestedWalks walks through lists of a mebibyte in loops within loops: no
// element is decoded again for each step.
func TestNestedWalks(t *testing.T) {
	var elements []string
	for range 400 {
		elements = append(elements, `{"a":[`+strings.Repeat("1,", 1200)+`1]}`)
	}
	for raw, src := range map[string]string{
		`{"l":[` + strings.Join(elements, ",") + `]}`:          `call.raw.l.all(x, call.raw.l.all(y, y.a[0] == 1))`,
		`{"l":[[` + strings.Join(elements, "],[") + `]]}`:      `call.raw.l.all(x, call.raw.l.all(y, x == y))`,
		`{"l":[` + strings.Repeat("0,", 1<<19) + `0]}`:         `call.raw.l.all(x, x == 0)`,
		`{"l":[[[[[` + strings.Repeat("0,", 1<<19) + `0]]]]]}`: `call.raw.l[0][0][0][0].all(x, x == 0)`,
	} {
		c, err := CompileCondition(src)
		if err != nil {
			t.Fatal(err)
		}
		r := full()
		r.Raw = json.RawMessage(raw)
		var got error
		bytes, took := costs(func() { _, got = c.Holds(NewView(r, nil)) })
		if !errors.Is(got, ErrCost) {
			t.Errorf("%s: %v", src, got)
		}
		if bytes > 128<<20 || took > tooLong {
			t.Errorf("%s: %d MiB, %v", src, bytes>>20, took)
		}
	}
}

// TestCostIsOfAllConditions: one condition is within the bound, many are not, and
// which one passes it is the same every time.
func TestCostIsOfAllConditions(t *testing.T) {
	c, err := CompileCondition(`call.raw.l.all(x, x != "z")`)
	if err != nil {
		t.Fatal(err)
	}
	r := full()
	r.Raw = json.RawMessage(`{"l":["` + strings.Repeat(`a","`, 5000) + `a"]}`)
	last := 0
	for try := range 3 {
		v := NewView(r, nil)
		n := 0
		for ; n < 1000; n++ {
			if ok, err := c.Holds(v); err != nil || !ok {
				if !errors.Is(err, ErrCost) {
					t.Fatal(err)
				}
				break
			}
		}
		if n < 5 || n == 1000 || try > 0 && n != last {
			t.Errorf("condition %d passes the bound, %d before", n, last)
		}
		last = n
	}
	plain, err := CompileCondition(`call.direction == "inbound" && call.customer.number.startsWith("+62")`)
	if err != nil {
		t.Fatal(err)
	}
	v := NewView(r, nil)
	for i := range 10_000 {
		if ok, err := plain.Holds(v); !ok || err != nil {
			t.Fatalf("plain condition %d: %v", i, err)
		}
	}
}

// TestMatchesSeesTheBeginning: what a regular expression sees of a long text.
func TestMatchesSeesTheBeginning(t *testing.T) {
	r := full()
	long, _ := json.Marshal(map[string]string{
		"early": "spam" + strings.Repeat("é", 2000), "late": strings.Repeat("é", 2000) + "spam",
	})
	r.Raw = long
	for src, want := range map[string]bool{
		`call.raw.early.matches("spam")`:                                true,
		`call.raw.late.matches("spam")`:                                 false,
		`call.raw.late.contains("spam")`:                                true,
		`call.raw.late.matches("^é+$")`:                                 true, // cut at a character
		`matches(call.id, "^dialer:")`:                                  true,
		`["^x", "^dialer:"].exists(p, call.id.matches(p))`:              true,
		`call.raw.early.matches("^" + "spam")`:                          true,
		`call.raw.late.matches("(" + "spam" + ")")`:                     false,
		`dyn(call.raw.early).matches("spam") && !call.id.matches("^x")`: true,
	} {
		c, err := CompileCondition(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := c.Holds(NewView(r, nil)); got != want || err != nil {
			t.Errorf("%s: %v, %v", src, got, err)
		}
	}
	for src, want := range map[string]string{
		`call.id.matches("a{900}b{900}c{900}d{900}e{900}f{900}")`: "too large",
	} {
		if _, err := CompileCondition(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", src, err)
		}
	}
	answer := Response{Body: []byte("maintenance" + strings.Repeat("x", 60_000) + "late")}
	for src, want := range map[string]bool{
		`response.body.matches("maintenance")`: true, `response.body.matches("late")`: false, `response.body.contains("late")`: true,
	} {
		c, err := CompileResponse(src)
		if err != nil {
			t.Fatal(err)
		}
		if c.Holds(answer) != want {
			t.Errorf("%s is not %v", src, want)
		}
	}
}

// TestRequestIsBoundedNoRace renders what would be far too large: the error comes
// before the memory.
func TestRequestIsBoundedNoRace(t *testing.T) {
	fields := func(value string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "k%d: %q\n", i, value)
		}
		return b.String()
	}
	for name, body := range map[string]string{
		"200 fields of a mebibyte": fields("${call.raw.text}", 200),
		"toJSON in 300 fields":     fields("${toJSON(call.raw)}", 300),
		"within longer texts":      fields("a ${call.raw.text} b", 200),
		"objects":                  fields("${call.raw}", 200),
		"lists":                    fields("${[call.raw.text, call.raw.text]}", 200),
		"sizes alone":              fields("${toJSON(call.raw).size()}", 300),
		"halves":                   fields("${call.raw.half}", 3),
	} {
		for _, letter := range []string{"a", "\x01"} {
			tree, r := parseYAML(t, body), megabyte(letter)
			for form, render := range map[string]func(*View) error{
				"json": func(v *View) error { _, err := tree.JSON(v); return err },
				"escaped": func(v *View) error {
					_, err := tree.JSONFunc(v, func(s string) string { return strings.ReplaceAll(s, "<", "&lt;") })
					return err
				},
				"form": func(v *View) error { _, err := tree.Fields(v); return err },
			} {
				var err error
				bytes, took := costs(func() { err = render(NewRendering(r, Rendering{Budget: NewBudget(1 << 20)})) })
				if err == nil || bytes > 96<<20 || took > tooLong {
					t.Errorf("%s of %q as %s: %v, %d MiB, %v", name, letter, form, err, bytes>>20, took)
				}
			}
		}
	}
}

// TestRequestBoundIsExact: what fits the bound to the byte is rendered, one byte
// more is not, whatever the parts are.
func TestRequestBoundIsExact(t *testing.T) {
	tree := parseYAML(t, "a: \"${call.id} x\"\nb: [\"${call.agent.name}\", {c: \"${call.raw.o}\", d: \"${call.cost}\"}]\n")
	u, err := ParseURL("https://crm.example.com/calls/${call.id}?a=${call.agent.name}")
	if err != nil {
		t.Fatal(err)
	}
	render := func(bytes int) (int, error) {
		v := NewRendering(full(), Rendering{Budget: NewBudget(bytes)})
		address, err := u.Render(v)
		if err != nil {
			return 0, err
		}
		body, err := tree.JSON(v)
		return len(address) + len(body), err
	}
	n, err := render(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := render(n); err != nil {
		t.Errorf("%d bytes do not fit %d: %v", n, n, err)
	}
	for less := 1; less < n; less++ {
		if _, err := render(n - less); err == nil || !strings.Contains(err.Error(), "larger than") {
			t.Fatalf("%d bytes fit %d: %v", n, n-less, err)
		}
	}
}

func TestLongURLIsRefused(t *testing.T) {
	if _, err := ParseURL("https://crm.example.com/" + strings.Repeat("a", maxText)); err == nil {
		t.Error("a URL of a mebibyte is taken")
	}
}

func BenchmarkBound(b *testing.B) {
	c, err := CompileCondition(`call.raw.l.all(x, x != 7)`)
	if err != nil {
		b.Fatal(err)
	}
	r := full()
	r.Raw = json.RawMessage(`{"l":[` + strings.Repeat("0,", 1<<19) + `0]}`)
	for b.Loop() {
		if _, err := c.Holds(NewView(r, nil)); !errors.Is(err, ErrCost) {
			b.Fatal(err)
		}
	}
}
