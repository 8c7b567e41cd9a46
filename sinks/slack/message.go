package slack

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// summary builds the default blocks: what happened, the facts in two columns,
// links to listen to, and where the record came from.
func summary(r *call.Record) []any {
	blocks := []any{object{
		"type": "header",
		"text": object{"type": "plain_text", "text": escape(headline(r)), "emoji": false},
	}}
	for some := range slices.Chunk(facts(r), maxFields) {
		blocks = append(blocks, object{"type": "section", "fields": some})
	}
	if links := listen(r); links != "" {
		blocks = append(blocks, object{"type": "section", "text": mrkdwn(links)})
	}
	return append(blocks, object{"type": "context", "elements": []any{mrkdwn(origin(r))}})
}

// mrkdwn gives a text object; verbatim keeps Slack from making links, channels
// and mentions out of values by itself.
func mrkdwn(text string) object {
	return object{"type": "mrkdwn", "text": text, "verbatim": true}
}

// headline says in one plain line what happened; its values are not escaped.
func headline(r *call.Record) string {
	what := cmp.Or(headlines(r), "Call from "+party(r.From)+" to "+party(r.To))
	if r.Answered && r.TalkSeconds != nil {
		what += ", " + duration(*r.TalkSeconds)
	}
	if r.Revision > 1 {
		what = "Update: " + what
	}
	return what
}

func headlines(r *call.Record) string {
	switch r.Direction {
	case call.Inbound:
		return inbound(r) + " from " + party(outside(r, r.From))
	case call.Outbound:
		kind := "Outbound call"
		if r.Method == call.AIAgent {
			kind = "AI agent call"
		}
		if kind += " to " + party(outside(r, r.To)); r.Answered {
			return kind
		}
		return kind + ": " + lowerFirst(result(r))
	case call.Internal:
		return "Internal call from " + party(r.From) + " to " + party(r.To)
	case call.UnknownDirection:
	}
	return ""
}

func inbound(r *call.Record) string {
	switch {
	case r.Outcome == call.Voicemail:
		return "Voicemail"
	case r.Answered:
		return "Answered call"
	default:
		return "Missed call"
	}
}

func outside(r *call.Record, otherwise call.Party) call.Party {
	if r.Customer != nil {
		return *r.Customer
	}
	return otherwise
}

// facts are the fields that are known, in reading order.
func facts(r *call.Record) []any {
	var fields []any
	add := func(label, text string) {
		if text != "" {
			fields = append(fields, mrkdwn("*"+label+"*\n"+text))
		}
	}
	add("From", known(r.From))
	add("To", known(r.To))
	add("Agent", value(agent(r.Agent)))
	add("When", when(r))
	add("Result", result(r))
	add("Talked", seconds(r.TalkSeconds, r.Answered))
	add("Waited", seconds(r.WaitSeconds, true))
	add("Ended", ended(r.Hangup))
	add("Task", value(task(r.Task)))
	add("Keys pressed", value(r.KeysPressed))
	add("Order", value(r.References.OrderID))
	return fields
}

func known(p call.Party) string {
	if p == (call.Party{}) {
		return ""
	}
	return escape(party(p))
}

// party is the most telling form of an address, not escaped.
func party(p call.Party) string {
	number := oneLine(cmp.Or(p.Number, p.SIP, p.Raw))
	extension := oneLine(p.Extension)
	switch {
	case number == "" && extension == "":
		return "unknown number"
	case number == "":
		return "extension " + extension
	case extension == "" || extension == number:
		return number
	default:
		return number + " (ext. " + extension + ")"
	}
}

func agent(a call.Agent) string {
	who := cmp.Or(a.Name, a.ID)
	switch {
	case who == "" && a.Extension != "":
		return "extension " + a.Extension
	case who != "" && a.Extension != "":
		return who + " (ext. " + a.Extension + ")"
	default:
		return who
	}
}

// when is a date that each reader sees in their own time zone.
func when(r *call.Record) string {
	for _, t := range []call.Time{r.StartedAt, r.EndedAt, r.ReceivedAt} {
		if !t.IsZero() {
			return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>",
				t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	return ""
}

func result(r *call.Record) string {
	switch r.Outcome {
	case call.Answered:
		return "Answered"
	case call.NoAnswer:
		return "No answer"
	case call.Busy:
		return "Busy"
	case call.Rejected:
		return "Declined"
	case call.Canceled:
		return "Canceled before an answer"
	case call.Unreachable:
		return "Not reachable"
	case call.InvalidNumber:
		return "Not a valid number"
	case call.Blocked:
		return "Blocked"
	case call.Congestion:
		return "Network busy"
	case call.Failed:
		return "Failed"
	case call.Voicemail:
		return "Voicemail"
	case call.UnknownOutcome:
	}
	if r.Answered {
		return "Answered"
	}
	return "Not answered"
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// seconds is a duration that somebody measured.
func seconds(n *int, show bool) string {
	if n == nil || !show {
		return ""
	}
	return duration(*n)
}

func duration(n int) string {
	d := time.Duration(max(n, 0)) * time.Second
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0:
		return fmt.Sprintf("%d h %02d min", h, m)
	case m > 0:
		return fmt.Sprintf("%d min %02d s", m, s)
	default:
		return fmt.Sprintf("%d s", s)
	}
}

func ended(h call.Hangup) string {
	who := hungUp(h.By)
	why := value(words(cmp.Or(h.Reason, h.Code)))
	switch {
	case who == "":
		return why
	case why == "":
		return who
	default:
		return who + " (" + why + ")"
	}
}

// words reads a constant such as NORMAL_CLEARING as words.
func words(reason string) string {
	if strings.ContainsFunc(reason, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		return reason
	}
	return strings.ToLower(strings.ReplaceAll(reason, "_", " "))
}

func hungUp(by call.HangupBy) string {
	switch by {
	case call.ByAgent:
		return "Agent hung up"
	case call.ByCustomer:
		return "Customer hung up"
	case call.ByCaller:
		return "Caller hung up"
	case call.ByCallee:
		return "Called party hung up"
	case call.ByPlatform:
		return "Platform ended the call"
	case call.ByUnknown:
	}
	return ""
}

func task(t call.Task) string {
	if t.Intent == "" || t.ID == "" {
		return cmp.Or(t.Intent, t.ID)
	}
	return t.Intent + " (task " + t.ID + ")"
}

// listen links to what can be played; a recording whose address no vendor tells
// is named by its file.
func listen(r *call.Record) string {
	var parts []string
	if l := link(r.Recording.URL, "Listen to the recording"); l != "" {
		parts = append(parts, l)
	} else if r.Recording.File != "" {
		parts = append(parts, "Recording file: "+value(r.Recording.File))
	}
	if l := link(r.VoicemailURL, "Listen to the voice message"); l != "" {
		parts = append(parts, l)
	}
	return strings.Join(parts, "  ·  ")
}

// maxLink keeps a link well inside its text.
const maxLink = 1_000

// link is a Slack link, or "" when the address is no http or https URL.
func link(address, text string) string {
	if address == "" || len(address) > maxLink || !isLink(address) {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	// String escapes what could end the token in the path, but not in the query.
	safe := strings.NewReplacer("|", "%7C", "<", "%3C", ">", "%3E", "`", "%60", " ", "%20").Replace(u.String())
	return "<" + escape(safe) + "|" + text + ">"
}

func origin(r *call.Record) string {
	text := "Source " + value(r.Source) + "  ·  " + value(r.ID)
	if r.Revision > 1 {
		text += fmt.Sprintf("  ·  update %d of this call", r.Revision-1)
	}
	return text
}
