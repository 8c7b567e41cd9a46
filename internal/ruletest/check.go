package ruletest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/explain"
)

// check compares an explanation with what is expected.
func (e expect) check(x *explain.Explanation, env map[string]string) []Difference {
	var found []Difference
	note := func(d Difference) { found = append(found, d) }
	want := cmp.Or(explain.Result(e.Result), explain.Accepted)
	if x.Result != want {
		d := Difference{Path: "result", Expected: string(want), Got: string(x.Result)}
		if x.Reason != "" {
			d.Notes = []string{x.Reason}
		}
		return []Difference{d} // all else follows from it
	}
	if !strings.Contains(x.Reason, e.Reason) {
		note(Difference{Path: "reason", Expected: "… " + e.Reason + " …", Got: x.Reason})
	}
	if x.Record == nil {
		return found
	}
	e.checkRecord(x, note)
	e.checkSinks(x, note)
	e.checkRequests(x, env, note)
	return found
}

func (e expect) checkRecord(x *explain.Explanation, note func(Difference)) {
	if !e.Record.isZero() {
		text, err := json.Marshal(x.Record)
		var got any
		if err == nil {
			got, err = decodeJSON(text)
		}
		if err != nil {
			note(Difference{Path: "record", Expected: "JSON", Got: err.Error()})
			return
		}
		compare("record", e.Record.value(), got, note)
	}
	for _, want := range e.Warnings {
		if !slices.ContainsFunc(x.Record.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
			got := nothing
			if len(x.Record.Warnings) > 0 {
				got = shown(x.Record.Warnings)
			}
			note(Difference{Path: "warnings", Expected: "… " + want + " …", Got: got})
		}
	}
}

// checkSinks compares without order: each sink gets its own delivery.
func (e expect) checkSinks(x *explain.Explanation, note func(Difference)) {
	if e.Sinks != nil {
		want, got := slices.Sorted(slices.Values(e.Sinks)), slices.Sorted(slices.Values(x.Sinks))
		if !slices.Equal(slices.Compact(want), got) {
			d := Difference{Path: "sinks", Expected: names(want), Got: names(got)}
			for _, name := range slices.Concat(minus(want, got), minus(got, want)) {
				d.Notes = append(d.Notes, whyOf(x, name)...)
			}
			note(d)
		}
	}
	for _, name := range e.NotSinks {
		if slices.Contains(x.Sinks, name) {
			note(Difference{Path: "not_sinks", Expected: "no call to " + name, Got: "a call to " + name, Notes: whyOf(x, name)})
		}
	}
}

func names(list []string) string { return "[" + strings.Join(list, ", ") + "]" }

func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// whyOf says what became of the rules that name a sink.
func whyOf(x *explain.Explanation, sink string) []string {
	var out []string
	for _, r := range x.Rules {
		if slices.Contains(r.To, sink) {
			out = append(out, fmt.Sprintf("%s: rule %q %s: %s", sink, r.Name, verb(r.Outcome), r.Why))
		}
	}
	if out == nil {
		out = []string{sink + ": no rule names it"}
	}
	return out
}

func verb(o explain.Outcome) string {
	words := map[explain.Outcome]string{
		explain.Matched: "matched", explain.Skipped: "was skipped", explain.Failed: "could not be decided",
	}
	return cmp.Or(words[o], "did not match")
}
