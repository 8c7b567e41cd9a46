package contracttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Records are ordinary calls: a missed inbound one and an answered AI call.
func Records() []*call.Record { return []*call.Record{missed(), aiCall()} }

func missed() *call.Record {
	customer := call.Party{Raw: "085712345678", Number: "+6285712345678"}
	return &call.Record{
		Schema: call.SchemaID, ID: "dialer:9513923-263056202", Revision: 1,
		Source: "dialer", Format: "infin8linx", Account: "9513923",
		Direction: call.Inbound, Method: call.Manual, Outcome: call.NoAnswer,
		From: customer, To: call.Party{Raw: "801", Extension: "801"}, Customer: &customer,
		StartedAt:   at("2025-10-16T09:31:13Z"),
		EndedAt:     at("2025-10-16T09:31:21Z"),
		ReceivedAt:  at("2025-10-16T09:31:23.5Z"),
		WaitSeconds: new(8), TotalSeconds: new(8), TalkSeconds: new(0),
		Hangup: call.Hangup{By: call.ByCustomer, Code: "10016", Reason: "nobody answered"},
		Raw:    json.RawMessage(`{"id":263056202,"companycode":"9513923","round":0}`),
	}
}

func aiCall() *call.Record {
	customer := call.Party{Raw: "amy@example.com:5060", SIP: "amy@example.com"}
	return &call.Record{
		Schema: call.SchemaID, ID: "nxlink:b1920376-5e15-4f22-9996-6233f297685e", Revision: 2,
		Source: "nxlink", Format: "nxcc",
		Direction: call.Outbound, Method: call.AIAgent, Answered: true, Outcome: call.Answered,
		From: call.Party{Raw: "85235757581", Number: "+85235757581"}, To: customer, Customer: &customer,
		Agent:       call.Agent{Name: "amy@example.com"},
		StartedAt:   at("2023-08-07T01:36:31Z"),
		AnsweredAt:  at("2023-08-07T01:36:32Z"),
		EndedAt:     at("2023-08-07T01:36:53Z"),
		ReceivedAt:  at("2023-08-07T01:36:54Z"),
		WaitSeconds: new(1), TalkSeconds: new(21), TotalSeconds: new(22),
		Recording:  call.Recording{URL: "https://rec.example.com/a.mp3?sig=x&y=1"},
		Task:       call.Task{ID: "1688363452814331904", Intent: "转人工-成功"},
		References: call.References{OrderID: "ORDER_ID", Custom: "OTHER"},
		Raw:        json.RawMessage(`{"callId":"b1920376","taskId":"1688363452814331904","callDuration":7}`),
	}
}

func at(text string) call.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err) // a constant of this file
	}
	return call.At(t)
}

// HostileRecords carry one hostile text each, in every field that takes a text.
func HostileRecords() []*call.Record {
	texts := []string{
		"line\nbreak\r\nX-Injected: yes\r\n\r\nbody",
		"\x00\x01\x1b[31m\x7f\u0085 control",
		"separators \u2028 and \u2029",
		"\u202eright to left\u200f \u2066isolate",
		"broken \xff\xfe UTF-8 \xc3\x28 \xed\xa0\x80",
		"<!channel> <@U123> <https://evil.example|click> & &amp; <!date^0^{date}|x>",
		`quote " backslash \ and ${call.id} $${x} {{ . }}`,
		"`code` ```block``` *bold* _it_ ~gone~ > quote",
		"a&b=c+d%20e#f?g/../h;i",
		"",
	}
	records := make([]*call.Record, 0, len(texts)+1)
	for _, text := range texts {
		records = append(records, hostile(text))
	}
	return append(records, huge())
}

// huge carries far more than a record may in a few fields only, which keeps the
// suite quick.
func huge() *call.Record {
	text := strings.Repeat("𝄞&<>é", 1<<13)
	r := hostile("huge")
	r.Agent.Name, r.References.Custom = text, text
	return r
}

// hostile keeps to what the record guarantees (an id of safe characters, raw
// that is JSON) and to nothing else.
func hostile(text string) *call.Record {
	raw, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		panic(err) // strings always marshal
	}
	party := call.Party{Raw: text, Number: text, SIP: text, Extension: text}
	r := missed()
	r.ID, r.Account, r.Raw = call.NewID("dialer", text), text, raw
	r.From, r.To, r.Customer = party, party, &party
	r.Agent = call.Agent{ID: text, Name: text, Extension: text}
	r.Hangup = call.Hangup{By: call.HangupBy(text), Code: text, Reason: text}
	r.Recording = call.Recording{URL: text, File: text, Host: text}
	r.VoicemailURL, r.KeysPressed, r.Cost = text, text, text
	r.Task = call.Task{ID: text, Round: text, Intent: text}
	r.References = call.References{OrderID: text, CustomerID: text, MemberID: text, Custom: text}
	r.Warnings = []string{text, text}
	return r
}

// bounded renders records that are larger than any request may be: an error, or a
// request within the bound.
func (k Kind) bounded(t *testing.T) {
	b := k.set(t, 0, status(http.StatusTeapot))
	for _, letter := range []string{"a", "<", "\x01", "‹", "%"} {
		r := hostile("large")
		text := strings.Repeat(letter, contract.DefaultMaxRequest)
		raw, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		r.Agent.Name, r.References.OrderID, r.Raw = text, text, raw
		request, err := Request(b.sink, MessageID, r)
		if err != nil {
			continue
		}
		if n := len(request.URL) + len(request.Body); n > contract.DefaultMaxRequest {
			t.Errorf("a record of %q makes a request of %d bytes", letter, n)
		}
	}
}

// hostile renders every hostile record and delivers it: nothing panics, no
// header appears, every body is what its Content-Type says.
func (k Kind) hostile(t *testing.T) {
	b := k.set(t, 0, k.Deliver)
	want := headerNames(t, b, Records()[0])
	for _, r := range HostileRecords() {
		request, err := Request(b.sink, MessageID, r)
		if err != nil {
			t.Errorf("%.80s: %v", r.ID, err)
			continue
		}
		for name, values := range request.Header {
			if !want[name] {
				t.Errorf("%.80s: a header %q appeared", r.ID, name)
			}
			if text := strings.Join(values, ""); strings.ContainsAny(text, "\r\n\x00") {
				t.Errorf("%.80s: header %s holds a line break: %.200q", r.ID, name, text)
			}
		}
		checkBody(t, request.Header.Get("Content-Type"), request.Body)
		if len(r.Agent.Name) < 1<<16 { // a megabyte in a URL or header is the server's to refuse
			k.arrives(t, b, r)
		}
	}
}

// arrives delivers and looks at what the server parsed.
func (k Kind) arrives(t *testing.T, b *bench, r *call.Record) {
	t.Helper()
	before := len(b.server.all())
	if got := b.deliver(t, r); len(got.Tries) == 0 {
		t.Errorf("%.80s: no try was made: %v %s", r.ID, got.Meaning, got.Detail)
	}
	arrived := b.server.all()[before:]
	if len(arrived) != 1 {
		t.Errorf("%.80s: %d requests arrived, want 1", r.ID, len(arrived))
		return
	}
	if arrived[0].Header.Get("X-Injected") != "" {
		t.Errorf("%.80s: a header was injected", r.ID)
	}
	checkRequest(t, arrived[0])
}

func headerNames(t *testing.T, b *bench, r *call.Record) map[string]bool {
	t.Helper()
	request, err := Request(b.sink, MessageID, r)
	if err != nil {
		t.Fatal(fmt.Errorf("an ordinary record: %w", err))
	}
	names := map[string]bool{}
	for name := range request.Header {
		names[name] = true
	}
	return names
}
