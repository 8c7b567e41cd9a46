package expr

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

// absentValue marks a text that is not present.
type absentValue struct{}

func TestRender(t *testing.T) {
	for _, c := range []struct {
		src        string
		full, bare any
	}{
		{"", "", ""},
		{"plain } text $ {", "plain } text $ {", "plain } text $ {"},
		{"$${call.id}", "${call.id}", "${call.id}"},
		{"a$$${b", "a$${b", "a$${b"},
		{"${call.id}", "dialer:88-1", "dialer:2"},
		{"${ call.answered }", true, false},
		{"${call.talk_seconds}", int64(0), absentValue{}},
		{"${call.revision}", int64(1), int64(0)},
		{"${1.5}", 1.5, 1.5},
		{"${2u}", uint64(2), uint64(2)},
		{"${null}", nil, nil},
		{"${call.customer.number}", "+6281234567890", absentValue{}},
		{"${call.cost}", absentValue{}, absentValue{}},
		{"${''}", absentValue{}, absentValue{}},
		{"${call.started_at}", "2024-03-01T10:00:00.250Z", absentValue{}},
		{"${call.ended_at - call.started_at}", "90s", absentValue{}},
		{"${b'ab'}", "YWI=", "YWI="},
		{"${call.warnings}", json.RawMessage(`["odd","strange"]`), json.RawMessage(`[]`)},
		{"${call.warnings[1]}", "strange", absentValue{}},
		{"${call.customer}", json.RawMessage(`{"raw":"081234567890","number":"+6281234567890"}`), json.RawMessage(`{}`)},
		{"${call.hangup}", json.RawMessage(`{"by":"agent","code":"16","q850":16}`), json.RawMessage(`{}`)},
		{"${ {'b': 1, 'a': [call.from.number, null, 1.5, true]} }", json.RawMessage(`{"a":["+6281234567890",null,1.5,true],"b":1}`), json.RawMessage(`{"a":["",null,1.5,true],"b":1}`)},
		{"${ {1: 'x', true: 'y'} }", json.RawMessage(`{"1":"x","true":"y"}`), json.RawMessage(`{"1":"x","true":"y"}`)},
		{"${call.raw.big}", json.Number("12345678901234567890"), absentValue{}},
		{"${call.raw.id}", json.Number("9007199254740993"), absentValue{}},
		{"${call.raw['fee']}", json.Number("12.50"), absentValue{}},
		{"${call.raw.o}", json.RawMessage(`{"z":1,"a":[1,2,{"k":"v"}],"big":12345678901234567890}`), absentValue{}},
		{"${call.raw.o.a[2].k}", "v", absentValue{}},
		{"${call.raw.o.a[1]}", json.Number("2"), absentValue{}},
		{"${call.raw.o.a[7]}", absentValue{}, absentValue{}},
		{"${call.raw.o.b}", absentValue{}, absentValue{}},
		{"${call.raw.none}", nil, absentValue{}},
		{"${call.raw.flag}", true, absentValue{}},
		{"${call.raw.empty}", absentValue{}, absentValue{}},
		{"${call.raw.n + 1}", int64(6), absentValue{}},
		{"${call.raw.fee * 2.0}", 25.0, absentValue{}},
		{"${string(call.raw.id)}", "9007199254740993", absentValue{}},
		{"${toJSON(call.raw.o)}", `{"z":1,"a":[1,2,{"k":"v"}],"big":12345678901234567890}`, absentValue{}},
		{"${toJSON(call.warnings)}", `["odd","strange"]`, `[]`},
		{"${toJSON(call.agent.name)}", `"Siti \"Ani\" & Co"`, `""`},
		{"${mask(call.customer.number)}", "+62*********90", absentValue{}},
		{"${mmss(call.total_seconds)}", "01:30", absentValue{}},
		{"${mmss(3725)}", "62:05", "62:05"},
		{"${epochMillis(call.started_at)}", int64(1709287200250), absentValue{}},
		{"${epochSeconds(call.started_at)}", int64(1709287200), absentValue{}},
		{"${formatTime(call.started_at, '2006-01-02 15:04:05', 'Asia/Jakarta')}", "2024-03-01 17:00:00", absentValue{}},
		{"${has(call.talk_seconds) ? 'talked' : 'no idea'}", "talked", "no idea"},
		{"${call.direction} call, ${call.outcome}", "inbound call, answered", "unknown call, unknown"},
		{"[${call.customer.number}]", "[+6281234567890]", "[]"},
		{"[${call.talk_seconds}]", "[0]", "[]"},
		{"[${call.started_at}]", "[2024-03-01T10:00:00.250Z]", "[]"},
		{"[${call.raw.big}/${call.raw.fee}]", "[12345678901234567890/12.50]", "[/]"},
		{"[${call.raw.none}${null}${1.0}${true}]", "[1true]", "[1true]"},
		{"[${call.warnings}]", `[["odd","strange"]]`, "[[]]"},
		{`${"}" + call.id}`, "}dialer:88-1", "}dialer:2"},
		{`${'''}'"''' + """'}""" + r"\" + '\'}'}`, `}'"'}\'}`, `}'"'}\'}`},
		{"${ // }\n call.id}", "dialer:88-1", "dialer:2"},
		{"${{'a': {'b': '}'}}['a']['b']}", "}", "}"},
	} {
		t.Run(c.src, func(t *testing.T) {
			text, err := ParseText(c.src)
			if err != nil {
				t.Fatal(err)
			}
			if text.Source() != c.src || text.IsZero() {
				t.Error("the source is lost")
			}
			for _, r := range []struct {
				name string
				want any
			}{{"full", c.full}, {"bare", c.bare}} {
				record := full()
				if r.name == "bare" {
					record = bare()
				}
				got, err := rendered(text, record)
				if err != nil {
					t.Errorf("%s: %v", r.name, err)
				}
				if d := cmp.Diff(asJSON(t, r.want), got); d != "" {
					t.Errorf("%s (-want +got):\n%s", r.name, d)
				}
			}
		})
	}
}

// rendered is a text as JSON, with the type of a whole ${…}; empty when it is
// not present.
func rendered(text Text, r *call.Record) (string, error) {
	v := &NewView(r, nil).view
	w := v.writer(nil)
	_, err := text.writeJSON(w, v)
	return string(w.buf), err
}

func asJSON(t *testing.T, want any) string {
	t.Helper()
	if want == (absentValue{}) {
		return ""
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(want); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestTextStatic(t *testing.T) {
	for src, want := range map[string]string{"": "", "a": "a", "$${x}": "${x}"} {
		text, err := ParseText(src)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := text.Static(); got != want || !ok {
			t.Errorf("%q: %q, %v", src, got, ok)
		}
	}
	text, err := ParseText("a${call.id}")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := text.Static(); ok {
		t.Error("a template is static")
	}
	if s, err := (Text{}).String(NewView(bare(), nil)); s != "" || err != nil || !(Text{}).IsZero() {
		t.Error("the zero Text is not empty")
	}
}

func TestStringFuncEscapesValuesOnly(t *testing.T) {
	text, err := ParseText("<b> ${call.agent.name} & ${call.talk_seconds}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := text.StringFunc(NewView(full(), nil), strings.NewReplacer("&", "&amp;", "0", "zero").Replace)
	if want := `<b> Siti "Ani" &amp; Co & zero`; got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestRenderFails(t *testing.T) {
	for src, want := range map[string]string{
		"${1 / (call.revision - 1)}": "division by zero",
		"x ${int(call.id)}":          "type conversion error",
		"${1.0 / 0.0}":               "infinite",
		"x ${1.0 / 0.0}":             "infinite",
		"${type(call.id)}":           "cannot be written",
		"${mmss(-1)}":                "negative",
		"${call.raw.n.foo}":          "", // a path that leads nowhere
	} {
		text, err := ParseText(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		got, err := rendered(text, full())
		if want == "" && got != "" || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", src, got, err, want)
		}
	}
}

func TestTextErrors(t *testing.T) {
	for src, want := range map[string]string{
		"${call.id":                   "column 1: the ${ has no closing }",
		"ab ${'x}":                    "column 4: the ${ has no closing }",
		"${}":                         "column 3: the expression is empty",
		"é ${call.nix}":               `column 9: call has no field "nix"`,
		"one\n ${ call.id +\n 5 }":    "line 2",
		"${call.one} and ${call.two}": `column 23: call has no field "two"`,
	} {
		_, err := ParseText(src)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", src, err, want)
		}
	}
}

// FuzzSplit holds the scanner to what it promises: no panic, and the segments
// are the text but for the marks.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "a", "${call.id}", "$${", "$$${x}", "${'}'}", "${r'\\'}", "${\"\"\"}\"\"\"}", "${{{}}}", "${//}\n}",
		"${", "${'", "a ${b} c ${d}", "${rb'\\'} ${br\"}\"}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		segments, err := split(src)
		if err != nil {
			return
		}
		var back strings.Builder
		for _, s := range segments {
			if s.isExpr {
				if src[s.offset:s.offset+len(s.text)] != s.text {
					t.Fatalf("offset %d is wrong in %q", s.offset, src)
				}
				back.WriteString("${" + s.text + "}")
				continue
			}
			back.WriteString(s.text)
		}
		// Only the first $ of each $${ may be gone.
		if n := len(src) - back.Len(); n < 0 || n > strings.Count(src, "$${") || n == 0 && back.String() != src {
			t.Fatalf("%q became %q", src, back.String())
		}
		if text, err := ParseText(src); err == nil {
			_, _ = rendered(text, full())
		}
	})
}

// FuzzStringLiterals puts any text into CEL string literals and reads it back
// through the scanner.
func FuzzStringLiterals(f *testing.F) {
	for _, s := range []string{"", "}", "'", `"`, `\`, "${", "$${", "//", "a\nb", `\}'`, "'''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, _ := json.Marshal(s)
		var want string
		if json.Unmarshal(b, &want) != nil || strings.ContainsAny(want, "\ufffd\x00") || len(b) > 4000 {
			return // what JSON escapes change, or CEL does not take
		}
		text, err := ParseText("<${" + string(b) + "}>")
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if got, err := text.String(NewView(bare(), nil)); got != "<"+want+">" || err != nil {
			t.Fatalf("%q became %q, %v", want, got, err)
		}
	})
}

func FuzzQuotedText(f *testing.F) {
	for _, s := range []string{"", `a"b\c`, "\x00\x1f\x7f", "é\u2028", "\xff\xfe", "</script>&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(quotedText(s), &got); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); len([]rune(s)) != len([]rune(got)) || strings.ToValidUTF8(s, "") == s && got != want {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
