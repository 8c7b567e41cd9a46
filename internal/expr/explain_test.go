package expr

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

// lines writes terms as a test wants to read them: * marks what decided.
func lines(terms []Term) []string {
	var out []string
	for _, t := range terms {
		mark := " "
		if t.Decided {
			mark = "*"
		}
		line := fmt.Sprintf("%s %s: %s", mark, t.Text, t.Value)
		for _, o := range t.Operands {
			line += fmt.Sprintf("; %s = %s", o.Text, o.Value)
		}
		out = append(out, line)
	}
	return out
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		src        string
		full, bare []string
	}{
		{
			src:  `call.direction == 'internal'`,
			full: []string{`* call.direction == "internal": false; call.direction = "inbound"`},
			bare: []string{`* call.direction == "internal": false; call.direction = "unknown"`},
		},
		{
			src: `call.revision == 1 && call.direction == "inbound" && !call.answered`,
			full: []string{
				`  call.revision == 1: true; call.revision = 1`,
				`  call.direction == "inbound": true; call.direction = "inbound"`,
				`* call.answered: true`,
			},
			bare: []string{
				`* call.revision == 1: false; call.revision = 0`,
				`* call.direction == "inbound": false; call.direction = "unknown"`,
				`  call.answered: false`,
			},
		},
		{
			src: `call.answered || call.talk_seconds > 60`,
			full: []string{
				`* call.answered: true`,
				`  call.talk_seconds > 60: false; call.talk_seconds = 0`,
			},
			bare: []string{
				`  call.answered: false`,
				`* call.talk_seconds > 60: call.talk_seconds has no value; call.talk_seconds = no value`,
			},
		},
		{
			src: `call.talk_seconds + call.wait_seconds >= 5 && call.talk_seconds < 1000`,
			full: []string{
				`* call.talk_seconds + call.wait_seconds >= 5: true; ` +
					`call.talk_seconds + call.wait_seconds = 5; call.talk_seconds = 0; call.wait_seconds = 5`,
				`* call.talk_seconds < 1000: true; call.talk_seconds = 0`,
			},
			bare: []string{
				`* call.talk_seconds + call.wait_seconds >= 5: call.talk_seconds has no value; ` +
					`call.talk_seconds + call.wait_seconds = no value; call.talk_seconds = no value; call.wait_seconds = no value`,
				`* call.talk_seconds < 1000: call.talk_seconds has no value; call.talk_seconds = no value`,
			},
		},
		{
			src: `call.answered ? call.customer.number.startsWith("+62") : call.raw.n == 5`,
			full: []string{
				`* call.answered: true`,
				`* call.customer.number.startsWith("+62"): true; call.customer.number = "+6281234567890"`,
				`  call.raw.n == 5: true; call.raw.n = 5`,
			},
			bare: []string{
				`* call.answered: false`,
				`  call.customer.number.startsWith("+62"): false; call.customer.number = ""`,
				`* call.raw.n == 5: no such key: n; call.raw.n = no value`,
			},
		},
		{
			src: `call.started_at.getHours("Asia/Jakarta") == 17 && call.ended_at - call.started_at > duration("60s")`,
			full: []string{
				`* call.started_at.getHours("Asia/Jakarta") == 17: true; ` +
					`call.started_at.getHours("Asia/Jakarta") = 17; call.started_at = "2024-03-01T10:00:00.250Z"`,
				`* call.ended_at - call.started_at > duration("60s"): true; call.ended_at - call.started_at = "90s"; ` +
					`call.ended_at = "2024-03-01T10:01:30.250Z"; call.started_at = "2024-03-01T10:00:00.250Z"`,
			},
		},
		{
			src:  `call.warnings.exists(w, w.contains("odd")) && has(call.hangup.q850) && call.raw["odd key"] == 1`,
			full: []string{`* call.warnings.exists(w, w.contains("odd")): true; call.warnings = ["odd","strange"]`, `* has(call.hangup.q850): true`, `* call.raw["odd key"] == 1: true; call.raw["odd key"] = 1`},
			bare: []string{`* call.warnings.exists(w, w.contains("odd")): false; call.warnings = []`, `* has(call.hangup.q850): false`, `  call.raw["odd key"] == 1: no such key: odd key; call.raw["odd key"] = no value`},
		},
		{
			src:  `call.outcome in ["answered", call.account]`,
			full: []string{`* call.outcome in ["answered", call.account]: true; call.outcome = "answered"; call.account = "acme"`},
		},
		{
			src:  `1 / (call.revision - 1) == 1`,
			full: []string{`* 1 / (call.revision - 1) == 1: division by zero; 1 / (call.revision - 1) = division by zero; call.revision - 1 = 0; call.revision = 1`},
		},
		{src: `true`, full: []string{`* true: true`}},
	} {
		t.Run(c.src, func(t *testing.T) {
			compiled, err := CompileCondition(c.src)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.full, lines(compiled.Explain(NewView(full(), nil)))); d != "" {
				t.Errorf("full record (-want +got):\n%s", d)
			}
			if c.bare == nil {
				return
			}
			if d := cmp.Diff(c.bare, lines(compiled.Explain(NewView(bare(), nil)))); d != "" {
				t.Errorf("bare record (-want +got):\n%s", d)
			}
		})
	}
}

func TestExplainNothing(t *testing.T) {
	if terms := (Condition{}).Explain(NewView(full(), nil)); terms != nil {
		t.Errorf("%v", terms)
	}
}

func TestExplainClipsValues(t *testing.T) {
	c, err := CompileCondition(`call.raw.text != ""`)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]string{"text": strings.Repeat("好", 500)})
	if err != nil {
		t.Fatal(err)
	}
	value := c.Explain(NewView(&call.Record{Raw: raw}, nil))[0].Operands[0].Value
	if len(value) > maxShown+len("…") || !strings.HasSuffix(value, "好…") {
		t.Errorf("%d bytes: %s", len(value), value)
	}
}

// conditions use every logical operator, nested, with parts that fail.
var conditions = []string{
	`call.answered`, `!call.answered`, `!(call.talk_seconds > 3)`, `!!(call.talk_seconds < 3)`,
	`call.answered && call.talk_seconds == 0`, `call.answered || call.raw.nothing == 1`,
	`call.raw.nothing == 1 && !call.answered`, `call.raw.nothing == 1 && call.answered`,
	`(call.answered || call.talk_seconds > 1) && (call.revision == 1 || call.raw.x)`,
	`call.raw.nothing == 1 ? true : false`, `call.answered ? call.raw.nothing == 1 : true`,
	`!(call.answered ? call.raw.flag : call.talk_seconds > 2)`,
	`call.from.number.matches("^[+]62") && call.raw.l.all(x, x != "" && x != "z") || call.id == "x"`,
	`call.revision == 1 && call.revision == 2 && call.revision == 3`, `call.raw.s || call.answered`,
	`call.raw.s && !call.answered`, `(call.raw.n == 5 && call.raw.o.z == 1) == call.answered`,
	"call.id == \"a\\n\\\"b\" ||\n call.account == \"" + strings.Repeat("x", 100) + "\"",
}

// TestExplainAgreesWithHolds: what the terms add up to is what CEL says, and the
// terms that decided are enough for it.
func TestExplainAgreesWithHolds(t *testing.T) {
	for _, src := range conditions {
		for name, r := range map[string]*call.Record{"full": full(), "bare": bare()} {
			c, err := CompileCondition(src)
			if err != nil {
				t.Fatalf("%s: %v", src, err)
			}
			checkExplained(t, c, r, src+", "+name)
		}
	}
}

func checkExplained(t *testing.T, c Condition, r *call.Record, name string) {
	t.Helper()
	x := newExplainer(c.Source(), &NewView(r, nil).view)
	root, ok := x.walk(x.root)
	if !ok {
		return // explained as a whole
	}
	_, want := truth(c.Holds(NewView(r, nil)))
	if root.state != want {
		t.Errorf("%s: the terms add up to %v, CEL says %v", name, root.state, want)
	}
	decided := 0
	for _, term := range c.Explain(NewView(r, nil)) {
		if term.Text == "" || term.Value == "" || strings.Contains(term.Text, "\n") {
			t.Errorf("%s: %+v", name, term)
		}
		if term.Decided {
			decided++
		}
	}
	if decided == 0 {
		t.Errorf("%s: nothing decided", name)
	}
}

func FuzzExplain(f *testing.F) {
	for _, src := range conditions {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		c, err := CompileCondition(src)
		if err != nil {
			t.Skip()
		}
		checkExplained(t, c, full(), src)
		checkExplained(t, c, bare(), src)
	})
}
