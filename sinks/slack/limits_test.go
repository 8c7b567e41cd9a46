package slack_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/slack"
)

// render gives the message that a configuration makes of a record.
func render(tb testing.TB, config string, r *call.Record) (message, string) {
	tb.Helper()
	c, err := load([]byte("webhook_url: https://hooks.slack.example/x\n" + config))
	if err != nil {
		tb.Fatal(err)
	}
	sink, err := slack.New(c, contract.Deps{})
	if err != nil {
		tb.Fatal(err)
	}
	request, err := contracttest.Request(sink, "msg_1", r)
	if err != nil {
		tb.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(request.Body, &m); err != nil {
		tb.Fatal(err)
	}
	return m, string(request.Body)
}

func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("ä&", n/2) }
	section := "  - {type: section, text: {type: mrkdwn, text: '%s'}}\n"
	for _, test := range []struct {
		name, blocks string
		want         int // blocks that are left
	}{
		{"51 blocks", strings.Repeat("  - {type: divider}\n", 51), 50},
		{"header", "  - {type: header, text: {type: plain_text, text: '" + long(151) + "x'}}\n", 1},
		{"section", fmt.Sprintf(section, long(3_100)), 1},
		{"block_id", "  - {type: divider, block_id: " + long(300) + "}\n", 1},
		{"eleven fields", "  - type: section\n    fields:\n" + strings.Repeat("      - {type: mrkdwn, text: '"+long(2_100)+"'}\n", 11), 1},
		{"all together", strings.Repeat(fmt.Sprintf(section, long(2_900)), 50), 50},
		{"all together, not by texts", strings.Repeat("  - {type: image, image_url: 'https://a.example/"+strings.Repeat("x", 2_000)+"', alt_text: a}\n", 10), 6},
		{"number for text", "  - {type: section, text: {type: mrkdwn, text: '${call.wait_seconds}'}}\n", 1},
		{"bool for text", "  - {type: section, text: {type: mrkdwn, text: '${call.answered}'}}\n", 1},
		{"absent header", "  - {type: header, text: {type: plain_text, text: '${call.task.intent}'}}\n", 0},
		{"absent section", "  - {type: section, text: {type: mrkdwn, text: '${call.task.intent}'}}\n", 0},
		{"absent field", "  - {type: section, fields: [{type: mrkdwn, text: '${call.task.intent}'}, {type: mrkdwn, text: 'b ${call.id}'}]}\n", 1},
		{"blank context", "  - {type: context, elements: [{type: mrkdwn, text: ' ${call.task.intent}'}]}\n", 0},
		{"button without a link", "  - {type: actions, elements: [{type: button, text: {type: plain_text, text: a}, url: '${call.recording.url}x'}]}\n", 0},
		{"image without a link", "  - {type: image, image_url: '${call.recording.url}', alt_text: a}\n", 0},
		{"markdown", "  - {type: markdown, text: '" + long(12_500) + "'}\n", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, _ := render(t, "blocks:\n"+test.blocks, contracttest.Records()[0])
			if problem := m.problem(); problem != "" {
				t.Error(problem)
			}
			if len(m.Blocks) != test.want {
				t.Errorf("%d blocks are left, want %d", len(m.Blocks), test.want)
			}
		})
	}
}

// What fits is not touched.
func TestWithinLimits(t *testing.T) {
	text := strings.Repeat("x", 3_000)
	m, _ := render(t, "blocks: [{type: section, text: {type: mrkdwn, text: "+text+"}}]", contracttest.Records()[0])
	if o, ok := m.Blocks[0]["text"].(map[string]any); !ok || o["text"] != text {
		t.Errorf("a text of 3,000 characters was changed")
	}
}

func TestLinkIsNotEscaped(t *testing.T) {
	r := contracttest.Records()[1]
	_, body := render(t, `blocks: [{type: actions, elements: [{type: button, text: {type: plain_text, text: Listen}, url: "${call.recording.url}"}]}]`, r)
	if !strings.Contains(body, `"url":"`+r.Recording.URL+`"`) {
		t.Errorf("the link is not as it was: %s", body)
	}
}

// Values in configured text and blocks are plain text. One is an address only where
// the configuration makes a link of it.
func TestOwnValues(t *testing.T) {
	r := contracttest.Records()[1]
	r.Recording.URL = "https://rec.example/~a?x=1&y=*|2"
	for in, want := range map[string]string{
		"a\nb":                         "a b",
		"\u202ea<b|c":                  "a&lt;b∣c",
		"*bold* `code` ~gone~":         "∗bold∗ 'code' ∼gone∼",
		"http://evil.example":          "http:\u2060//evil.example",
		"see https://evil.example now": "see https:\u2060//evil.example now",
		"<https://a.example|b>":        "&lt;https:\u2060//a.example∣b&gt;",
		`@all <!channel> <at user_id="all"></at> <users/all> [x](http://a.example) *b*`: `@all &lt;!channel&gt; ` +
			`&lt;at user_id="all"&gt;&lt;/at&gt; &lt;users/all&gt; [x](http:` + "\u2060" + `//a.example) ∗b∗`,
	} {
		r.Agent.Name = in
		const text = "*Call* of ${call.agent.name}: <${call.recording.url}|listen to ${call.agent.name}>"
		want = "*Call* of " + want + ": <https://rec.example/~a?x=1&amp;y=*%7C2|listen to " + want + ">"
		if m, _ := render(t, `text: "`+text+`"`, r); m.Text != want {
			t.Errorf("%q: the text is %q, want %q", in, m.Text, want)
		}
		m, _ := render(t, `blocks: [{type: section, text: {type: mrkdwn, text: "`+text+`"}}]`, r)
		if o, ok := m.Blocks[0]["text"].(map[string]any); !ok || o["text"] != want {
			t.Errorf("%q: the block is %q, want %q", in, m.Blocks[0], want)
		}
	}
}

// Every address of a block is taken as it is, not those of buttons and images alone.
func TestAddressesOfBlocks(t *testing.T) {
	r := contracttest.Records()[1]
	r.Recording.URL = "https://rec.example/~a?x=1&copy=*"
	_, body := render(t, `blocks: [{type: section, text: {type: mrkdwn, text: a}, accessory: {type: overflow, options: [{url: "${call.recording.url}"}]}}]`, r)
	if !strings.Contains(body, `"url":"`+r.Recording.URL+`"`) {
		t.Errorf("the address is not as it was: %s", body)
	}
}

func TestTextLimit(t *testing.T) {
	r := contracttest.Records()[0]
	r.References.Custom = strings.Repeat("&", 50_000)
	m, _ := render(t, `text: "${call.references.custom}"`, r)
	if problem := m.problem(); problem != "" {
		t.Error(problem)
	}
	if !strings.HasSuffix(m.Text, "&amp;…") {
		t.Errorf("the text ends in %q", m.Text[len(m.Text)-10:])
	}
}

func FuzzMessage(f *testing.F) {
	for _, r := range contracttest.HostileRecords() {
		if text := r.Agent.Name; len(text) < 1000 {
			f.Add(text, 3)
		}
	}
	f.Add("&<>", 20_000)
	f.Add("𝄞", 2_999)
	const templates = `
blocks:
  - {type: header, block_id: "${call.agent.name}", text: {type: plain_text, text: "${call.agent.name}"}}
  - {type: section, text: {type: mrkdwn, text: "<https://a.example|${call.agent.name}>"}}
  - {type: section, fields: [{type: mrkdwn, text: "${call.agent.name}"}, {type: mrkdwn, text: "*${call.agent.name}*"}]}
  - {type: context, elements: [{type: mrkdwn, text: "${call.agent.name}"}, {type: image, image_url: "${call.recording.url}", alt_text: "${call.agent.name}"}]}
`
	f.Fuzz(func(t *testing.T, text string, times int) {
		text = strings.Repeat(text, max(0, min(times, 16_000/max(1, len(text)))))
		r := contracttest.Records()[1]
		r.Agent.Name, r.Task.Intent, r.Recording.URL, r.VoicemailURL = text, text, text, "https://a.example/"+text
		r.Customer.SIP, r.Hangup.Reason = text, text
		for _, config := range []string{"", templates, `text: "${call.agent.name}"`} {
			m, body := render(t, config, r)
			if problem := m.problem(); problem != "" {
				t.Errorf("%s: %.500s", problem, body)
			}
			for _, token := range []string{"<!channel", "<!here", "<@", "<#"} {
				if strings.Contains(body, token) {
					t.Errorf("%q was smuggled in: %.500s", token, body)
				}
			}
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	for name, config := range map[string]string{
		"default": "",
		"text":    `text: "Missed call from ${call.customer.number}"`,
		"blocks":  `blocks: [{type: section, text: {type: mrkdwn, text: "Call from ${call.customer.number}, ${call.outcome}"}}]`,
	} {
		c, err := load([]byte("webhook_url: https://hooks.slack.example/x\n" + config))
		if err != nil {
			b.Fatal(err)
		}
		sink, err := slack.New(c, contract.Deps{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			r := contracttest.Records()[1]
			b.ReportAllocs()
			for b.Loop() {
				if _, err := contracttest.Request(sink, "msg_1", r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
