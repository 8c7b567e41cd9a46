package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
)

// rules reads rules as a configuration holds them.
func rules(tb testing.TB, src string) []Rule {
	tb.Helper()
	var r []Rule
	dec := yaml.NewDecoder(strings.NewReader(src))
	dec.KnownFields(true)
	if err := dec.Decode(&r); err != nil {
		tb.Fatal(err)
	}
	return r
}

const example = `
- name: internal calls nowhere
  when: call.direction == "internal"
  stop: true
- name: missed inbound calls to Slack, once
  when: call.revision == 1 && call.direction == "inbound" && !call.answered
  to: [missed-calls]
- name: long calls
  when: call.talk_seconds > 60
  to: [quality, crm]
- to: [crm, missed-calls]
`

func TestMatch(t *testing.T) {
	router := New(rules(t, example), nil)
	for _, c := range []struct {
		name   string
		record call.Record
		sinks  []string
		rules  string // per rule: m matched, - not, e error, s skipped
	}{
		{"a missed call", call.Record{Revision: 1, Direction: call.Inbound}, []string{"missed-calls", "crm"}, "-mem"},
		{"an answered call", call.Record{Revision: 1, Direction: call.Inbound, Answered: true, TalkSeconds: new(61)}, []string{"quality", "crm", "missed-calls"}, "--mm"},
		{"a measured zero", call.Record{Direction: call.Outbound, TalkSeconds: new(0)}, []string{"crm", "missed-calls"}, "---m"},
		{"an internal call", call.Record{Direction: call.Internal}, nil, "msss"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := router.Match(&c.record)
			if diff := cmp.Diff(c.sinks, d.Sinks); diff != "" {
				t.Errorf("sinks (-want +got):\n%s", diff)
			}
			var got strings.Builder
			for i, r := range d.Rules {
				got.WriteString(letter(r))
				if r.Rule != router.Rules()[i] {
					t.Errorf("result %d is of %q", i, r.Rule)
				}
			}
			if got.String() != c.rules {
				t.Errorf("rules %s, want %s", got.String(), c.rules)
			}
		})
	}
}

func letter(r RuleResult) string {
	switch {
	case r.Skipped && !r.Matched && r.Err == nil:
		return "s"
	case r.Err != nil && !r.Matched && !r.Skipped:
		return "e"
	case r.Matched && r.Err == nil && !r.Skipped:
		return "m"
	case r == RuleResult{Rule: r.Rule}:
		return "-"
	}
	return "?"
}

func TestMatchNamesTheAbsentValue(t *testing.T) {
	d := New(rules(t, example), nil).Match(&call.Record{Direction: call.Outbound})
	if err := d.Rules[2].Err; err == nil || err.Error() != "call.talk_seconds has no value" {
		t.Errorf("error %v", err)
	}
}

func TestStopNeedsAMatch(t *testing.T) {
	d := New(rules(t, "- {when: call.talk_seconds > 1, stop: true}\n- {when: call.answered, to: [a], stop: true}\n- {to: [b]}\n"), nil).Match(&call.Record{})
	if !slices.Equal(d.Sinks, []string{"b"}) {
		t.Errorf("sinks %v", d.Sinks)
	}
}

func TestStopStillDelivers(t *testing.T) {
	d := New(rules(t, "- {to: [a], stop: true}\n- {to: [b]}\n"), nil).Match(&call.Record{})
	if !slices.Equal(d.Sinks, []string{"a"}) || !d.Rules[1].Skipped {
		t.Errorf("%+v", d)
	}
}

func TestNoRules(t *testing.T) {
	if d := New(nil, nil).Match(&call.Record{}); d.Sinks != nil || len(d.Rules) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestNames(t *testing.T) {
	want := []string{"internal calls nowhere", "missed inbound calls to Slack, once", "long calls", "rule 4"}
	if d := cmp.Diff(want, New(rules(t, example), nil).Rules()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestRouterOwnsItsRules changes what it was made of, which must not matter.
func TestRouterOwnsItsRules(t *testing.T) {
	r := rules(t, "- {name: one, to: [a]}\n")
	router := New(r, nil)
	r[0].To[0], r[0].Name = "x", "y"
	names := router.Rules()
	names[0] = "z"
	d := router.Match(&call.Record{})
	if !slices.Equal(d.Sinks, []string{"a"}) || d.Rules[0].Rule != "one" || router.Rules()[0] != "one" {
		t.Errorf("%+v", d)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		src  string
		want []string
	}{
		{example, nil},
		{"- {to: [crm]}\n- {to: [quality]}\n", nil},
		{"- {to: [crm], stop: true}\n- {to: [crm]}\n", nil}, // unreachable, but allowed
		{"- {name: a, to: [crm]}\n- {name: a, to: [crm]}\n", []string{`[1].name: the name "a" is that of rule 1 too`}},
		{"- {name: rule 2, to: [crm]}\n- {to: [crm]}\n", []string{`[1].name: the name "rule 2" is that of rule 1 too`}},
		{"- {to: [crm]}\n- {when: call.answered}\n- {to: []}\n", []string{"[1]: the rule does nothing", "[2]: the rule does nothing"}},
		{"- {to: [crm]}\n- {to: [crm, cmr, Quality]}\n", []string{
			`[1].to[1]: there is no sink "cmr": configured are crm, missed-calls, quality`,
			`[1].to[2]: there is no sink "Quality"`,
		}},
		{"- {to: [crm, quality, crm]}\n", []string{`[0].to[2]: the sink "crm" is named twice`}},
	} {
		var got []string
		Validate(rules(t, c.src), []string{"crm", "missed-calls", "quality"}, func(path, problem string) {
			got = append(got, path+": "+problem)
		})
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.src, got, c.want)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%q, want %q", got[i], c.want[i])
			}
		}
	}
}

func TestValidateWithoutSinks(t *testing.T) {
	var got string
	Validate([]Rule{{To: []string{"crm"}}}, nil, func(path, problem string) { got = path + ": " + problem })
	if want := "[0].to[0]: there is no sink \"crm\": none is configured, add one under `sinks`"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestUnknownKeyIsRefused(t *testing.T) {
	var r []Rule
	dec := yaml.NewDecoder(strings.NewReader("- {whne: call.answered, to: [crm]}\n"))
	dec.KnownFields(true)
	if err := dec.Decode(&r); err == nil {
		t.Error("a misspelt key is taken")
	}
}

func TestMatchConcurrently(t *testing.T) {
	router := New(rules(t, example+"- {when: call.raw.n == 1 && call.raw.o.k == 2, to: [raw]}\n"), nil)
	record := &call.Record{Direction: call.Inbound, Raw: []byte(`{"n":1,"o":{"k":2}}`)}
	want := router.Match(record).Sinks
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got := router.Match(record).Sinks; !slices.Equal(got, want) || got[len(got)-1] != "raw" {
					t.Errorf("sinks %v, want %v", got, want)
				}
			}
		})
	}
	group.Wait()
}

// TestTooCostly: conditions that are each within the bound pass it together. The
// record then goes nowhere, and the decision names the rule.
func TestTooCostly(t *testing.T) {
	var src strings.Builder
	for i := range 100 {
		fmt.Fprintf(&src, "- {name: walk %d, when: 'call.raw.l.all(x, x != 7)', to: [s%d]}\n", i, i)
	}
	router := New(rules(t, src.String()), nil)
	record := &call.Record{Raw: []byte(`{"l":[` + strings.Repeat("0,", 5000) + `0]}`)}
	first := router.Match(record)
	if first.Err == nil || len(first.Sinks) != 0 || !errors.Is(first.Err, expr.ErrCost) {
		t.Fatalf("decision %v, %v", first.Sinks, first.Err)
	}
	at := slices.IndexFunc(first.Rules, func(r RuleResult) bool { return r.Err != nil })
	if at < 2 || first.Err.Rule != fmt.Sprintf("walk %d", at) || !first.Rules[at+1].Skipped || !first.Rules[at-1].Matched {
		t.Errorf("rule %d passed the bound, the decision names %q", at, first.Err.Rule)
	}
	if again := router.Match(record); again.Err == nil || *again.Err != *first.Err {
		t.Errorf("%v, then %v", first.Err, again.Err)
	}
	if d := router.Match(&call.Record{Raw: []byte(`{"l":[0]}`)}); d.Err != nil || len(d.Sinks) != 100 {
		t.Errorf("a small record: %v, %d sinks", d.Err, len(d.Sinks))
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{3, 30} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var src strings.Builder
			for i := range n {
				fmt.Fprintf(&src, "- {when: 'call.revision == 1 && call.direction == \"inbound\" && !call.answered', to: [s%d]}\n", i)
			}
			router := New(rules(b, src.String()), nil)
			record := &call.Record{Revision: 1, Direction: call.Inbound}
			b.ReportAllocs()
			for b.Loop() {
				if len(router.Match(record).Sinks) != n {
					b.Fatal("a rule did not match")
				}
			}
		})
	}
}
