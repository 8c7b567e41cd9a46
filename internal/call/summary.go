package call

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// Summary is a call in words, for chats: plain text of one line each, nothing of
// it escaped.
type Summary struct {
	// Title says what happened.
	Title string `json:"title"`
	// Level is attention for what somebody should act on, warning, good or info.
	Level string `json:"level"`
	// Facts are what is known, in reading order.
	Facts []Fact `json:"facts"`
	// Links are what can be opened.
	Links []Link `json:"links"`
}

// Fact is one thing that is known of a call.
type Fact struct {
	Label string `json:"label"`
	Text  string `json:"text"`
}

// Link is an absolute http or https address.
type Link struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// The levels of a summary.
const (
	LevelAttention = "attention"
	LevelWarning   = "warning"
	LevelGood      = "good"
	LevelInfo      = "info"
)

// WhenLabel is the label of the fact that is a time, for chats that show times in
// a way of their own.
const WhenLabel = "When"

// Summarize puts a call into words.
func Summarize(r *Record) Summary {
	return Summary{Title: title(r), Level: level(r), Facts: facts(r), Links: links(r)}
}

func title(r *Record) string {
	what := cmp.Or(headlines(r), "Call from "+partyText(r.From)+" to "+partyText(r.To))
	if r.Answered && r.TalkSeconds != nil {
		what += ", " + duration(*r.TalkSeconds)
	}
	if r.Revision > 1 {
		what = "Update: " + what
	}
	return what
}

func level(r *Record) string {
	switch {
	case r.Outcome == Voicemail:
		return LevelWarning
	case r.Answered:
		return LevelGood
	case r.Direction == Inbound:
		return LevelAttention
	case r.Direction == Outbound:
		return LevelWarning
	default:
		return LevelInfo
	}
}

func facts(r *Record) []Fact {
	var list []Fact
	add := func(label, text string) {
		if text != "" {
			list = append(list, Fact{Label: label, Text: text})
		}
	}
	add("From", knownParty(r.From))
	add("To", knownParty(r.To))
	add("Agent", brief(agentText(r.Agent)))
	add(WhenLabel, whenText(r))
	add("Result", resultText(r))
	add("Talked", seconds(r.TalkSeconds, r.Answered))
	add("Waited", seconds(r.WaitSeconds, true))
	add("Ended", ended(r.Hangup))
	add("Task", brief(taskText(r.Task)))
	add("Keys pressed", brief(r.KeysPressed))
	add("Order", brief(r.References.OrderID))
	return list
}

func links(r *Record) []Link {
	var list []Link
	add := func(label, address string) {
		if address = WebURL(address); address != "" {
			list = append(list, Link{Label: label, URL: address})
		}
	}
	add("Listen to the recording", r.Recording.URL)
	add("Listen to the voice message", r.VoicemailURL)
	return list
}

// Moment is the time that a call is known by: its start, else its end, else when
// it was received.
func (r *Record) Moment() Time { return cmp.Or(r.StartedAt, r.EndedAt, r.ReceivedAt) }

func whenText(r *Record) string {
	if r.Moment().IsZero() {
		return ""
	}
	return r.Moment().UTC().Format("2006-01-02 15:04 UTC")
}

// maxBrief bounds one value, in characters.
const maxBrief = 300

// brief is a value as one short line.
func brief(s string) string {
	if len(s) > 8*maxBrief { // spares the work on a megabyte
		s = s[:8*maxBrief]
	}
	return plaintext.ClipRunes(plaintext.Line(s), maxBrief)
}

func knownParty(p Party) string {
	if p == (Party{}) {
		return ""
	}
	return partyText(p)
}

// WebURL returns an absolute http or https URL with all escaped that could end it
// within a text; empty for any other text.
func WebURL(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return ""
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= utf8.RuneSelf-1 || strings.IndexByte("\"'<>()[]{}|\\^`*", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func headlines(r *Record) string {
	switch r.Direction {
	case Inbound:
		return inbound(r) + " from " + partyText(outside(r, r.From))
	case Outbound:
		kind := "Outbound call"
		if r.Method == AIAgent {
			kind = "AI agent call"
		}
		if kind += " to " + partyText(outside(r, r.To)); r.Answered {
			return kind
		}
		return kind + ": " + lowerFirst(resultText(r))
	case Internal:
		return "Internal call from " + partyText(r.From) + " to " + partyText(r.To)
	case UnknownDirection:
	}
	return ""
}

func inbound(r *Record) string {
	switch {
	case r.Outcome == Voicemail:
		return "Voicemail"
	case r.Answered:
		return "Answered call"
	default:
		return "Missed call"
	}
}

func outside(r *Record, otherwise Party) Party {
	if r.Customer != nil {
		return *r.Customer
	}
	return otherwise
}

// partyText is the most telling form of an address.
func partyText(p Party) string {
	number, extension := brief(cmp.Or(p.Number, p.SIP, p.Raw)), brief(p.Extension)
	if number == extension {
		extension = ""
	}
	return cmp.Or(withExtension(number, extension), "unknown number")
}

func agentText(a Agent) string { return withExtension(cmp.Or(a.Name, a.ID), a.Extension) }

// withExtension is a number or a name with the extension, or the one that is known.
func withExtension(who, extension string) string {
	switch {
	case extension == "":
		return who
	case who == "":
		return "extension " + extension
	default:
		return aside(who, "ext. "+extension)
	}
}

// aside puts the second text in brackets behind the first, where there are both.
func aside(text, more string) string {
	if text == "" || more == "" {
		return text + more
	}
	return text + " (" + more + ")"
}

// results are the outcomes in words.
//
//nolint:gochecknoglobals // a table
var results = map[Outcome]string{
	Answered:      "Answered",
	NoAnswer:      "No answer",
	Busy:          "Busy",
	Rejected:      "Declined",
	Canceled:      "Canceled before an answer",
	Unreachable:   "Not reachable",
	InvalidNumber: "Not a valid number",
	Blocked:       "Blocked",
	Congestion:    "Network busy",
	Failed:        "Failed",
	Voicemail:     "Voicemail",
}

func resultText(r *Record) string {
	text, known := results[r.Outcome]
	switch {
	case known:
		return text
	case r.Answered:
		return results[Answered]
	default:
		return "Not answered"
	}
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

func ended(h Hangup) string { return aside(hungUp[h.By], brief(spoken(cmp.Or(h.Reason, h.Code)))) }

// hungUp are the sides that end a call in words.
//
//nolint:gochecknoglobals // a table
var hungUp = map[HangupBy]string{
	ByAgent:    "Agent hung up",
	ByCustomer: "Customer hung up",
	ByCaller:   "Caller hung up",
	ByCallee:   "Called party hung up",
	ByPlatform: "Platform ended the call",
}

// spoken reads a constant such as NORMAL_CLEARING as words.
func spoken(reason string) string {
	if strings.ContainsFunc(reason, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') }) {
		return reason
	}
	return strings.ToLower(strings.ReplaceAll(reason, "_", " "))
}

func taskText(t Task) string {
	if t.Intent == "" || t.ID == "" {
		return t.Intent + t.ID
	}
	return aside(t.Intent, "task "+t.ID)
}
