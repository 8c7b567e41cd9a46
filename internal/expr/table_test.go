package expr

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseTable(t *testing.T) {
	for _, c := range []struct {
		file, content string
		want          Table
		wrong         string
	}{
		{"owners.csv", "amy@example.com,1001\n\"Siti \"\"Ani\"\", B\" , 1002\n\nx,\n", Table{"amy@example.com": "1001", `Siti "Ani", B`: "1002", "x": ""}, `quote`},
		{"owners.csv", "\xef\xbb\xbfamy, 1001\r\n\"a,b\",2\r\n", Table{"amy": "1001", "a,b": "2"}, ""},
		{"owners.CSV", "", Table{}, ""},
		{"owners.csv", "amy\nbob,1,2\n,3\namy2,4\namy2,5\n", nil, "line 1: there are 1 columns where 2 are expected, key and value, with a comma between\nline 2: there are 3 columns where 2 are expected, key and value, with a comma between\nline 3: the key is empty\nline 5: the key \"amy2\" is already there on line 4: keep one"},
		{"owners.csv", "amy,\"1\nbob,2\n", nil, `line`},
		{"owners.csv", "a\xff,1\n", nil, "UTF-8"},
		{"owners.yaml", "amy@example.com: 1001\n007: \"x\"\nyes: no\n", Table{"amy@example.com": "1001", "007": "x", "yes": "no"}, ""},
		{"owners.yaml", "", Table{}, ""},
		{"owners.yaml", "# none\n", Table{}, ""},
		{"owners.yaml", "- a\n", nil, "line 1: a table is a mapping"},
		{"owners.yaml", "a: 1\nb: [1]\nc:\na: 2\n", nil, "line"},
		{"owners.yaml", "a: {\n", nil, "line"},
		{"owners.yaml", "a: 1\n---\nb: 2\n", nil, "second YAML document"},
		{"owners.csv", strings.Repeat("a", MaxTable+1), nil, "larger than"},
	} {
		got, err := ParseTable(c.file, []byte(c.content))
		switch {
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%.40q: %v, want %s", c.content, err, c.wrong)
		case c.wrong == "" && err != nil:
			t.Errorf("%.40q: %v", c.content, err)
		case c.wrong == "":
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%.40q (-want +got):\n%s", c.content, d)
			}
		}
	}
}

func lookup(table, key string) (string, bool) {
	value, found := map[string]string{"7": "owner-7", "acme": "gold"}[key]
	return value, found && table == "owners"
}

func TestTableInExpressions(t *testing.T) {
	c, err := CompileCondition(`table("owners", call.account) == "gold"`)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Holds(NewView(full(), lookup)); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := c.Holds(NewView(bare(), lookup)); ok || err != nil {
		t.Errorf("a key that is not there: %v, %v", ok, err)
	}
	if ok, err := c.Holds(NewView(full(), nil)); ok || err == nil {
		t.Errorf("without tables: %v, %v", ok, err)
	}
	tree := parseYAML(t, `{owner: {id: "${table('owners', call.agent.id)}"}, who: "by ${table('owners', call.agent.id)}", list: "${[call.agent.id].map(a, table('owners', a))}"}`)
	for want, r := range map[string]*View{
		`{"owner":{"id":"owner-7"},"who":"by owner-7","list":["owner-7"]}`: NewRendering(full(), Rendering{Lookup: lookup, Budget: NewBudget(maxText)}),
		`{"who":"by ","list":[""]}`:                                        NewRendering(bare(), Rendering{Lookup: lookup, Budget: NewBudget(maxText)}),
	} {
		if got, err := tree.JSON(r); string(got) != want || err != nil {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if d := cmp.Diff([]Comparison{{Field: TableField, Text: "owners"}}, Comparisons("a ${table('owners', call.id)} b")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestNow(t *testing.T) {
	at := time.Date(2026, 11, 30, 13, 0, 0, 0, time.UTC)
	text, err := ParseText("${epochSeconds(now)} ${formatTime(now, '15:04', 'Asia/Jakarta')}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := text.String(NewRendering(full(), Rendering{Now: at, Budget: NewBudget(maxText)})); got != "1796043600 20:00" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	u, err := ParseURL("https://example.com/?t=${epochMillis(now)}")
	if err != nil {
		t.Fatal(err)
	}
	if !text.DependsOnNow() || text.DependsOnCall() || !u.DependsOnNow() || u.DependsOnCall() {
		t.Error("a template of now is not known as one")
	}
	for body, want := range map[string]bool{
		`{a: [{b: "${now}"}]}`: true, `{a: {when: "now > call.started_at", b: 1}}`: true, `{a: "${call.id}", b: now}`: false,
	} {
		if got := parseYAML(t, body).DependsOnNow(); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	if _, err := CompileCondition(`now > call.started_at`); err == nil {
		t.Error("a rule knows the time")
	}
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{"a,b\n", "\"a\nb\",c", "a: b\n", "a,b,c", "\xef\xbb\xbf,", "a: &x 1\nb: *x\n", "{a: b}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, file := range []string{"t.csv", "t.yaml"} {
			table, err := ParseTable(file, []byte(s))
			for key := range table {
				if err != nil || key == "" || strings.TrimSpace(key) != key {
					t.Errorf("%q has the key %q, error %v", s, key, err)
				}
			}
		}
	})
}
