package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/route"
)

func TestSummary(t *testing.T) {
	for _, c := range []struct {
		record call.Record
		want   string
	}{
		{call.Record{Direction: call.UnknownDirection, Outcome: call.UnknownOutcome}, "call from an unknown number to an unknown number, not answered"},
		{
			call.Record{
				Direction: call.Inbound, Answered: true, TalkSeconds: new(62), Outcome: call.Answered, KeysPressed: "2",
				From: call.Party{Raw: "081351111451", Number: "+6281351111451"}, To: call.Party{SIP: "agent7@pbx.example.com"},
				Agent: call.Agent{Name: "Mei"}, Recording: call.Recording{URL: "https://x.example/1.mp3"},
			},
			"inbound call from +62*********51 to age*****************om, answered, 62 s of talk, agent Mei, keys pressed: 2, with a recording",
		},
		{
			call.Record{Direction: call.Outbound, Outcome: call.Busy, From: call.Party{Raw: "7003"}, Agent: call.Agent{Name: "mei@example.com"}},
			"outbound call from **03 to an unknown number, not answered (busy)",
		},
		{call.Record{Direction: call.Internal, Answered: true}, "internal call from an unknown number to an unknown number, answered"},
	} {
		if got := summary(&c.record); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		try          try
		text, colour string
	}{
		{try{meaning: "delivered"}, "delivered", green},
		{try{meaning: "rejected"}, "refuses this very call", red},
		{try{meaning: "render"}, "refuses this very call", red},
		{try{meaning: "paused", wait: time.Second}, "rests for 1.0 s", yellow},
		{try{meaning: "unwell", wait: 1500 * time.Millisecond}, "crm is unwell: the call waits on the disk, next try in 1.5 s", yellow},
		{try{meaning: "credentials", wait: 61 * time.Second}, "wrong: the call waits on the disk, next try in 61 s", yellow},
		{try{meaning: "timeout"}, "no answer of crm: the call waits on the disk", yellow},
		{try{meaning: "connect"}, "no answer of crm", yellow},
	} {
		text, colour := c.try.verdict("crm")
		if !strings.Contains(text, c.text) || colour != c.colour {
			t.Errorf("%s: %q in %q", c.try.meaning, text, colour)
		}
	}
}

func TestArrived(t *testing.T) {
	if got := arrived(call.Masker{}, slackSink, []byte(`{"text":"Missed call from +6281351111451"}`)); got != `"Missed call from +62*********51"` {
		t.Errorf("%s", got)
	}
	got := strings.Join(wrap(arrived(call.Masker{}, crmSink, []byte(`{"a":"2025-10-16 16:31:13","phone":"+6281351111451"}`)), 27), "|")
	if got != `{"a":"2025-10-16 16:31:13",|"phone":"+62*********51"}` {
		t.Errorf("%s", got)
	}
}

func TestReadAnswer(t *testing.T) {
	for _, c := range []struct {
		code int
		text string
		want answer
	}{
		{200, `{"status":"accepted","id":"a:1","revision":2}`, answer{code: 200, status: accepted, id: "a:1", revision: 2}},
		{200, `{"status":"ignored"}`, answer{code: 200, status: ignored}},
		{400, `{"type":"about:blank","status":400,"detail":"not JSON"}`, answer{code: 400, status: refused, detail: "not JSON"}},
		{503, `{"status":503,"detail":"later"}`, answer{code: 503, status: "Service Unavailable", detail: "later"}},
		{200, `1`, answer{code: 200, status: "an answer that is not JSON"}},
	} {
		if got := readAnswer(c.code, []byte(c.text)); got != c.want {
			t.Errorf("%d %s: %+v, want %+v", c.code, c.text, got, c.want)
		}
	}
}

// TestChoices names the rule that chose a sink, not one that merely names it.
func TestChoices(t *testing.T) {
	var rules []route.Rule
	err := yaml.Unmarshal([]byte(`
- {name: answered, when: call.answered, to: [crm]}
- {name: all, to: [slack, crm]}
- {name: more, to: [crm]}
`), &rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		answered bool
		want     []choice
	}{
		{true, []choice{{"crm", "answered"}, {"slack", "all"}}},
		{false, []choice{{"slack", "all"}, {"crm", "all"}}},
	} {
		got := choices(rules, &call.Record{Answered: c.answered})
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(choice{})); d != "" {
			t.Errorf("answered %v (-want +got):\n%s", c.answered, d)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one two three", []string{"one two", "three"}},
		{"über ähm", []string{"über ähm"}},
		{"a verylongword b", []string{"a", "verylongword", "b"}},
		{"a b\u00a0c d e", []string{"a b c d", "e"}},
	} {
		if d := cmp.Diff(c.want, wrap(c.text, 8)); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, d)
		}
	}
}

func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.heading("Title")
	p.fact("label", green, strings.Repeat("word ", 20))
	p.fact("", plain, "more")
	want := "Title\n    label         " + strings.TrimSpace(strings.Repeat("word ", 16)) + "\n" +
		strings.Repeat(" ", 18) + "word word word word\n" + strings.Repeat(" ", 18) + "more\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}

	out.Reset()
	p.colour = true
	p.fact("label", green, "text")
	p.fact("", plain, "more")
	if got := out.String(); !strings.Contains(got, "\x1b[32mtext\x1b[0m\n") || strings.Contains(got, "\x1b[mmore") {
		t.Errorf("%q", got)
	}
}
