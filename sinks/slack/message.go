package slack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
)

// summary builds the default blocks: what happened, the facts in two columns,
// links to listen to, and where the record came from.
func summary(r *call.Record) []any {
	blocks := []any{object{
		"type": "header",
		"text": object{"type": "plain_text", "text": headline(r), "emoji": false},
	}}
	for some := range slices.Chunk(facts(r), maxFields) {
		blocks = append(blocks, object{"type": "section", "fields": some})
	}
	if links := listen(r); links != "" {
		blocks = append(blocks, object{"type": "section", "text": mrkdwn(links)})
	}
	return append(blocks, object{"type": "context", "elements": []any{mrkdwn(origin(r))}})
}

// headline says in one escaped line what happened.
func headline(r *call.Record) string { return expr.EscapeSlack(call.Summarize(r).Title) }

// facts are the fields of the summary; Slack shows a time to each reader in their
// own zone.
func facts(r *call.Record) []any {
	var fields []any
	for _, f := range call.Summarize(r).Facts {
		text := expr.EscapeSlack(f.Text)
		if f.Label == call.WhenLabel {
			text = fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", r.Moment().Unix(), text)
		}
		fields = append(fields, mrkdwn("*"+f.Label+"*\n"+text))
	}
	return fields
}

// mrkdwn returns a text object; verbatim keeps Slack from making links, channels
// and mentions out of values by itself.
func mrkdwn(text string) object {
	return object{"type": "mrkdwn", "text": text, "verbatim": true}
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
	if len(address) > maxLink {
		return ""
	}
	if address = call.WebURL(address); address == "" {
		return ""
	}
	return "<" + strings.ReplaceAll(address, "&", "&amp;") + "|" + text + ">"
}

func origin(r *call.Record) string {
	text := "Source " + value(r.Source) + "  ·  " + value(r.ID)
	if r.Revision > 1 {
		text += fmt.Sprintf("  ·  update %d of this call", r.Revision-1)
	}
	return text
}
