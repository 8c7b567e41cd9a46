package demo

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
)

// The names of the configuration.
const (
	dialer      = "dialer"
	nxlink      = "nxlink"
	crmSink     = "crm"
	hubspotSink = "hubspot"
	slackSink   = "missed-calls"
	dialerQuery = "?key=demo-dialer-key"
	nxlinkToken = "demo-nxlink-token" //nolint:gosec // of the demo's own configuration, no secret
	crmToken    = "demo-crm-token"    //nolint:gosec // of the demo's own configuration, no secret

	hubspotToken = "demo-hubspot-token" //nolint:gosec // of the demo's own configuration, no secret
)

// What a callback is answered.
const (
	accepted  = "accepted"
	duplicate = "duplicate"
	ignored   = "ignored"
	refused   = "not understood"
)

//go:embed samples/*.json samples/*.txt
var sampleFiles embed.FS

// sample is one callback that the demo posts, and what must become of it.
type sample struct {
	file   string
	source string
	// title says what the platform reports; note, what to look at.
	title, note string
	// status is how the callback must be answered.
	status string
	// revision and sinks are what must come of an accepted one.
	revision int
	sinks    []string
	// superseded are the sinks that must not hear of it, because a newer revision comes
	// before they have settled: the next sample, which is posted at once.
	superseded []string
	// mended says that the CRM refuses the call until its administrator has added
	// a field.
	mended bool
}

// samples are the callbacks in the order of the demo. The failures of the
// stand-ins are counted in requests, so the order decides who meets them.
func samples() []sample {
	return []sample{
		{
			file: "infin8linx-call.json", source: dialer, status: accepted, revision: 1, sinks: []string{crmSink},
			title: "An automatic call that nobody answered",
			note:  "The CRM is down at first.",
		},
		{
			file: "nxcc-call.json", source: nxlink, status: accepted, revision: 1, sinks: []string{crmSink},
			title: "A call of an AI agent, from the other platform",
			note:  "Another format, the same record.",
		},
		{
			file: "infin8linx-missed.json", source: dialer, status: accepted, revision: 1, sinks: []string{slackSink, crmSink},
			title: "A customer called and nobody picked up",
			note:  "Slack is told too, and finds us too fast.",
		},
		{
			file: "nxcc-answered.json", source: nxlink, status: accepted, revision: 1, sinks: []string{crmSink, hubspotSink},
			title: "A customer called and talked to Mei",
			note:  "The CRM stumbles over it once. In HubSpot the call must stand under its contact and owner.",
		},
		{
			file: "nxcc-answered-recording.json", source: nxlink, status: accepted, revision: 2, sinks: []string{crmSink, hubspotSink},
			title: "The same call again, now with a recording",
			note:  "The platform knows more now: a new revision, and no second entry in HubSpot.",
		},
		{
			file: "nxcc-answered-recording.json", source: nxlink, status: duplicate, revision: 2,
			title: "The very same callback once more",
			note:  "Platforms repeat themselves; the CRM must not hear it twice.",
		},
		{
			file: "infin8linx-state-event.json", source: dialer, status: ignored,
			title: "A telephone rings: an event, not a finished call",
			note:  "Platforms post those to the same address.",
		},
		{
			file: "infin8linx-legacy-as-published.txt", source: dialer, status: refused,
			title: "A callback that is not valid JSON",
			note:  "It is printed so in the platform's own manual. It is not thrown away.",
		},
		{
			file: "infin8linx-survey.json", source: dialer, status: accepted, revision: 1, sinks: []string{crmSink}, mended: true,
			title: "A survey call: the customer pressed 2",
			note:  "The CRM has no field for pressed keys, and says so.",
		},
		{
			file: "infin8linx-ring-first.json", source: dialer, status: accepted, revision: 1, sinks: []string{slackSink, crmSink},
			superseded: []string{slackSink},
			title:      "A ring group: the first telephone was not picked up",
			note:       "The platform reports each telephone that rang. The next report comes at once.",
		},
		{
			file: "infin8linx-ring-second.json", source: dialer, status: accepted, revision: 2, sinks: []string{slackSink, crmSink},
			title: "The same call: the second telephone was not picked up either",
			note:  "Slack waits whether more comes, and is told once. The CRM keeps its entry up to date.",
		},
	}
}

// yours is the callback that the user is invited to post.
const yours = "your-call.json"

// body is the sample as the platform posts it.
func (s sample) body() ([]byte, error) { return readSample(s.file) }

func readSample(name string) ([]byte, error) {
	body, err := fs.ReadFile(sampleFiles, "samples/"+name)
	if err != nil {
		return nil, fmt.Errorf("sample: %w", err)
	}
	return body, nil
}

// path is where the source of that name listens, with its credentials where they
// stand in the URL.
func path(source string) string {
	if source == dialer {
		return "/callbacks/" + dialer + dialerQuery
	}
	return "/callbacks/" + source
}

// sign puts the source's credentials into the header where they stand there.
func sign(source string, h http.Header) {
	if source == nxlink {
		h.Set("token", nxlinkToken)
	}
}

// platform is the vendor's name for a reader.
func platform(source string) string {
	switch source {
	case dialer:
		return "Infin8linx"
	case nxlink:
		return "NXCC"
	default:
		return source
	}
}
