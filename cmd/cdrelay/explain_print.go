package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// explanationWidth is how wide an explanation is where no terminal says it.
const explanationWidth = 100

// printExplanation writes an explanation for people, with times in a zone.
func printExplanation(to screen, x *explain.Explanation, zone *time.Location) error {
	var b strings.Builder
	fmt.Fprintf(&b, "source    %s, format %s\nresult    %s\n", x.Source, x.Format, x.Result)
	if x.Reason != "" {
		fmt.Fprintf(&b, "          %s\n", x.Reason)
	}
	if x.Record != nil {
		writeRecord(&b, x.Record, zone)
		writeRules(&b, x.Rules, cmp.Or(to.width, explanationWidth))
		writeRequests(&b, x)
	}
	b.WriteString("\nNothing was sent.\n")
	_, err := io.WriteString(to.w, plaintext.Terminal(b.String()))
	return err
}

func writeRecord(b *strings.Builder, r *call.Record, zone *time.Location) {
	fmt.Fprintf(b, "\nrecord    %s, revision %d\n", r.ID, r.Revision)
	fmt.Fprintf(b, "          %s, %s, %s\n", r.Direction, r.Method, r.Outcome)
	fmt.Fprintf(b, "          from %s to %s\n", party(r.From), party(r.To))
	var facts []string
	for _, t := range []struct {
		name string
		at   call.Time
	}{{"started", r.StartedAt}, {"answered", r.AnsweredAt}, {"ended", r.EndedAt}} {
		if !t.at.IsZero() {
			facts = append(facts, t.name+" "+stampIn(zone, t.at.Time))
		}
	}
	for _, s := range []struct {
		name    string
		seconds *int
	}{{"wait", r.WaitSeconds}, {"talk", r.TalkSeconds}, {"total", r.TotalSeconds}} {
		if s.seconds != nil {
			facts = append(facts, s.name+" "+strconv.Itoa(*s.seconds)+" s")
		}
	}
	if len(facts) > 0 {
		fmt.Fprintf(b, "          %s\n", strings.Join(facts, ", "))
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(b, "          warning: %s\n", w)
	}
}

// party is the most telling form of an address.
func party(p call.Party) string {
	return cmp.Or(p.Number, p.SIP, p.Extension, p.Raw, "unknown")
}

func writeRules(b *strings.Builder, rules []explain.Rule, width int) {
	for i, r := range rules {
		head := "          "
		if i == 0 {
			head = "\nrules     "
		}
		target := ""
		if r.Outcome == explain.Matched {
			target = " → " + targets(r)
		}
		fmt.Fprintf(b, "%s%s %s%s\n", head, sign(r.Outcome), r.Name, target)
		if r.When != "" {
			const indent = "            "
			lines := conditionLines(r.When, width-len(indent+"when "))
			fmt.Fprintf(b, "%swhen %s\n", indent, strings.Join(lines, "\n     "+indent))
		}
		fmt.Fprintf(b, "            %s\n", r.Why)
	}
}

// sign is a rule's outcome at a glance.
func sign(o explain.Outcome) string {
	signs := map[explain.Outcome]string{explain.Matched: "✓", explain.Skipped: "–", explain.Failed: "✗ undecided:"}
	return cmp.Or(signs[o], "✗")
}

func targets(r explain.Rule) string {
	parts := r.To
	if r.Stop {
		parts = append(slices.Clone(parts), "stop")
	}
	return strings.Join(parts, ", ")
}

func writeRequests(b *strings.Builder, x *explain.Explanation) {
	if len(x.Requests) == 0 {
		b.WriteString("\nrequests  none: the call is kept and goes nowhere\n")
	}
	for i, r := range x.Requests {
		if i == 0 || r.Sink != x.Requests[i-1].Sink {
			head := "\n          "
			if i == 0 {
				head = "\nrequests  "
			}
			fmt.Fprintf(b, "%s%s, message %s\n", head, r.Sink, r.MessageID)
		}
		writeRequest(b, r)
	}
}

func writeRequest(b *strings.Builder, r explain.Request) {
	if r.Step != "" {
		fmt.Fprintf(b, "            step %s\n", strings.TrimSuffix(r.Step+": not made, "+r.Skipped, ": not made, "))
	}
	switch {
	case r.Error != "":
		fmt.Fprintf(b, "            no request, a dead letter `render`: %s\n", r.Error)
		return
	case r.Skipped != "":
		return
	}
	fmt.Fprintf(b, "            %s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		fmt.Fprintf(b, "            %s: %s\n", name, r.Headers[name])
	}
	if r.Body != "" {
		fmt.Fprintf(b, "\n            %s\n", strings.ReplaceAll(readable(r.Body), "\n", "\n            "))
	}
	if r.Step != "" {
		b.WriteByte('\n')
	}
}

// readable indents JSON.
func readable(body string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(body), "", "  ") != nil {
		return body
	}
	return b.String()
}
