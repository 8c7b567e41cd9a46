package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// parseYAML reads a tree as a configuration would.
func parseYAML(tb testing.TB, src string) Tree {
	tb.Helper()
	var t Tree
	if err := yaml.Unmarshal([]byte(src), &t); err != nil {
		tb.Fatalf("%v in\n%s", err, src)
	}
	return t
}

const exampleBody = `
externalId: "${call.id}"
phone: "${call.customer.number}"
seconds: "${call.talk_seconds}"
subject: "${call.direction} call, ${call.outcome}"
begun: "${formatTime(call.started_at, '2006-01-02 15:04:05', 'Asia/Jakarta')}"
vendor: {id: "${call.raw.big}", all: "${call.raw.o}"}
tags: ["${call.account}", fixed, "${call.cost}"]
`

func TestTreeJSON(t *testing.T) {
	for _, c := range []struct{ name, src, full, bare string }{
		{
			"the example", exampleBody,
			`{"externalId":"dialer:88-1","phone":"+6281234567890","seconds":0,"subject":"inbound call, answered",` +
				`"begun":"2024-03-01 17:00:00","vendor":{"id":12345678901234567890,` +
				`"all":{"z":1,"a":[1,2,{"k":"v"}],"big":12345678901234567890}},"tags":["acme","fixed"]}`,
			`{"externalId":"dialer:2","subject":"unknown call, unknown","tags":["fixed"]}`,
		},
		{
			"scalars stay as written",
			"date: 2020-01-01\nint: 123456789012345678901234567890\nfloat: 1.50\nexp: 1e3\nneg: -0\nyes: yes\non: True\n" +
				"nothing: null\ntilde: ~\nempty: \"\"\nquoted: \"007\"\ntime: 12:30:45\nblock: |\n  a\n  b\n1: one\ntrue: t\n",
			`{"date":"2020-01-01","int":123456789012345678901234567890,"float":1.50,"exp":1e3,"neg":-0,"yes":"yes","on":true,` +
				`"nothing":null,"tilde":null,"empty":"","quoted":"007","time":"12:30:45","block":"a\nb\n","1":"one","true":"t"}`, "",
		},
		{"keys keep their order", "z: 1\na: 2\nm: 3\n", `{"z":1,"a":2,"m":3}`, ""},
		{"aliases", "a: &x {k: \"${call.id}\"}\nb: *x\nc: [*x, *x]\n", `{"a":{"k":"dialer:88-1"},"b":{"k":"dialer:88-1"},"c":[{"k":"dialer:88-1"},{"k":"dialer:88-1"}]}`, `{"a":{"k":"dialer:2"},"b":{"k":"dialer:2"},"c":[{"k":"dialer:2"},{"k":"dialer:2"}]}`},
		{"literal templates", `{"a$${b}": "$${c}"}`, `{"a${b}":"${c}"}`, ""},
		{"a root that is a template", `"${call.warnings}"`, `["odd","strange"]`, `[]`},
		{"a root that is absent", `"${call.talk_seconds}"`, `0`, `null`},
		{"the whole record", `record: "${call.references}"`, `{"record":{"order_id":"A/1?b#c","custom":"x y+z"}}`, `{"record":{}}`},
		{"quotes are escaped", `a: "<${call.agent.name}>"`, `{"a":"<Siti \"Ani\" & Co>"}`, `{"a":"<>"}`},
		{"a mapping of absent values", `{Owner: {id: "${call.agent.id}"}, a: {b: {c: "${call.agent.id}", d: fixed}}, e: {}, f: {g: 1}}`, `{"Owner":{"id":"7"},"a":{"b":{"c":"7","d":"fixed"}},"e":{},"f":{"g":1}}`, `{"e":{},"f":{"g":1}}`},
		{"one value is enough", `{a: {b: "${call.id}", c: {d: "${call.agent.id}"}}}`, `{"a":{"b":"dialer:88-1","c":{"d":"7"}}}`, `{"a":{"b":"dialer:2"}}`},
		{"elements of absent values", `{l: [{to: {id: "${call.agent.id}"}, type: [1]}, ["${call.agent.id}", x], x], m: [["${call.agent.id}"]]}`, `{"l":[{"to":{"id":"7"},"type":[1]},["7","x"],"x"],"m":[["7"]]}`, `{"l":["x"],"m":[]}`},
		{"a longer text is there", `{a: {b: "by ${call.agent.id}"}}`, `{"a":{"b":"by 7"}}`, `{"a":{"b":"by "}}`},
		{"an empty list is there", `{a: {b: "${call.warnings}"}}`, `{"a":{"b":["odd","strange"]}}`, `{"a":{"b":[]}}`},
		{"a root of absent values", `{a: "${call.agent.id}", b: fixed}`, `{"a":"7","b":"fixed"}`, `{"b":"fixed"}`},
		{"a condition", `{a: {when: call.answered, b: 1}, c: [{when: "!call.answered", d: 1}, {when: "true", d: 2}], e: {when: "call.talk_seconds == 0", f: 1}}`, `{"a":{"b":1},"c":[{"d":2}],"e":{"f":1}}`, `{"c":[{"d":1},{"d":2}]}`},
		{"a condition leaves nothing absent", `{a: {b: fixed, c: {when: call.answered, d: "${call.agent.id}"}}}`, `{"a":{"b":"fixed","c":{"d":"7"}}}`, `{"a":{"b":"fixed"}}`},
		{"a condition of the whole", `{when: call.answered, a: 1}`, `{"a":1}`, `null`},
		{"a key named when", `{$$when: "${call.id}"}`, `{"when":"dialer:88-1"}`, `{"when":"dialer:2"}`},
		{"an absent item is left out", `["${call.talk_seconds}", 1, "${call.cost}"]`, `[0,1]`, `[1]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := parseYAML(t, c.src)
			if c.bare == "" {
				c.bare = c.full
			}
			for _, want := range []string{c.full, c.bare} {
				r := full()
				if want == c.bare && c.bare != c.full {
					r = bare()
				}
				got, err := tree.JSON(NewView(r, nil))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, string(got)); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if !json.Valid(got) {
					t.Errorf("not JSON: %s", got)
				}
			}
		})
	}
}

func TestTreeJSONFunc(t *testing.T) {
	tree := parseYAML(t, `{"&k": "& ${call.agent.name}", whole: "${call.agent.name}", list: "${[call.agent.name, {'&': '&'}]}", obj: "${call.agent}", n: "${call.raw.big}"}`)
	got, err := tree.JSONFunc(NewView(full(), nil), func(s string) string { return strings.ReplaceAll(s, "&", "&amp;") })
	want := `{"&k":"& Siti \"Ani\" &amp; Co","whole":"Siti \"Ani\" &amp; Co","list":["Siti \"Ani\" &amp; Co",{"&":"&amp;"}],` +
		`"obj":{"extension":"8001","id":"7","name":"Siti \"Ani\" &amp; Co"},"n":12345678901234567890}`
	if d := cmp.Diff(want, string(got)); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestTreeFields(t *testing.T) {
	tree := parseYAML(t, exampleBody+"flag: true\nnothing: null\nn: 1.50\nwarnings: \"${call.warnings}\"\n")
	got, err := tree.Fields(NewView(full(), nil))
	want := []Field{
		{"externalId", "dialer:88-1"},
		{"phone", "+6281234567890"},
		{"seconds", "0"},
		{"subject", "inbound call, answered"},
		{"begun", "2024-03-01 17:00:00"},
		{"vendor", `{"id":12345678901234567890,"all":{"z":1,"a":[1,2,{"k":"v"}],"big":12345678901234567890}}`},
		{"tags", `["acme","fixed"]`},
		{"flag", "true"},
		{"nothing", ""},
		{"n", "1.50"},
		{"warnings", `["odd","strange"]`},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if !tree.IsMapping() || parseYAML(t, "[a]").IsMapping() {
		t.Error("IsMapping is wrong")
	}
	if _, err := parseYAML(t, "[a]").Fields(NewView(full(), nil)); err == nil {
		t.Error("a sequence gives fields")
	}
}

func TestZeroTree(t *testing.T) {
	b, err := Tree{}.JSON(NewView(full(), nil))
	if string(b) != "null" || err != nil || !(Tree{}).IsZero() {
		t.Errorf("%s, %v", b, err)
	}
	if parseYAML(t, "a: 1").IsZero() {
		t.Error("a tree is zero")
	}
}

func TestTreeRenderErrorNamesThePlace(t *testing.T) {
	tree := parseYAML(t, `{a: [1, {b: "x ${int(call.id)}"}]}`)
	if _, err := tree.JSON(NewView(full(), nil)); err == nil || !strings.HasPrefix(err.Error(), "a[1].b: type conversion") {
		t.Errorf("error %v", err)
	}
	if _, err := tree.Fields(NewView(full(), nil)); err == nil || !strings.HasPrefix(err.Error(), "a[1].b: type conversion") {
		t.Errorf("error %v", err)
	}
}

func TestTreeErrors(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string
	}{
		{"a: ${call.nix}\nb: 1\nc:\n  d: ${call.id\n", []string{`line 1: column 7: call has no field "nix"`, "line 4: column 1: the ${ has no closing }"}},
		{"a: 1\nb: 2\na: 3\n", []string{`line 3: the key "a" is already there on line 1`}},
		{"a: !foo bar\nb: !!str 1\n", []string{"line 1: the YAML tag !foo", "line 2: the YAML tag !!str"}},
		{"a: !call.answered\n", []string{"line 1: the YAML tag !call.answered"}},
		{"a:\nb: 1\n", []string{"line 1: the value is empty: write null"}},
		{"a:\n  when: call.nix\n", []string{`line 2: column 5: call has no field "nix"`, "line 2: `when` in a body"}},
		{"a: {when: call.id}\n", []string{"the condition is of type string", "`when` in a body"}},
		{"a: {when: [x]}\n", []string{"line 1: must be a text", "`when` in a body"}},
		{"a: 0x1F\nb: 0812\nc: 1_000\nd: .inf\ne: +1\n", []string{"line 1: 0x1F", "line 2: 0812", "line 3: 1_000", "line 4: .inf", "line 5: +1"}},
		{"a: &x {b: 1}\nc:\n  <<: *x\n", []string{"line 3: the merge key <<"}},
		{"${call.id}: 1\n", []string{"line 1: a key cannot hold a template"}},
		{"? [a]\n: 1\n", []string{"a key must be a plain text"}},
		{"? \n: 1\n", []string{"a key is empty"}},
		{"a: |\n  text\n  ${call.nix}\n", []string{`line 3: column 7: call has no field "nix"`}},
	} {
		var tree Tree
		err := yaml.Unmarshal([]byte(c.src), &tree)
		var te *yaml.TypeError
		if !errors.As(err, &te) {
			t.Errorf("%q: %v", c.src, err)
			continue
		}
		if len(te.Errors) != len(c.want) {
			t.Errorf("%q: %d errors %q, want %d", c.src, len(te.Errors), te.Errors, len(c.want))
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(te.Errors[i], want) && !strings.Contains(te.Errors[i], want) {
				t.Errorf("%q: %q, want %q", c.src, te.Errors[i], want)
			}
		}
	}
}

// TestTreeBounds refuses trees that aliases blow up, and one that holds itself.
func TestTreeBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 9), i-1)
	}
	for _, src := range []string{b.String(), strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(src), &n); err != nil {
			t.Fatal(err)
		}
		if _, err := parseTree(&n); err == nil || !strings.Contains(err.Error(), "too large or nests too deep") {
			t.Errorf("error %v", err)
		}
	}
	self := &yaml.Node{Kind: yaml.SequenceNode}
	self.Content = []*yaml.Node{{Kind: yaml.AliasNode, Alias: self}}
	if _, err := parseTree(self); err == nil {
		t.Error("a tree that holds itself is taken")
	}
}

func FuzzTree(f *testing.F) {
	for _, s := range []string{
		exampleBody, "a: &x 1\nb: *x\n", "[1, ~, 0x1, .nan, 2020-01-01]", "a: ${call.raw.o}", "? a\n: b", "<<: {a: 1}",
		"a: |\n ${call.id}", "!!map {a: b}", "{when: call.answered, $$when: {a: \"${call.cost}\"}}", "[{when: 'x'}, [\"${call.cost}\"]]", "\"${call.talk_seconds}\"", "- - - a",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		var n yaml.Node
		if yaml.Unmarshal([]byte(src), &n) != nil {
			return
		}
		tree, err := parseTree(&n)
		if err != nil {
			return
		}
		b, err := tree.JSON(NewView(full(), nil))
		if err == nil && !json.Valid(b) {
			t.Fatalf("%q gives %q", src, b)
		}
		_, _ = tree.Fields(NewView(bare(), nil))
		_, _ = tree.JSONFunc(NewView(full(), nil), strings.ToUpper)
	})
}

func BenchmarkTreeJSON(b *testing.B) {
	tree := parseYAML(b, exampleBody)
	r := full()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tree.JSON(NewView(r, nil)); err != nil {
			b.Fatal(err)
		}
	}
}
