package slack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/slack"
)

func TestWebhookContract(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, contracttest.Kind{
		Build: func(tb testing.TB, base string, p *contracttest.Plants) (any, contract.Sink) {
			tb.Helper()
			return build(tb, slack.Config{WebhookURL: secret.New(base + "/services/T0/B0/" + p.Text("path"))})
		},
		Deliver: says(http.StatusOK, "ok"),
		Refuse:  says(http.StatusBadRequest, "invalid_blocks"),
		Check:   checkMessage,
	})
}

func TestAPIContract(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, contracttest.Kind{
		Build: func(tb testing.TB, base string, p *contracttest.Plants) (any, contract.Sink) {
			tb.Helper()
			return build(tb, slack.Config{Token: p.Secret("token"), Channel: "C0123456789", APIURL: base + "/api/chat.postMessage"})
		},
		Deliver: says(http.StatusOK, `{"ok":true}`),
		Refuse:  says(http.StatusOK, `{"ok":false,"error":"invalid_blocks"}`),
		Check: func(tb testing.TB, a contracttest.Arrived, p *contracttest.Plants) {
			tb.Helper()
			if got, want := a.Header.Get("Authorization"), "Bearer "+p.Text("token"); got != want {
				tb.Errorf("Authorization = %q, want %q", got, want)
			}
			checkMessage(tb, a, p)
		},
	})
}

func TestTemplatesContract(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, contracttest.Kind{
		Build: func(tb testing.TB, base string, p *contracttest.Plants) (any, contract.Sink) {
			tb.Helper()
			c, err := load([]byte(`
text: "Call from ${call.customer.number} ${call.agent.name}"
blocks:
  - {type: header, text: {type: plain_text, text: "${call.agent.name}"}}
  - {type: section, text: {type: mrkdwn, text: "a ${call.references.custom} b"}}
  - {type: section, fields: [{type: mrkdwn, text: "${call.hangup.reason}"}]}
  - {type: image, image_url: "${call.recording.url}", alt_text: "${call.recording.file}"}
`))
			if err != nil {
				tb.Fatal(err)
			}
			c.WebhookURL = secret.New(base + "/" + p.Text("path"))
			return build(tb, c)
		},
		Deliver: says(http.StatusOK, "ok"),
		Refuse:  says(http.StatusBadRequest, "invalid_payload"),
		Check:   checkMessage,
	})
}

func build(tb testing.TB, c slack.Config) (any, contract.Sink) {
	tb.Helper()
	sink, err := slack.New(c, contract.Deps{})
	if err != nil {
		tb.Fatal(err)
	}
	return c, sink
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client reads it or fails the test
	}
}

func checkMessage(tb testing.TB, a contracttest.Arrived, _ *contracttest.Plants) {
	tb.Helper()
	var m message
	if err := json.Unmarshal(a.Body, &m); err != nil {
		tb.Fatal(err)
	}
	if problem := m.problem(); problem != "" {
		tb.Error(problem)
	}
}

// message is what Slack's validator, as far as it is documented, looks at.
type message struct {
	Text   string
	Blocks []map[string]any
}

// problem names the first limit of Block Kit that the message breaks.
func (m message) problem() string {
	if strings.TrimSpace(m.Text) == "" || runes(m.Text) > 40_000 {
		return fmt.Sprintf("text of %d characters", runes(m.Text))
	}
	if len(m.Blocks) > 50 {
		return fmt.Sprintf("%d blocks", len(m.Blocks))
	}
	whole, err := json.Marshal(m.Blocks)
	if err != nil {
		return err.Error()
	}
	var plain any
	_ = json.Unmarshal(whole, &plain) // it was marshalled a line above
	if n := textRunes(plain); n > 13_200 {
		return fmt.Sprintf("all blocks together have %d characters", n)
	}
	for i, b := range m.Blocks {
		if problem := blockProblem(b); problem != "" {
			return fmt.Sprintf("block %d (%v): %s", i, b["type"], problem)
		}
	}
	return ""
}

func blockProblem(b map[string]any) string {
	if id, _ := b["block_id"].(string); runes(id) > 255 {
		return "block_id too long"
	}
	switch b["type"] {
	case "header":
		return textProblem(b["text"], 150)
	case "section":
		if fields, ok := b["fields"].([]any); ok {
			return listProblem(fields, 10, 2_000)
		}
		return textProblem(b["text"], 3_000)
	case "context":
		elements, _ := b["elements"].([]any)
		return listProblem(elements, 10, 3_000)
	case "image":
		if u, _ := b["image_url"].(string); !strings.HasPrefix(u, "http") || runes(u) > 3_000 {
			return "no link"
		}
	}
	return ""
}

func listProblem(list []any, most, limit int) string {
	if len(list) == 0 || len(list) > most {
		return fmt.Sprintf("%d items", len(list))
	}
	for _, item := range list {
		if problem := textProblem(item, limit); problem != "" {
			return problem
		}
	}
	return ""
}

func textProblem(v any, limit int) string {
	o, _ := v.(map[string]any)
	text, ok := o["text"].(string)
	switch {
	case !ok || strings.TrimSpace(text) == "":
		return "no text"
	case runes(text) > limit:
		return fmt.Sprintf("a text of %d characters, %d are allowed", runes(text), limit)
	case strings.Contains(text, "<!channel>") || strings.Contains(text, "<@"):
		return "a mention was smuggled in"
	}
	return ""
}

func runes(s string) int { return len([]rune(s)) }

func textRunes(v any) int {
	n := 0
	switch t := v.(type) {
	case string:
		n = runes(t)
	case []any:
		for _, item := range t {
			n += textRunes(item)
		}
	case map[string]any:
		for _, item := range t {
			n += textRunes(item)
		}
	}
	return n
}
