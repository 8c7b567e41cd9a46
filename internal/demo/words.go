package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

// summary says in a few words what a call was.
func summary(r *call.Record) string {
	parts := []string{kind(r) + " from " + party(r.From) + " to " + party(r.To), ending(r)}
	// Where the platform knows no name it sends an account, an address of e-mail.
	if r.Agent.Name != "" && !strings.ContainsAny(r.Agent.Name, "@[") {
		parts = append(parts, "agent "+r.Agent.Name)
	}
	if r.KeysPressed != "" {
		parts = append(parts, "keys pressed: "+r.KeysPressed)
	}
	if r.Recording.URL != "" {
		parts = append(parts, "with a recording")
	}
	return strings.Join(parts, ", ")
}

func kind(r *call.Record) string {
	if r.Direction == call.UnknownDirection {
		return "call"
	}
	return string(r.Direction) + " call"
}

// party is the most telling form of an address, masked.
func party(p call.Party) string {
	if best := cmp.Or(p.Number, p.SIP, p.Raw); best != "" {
		return call.Mask(best)
	}
	return "an unknown number"
}

func ending(r *call.Record) string {
	switch {
	case r.Answered && r.TalkSeconds != nil:
		return fmt.Sprintf("answered, %d s of talk", *r.TalkSeconds)
	case r.Answered:
		return "answered"
	case r.Outcome == call.UnknownOutcome:
		return "not answered"
	default:
		return "not answered (" + string(r.Outcome) + ")"
	}
}

// verdict says what a try means for the delivery, in words and in a colour.
func (t try) verdict(sink string) (text, colour string) {
	next := "the call waits on the disk"
	if t.wait > 0 {
		next += ", next try in " + seconds(t.wait)
	}
	switch t.meaning {
	case outbound.Delivered.String():
		return "delivered", green
	case outbound.Paused.String():
		return sink + " asks for a pause: all that it is owed rests for " + seconds(t.wait), yellow
	case outbound.Rejected.String(), "render":
		return sink + " refuses this very call: to try again would not help", red
	case outbound.Credentials.String():
		return "credentials or address of " + sink + " are wrong: " + next, yellow
	case outbound.Unwell.String():
		return sink + " is unwell: " + next, yellow
	default: // timeout, connect
		return "no answer of " + sink + ": " + next, yellow
	}
}

// seconds is a duration for a reader.
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// arrived says what a sink got, numbers masked: of a Slack message the text, of
// anything else all of it.
func arrived(m call.Masker, sink string, body []byte) string {
	if sink == slackSink {
		var message struct {
			Text string `json:"text"`
		}
		if json.Unmarshal(body, &message) == nil {
			return m.Text(fmt.Sprintf("%q", message.Text))
		}
	}
	text := strings.ReplaceAll(m.Body(string(body)), " ", unbroken)
	return strings.ReplaceAll(text, `,"`, `, "`)
}

// plural counts a noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
