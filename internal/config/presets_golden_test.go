package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/crmstand/hubspot"
	"github.com/cdrelay/cdrelay/internal/crmstand/pipedrive"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// presetGolden holds what each preset sends in each case, one request after another,
// and what the stand-in holds then.
const presetGolden = "testdata/presets"

// crm is a stand-in, in the state in which a case begins, and what a preset is told of
// it beside the parameters of the case.
type crm struct {
	http.Handler
	with string
	// owner is the id of the owner of Amy's calls, for the table.
	owner string
	// holds says what is there in the end.
	holds func() string
}

const (
	known, shared, unknown = "+6281234567890", "+6281355550100", "+6281300000000"
	firm, foreign          = "+62215550100", "+6287765432100"
)

// hubspotCRM has contacts and a company whose numbers are stored as people type them.
func hubspotCRM() crm {
	a := hubspot.New(hubspot.Config{Token: "t"})
	a.AddUniqueProperty("cdrelay_call_id")
	amy := a.AddOwner("amy@example.com")
	names := map[string]string{amy: "owner amy"}
	for _, one := range []struct{ name, property, number string }{
		{"known", "phone", "0812-3456-7890"},
		{"shared, first", "mobilephone", "+62 813 5555 0100"},
		{"shared, newest", "phone", "0813 5555 0100"},
		{"foreign", "phone", "+852 8776 5432 100"},
	} {
		names[a.AddContact(map[string]string{"lastname": one.name, one.property: one.number})] = one.name
	}
	names[a.AddCompany(map[string]string{"name": "firm", "phone": "(021) 555 0100"})] = "firm"
	return crm{a, "{token: t}", amy, func() string {
		var out strings.Builder
		for _, c := range a.Contacts() {
			if names[c.ID] == "" {
				names[c.ID] = "new"
				fmt.Fprintf(&out, "contact %s %s, %s, of %s\n", names[c.ID], c.Properties["phone"], c.Properties["lifecyclestage"], names[c.Properties["hubspot_owner_id"]])
			}
		}
		for _, c := range a.Calls() {
			fmt.Fprintf(&out, "call %s: %s, of %q\n", c.Properties["cdrelay_call_id"], c.Properties["hs_call_title"], names[c.Properties["hubspot_owner_id"]])
		}
		for _, l := range a.Links() {
			fmt.Fprintf(&out, "linked with %s\n", names[l.To])
		}
		return out.String()
	}}
}

// pipedriveCRM has persons whose numbers are stored as people type them.
func pipedriveCRM() crm {
	a := pipedrive.New(pipedrive.Config{Token: "t"})
	organization := a.AddOrganization("firm")
	amy := a.AddUser("amy@example.com")
	a.AddUser("xamy@example.com")
	a.AddLead("lead of known", a.AddPerson("known", organization, "0812-3456-7890"))
	a.AddPerson("shared, first", 0, "021 1", "+62 813 5555 0100")
	a.AddPerson("shared, newest", 0, "081355550100")
	a.AddPerson("longer", 0, "+62 812 3456 789 01")
	a.AddPerson("foreign", 0, "+852 8776 5432 100")
	return crm{a, `{token: t, address: "https://acme.pipedrive.com"}`, strconv.Itoa(amy), func() string {
		var out strings.Builder
		names := map[int]string{0: "nobody", 1: "the token's user", amy: "amy"}
		for _, p := range a.Persons() {
			names[p.ID] = p.Name
		}
		for _, one := range a.Activities() {
			fmt.Fprintf(&out, "activity %q, of %s, done: %v, organization %d, changed %d times\n", one.Subject, names[one.OwnerID], one.Done, one.OrgID, one.Revisions)
			for _, p := range one.Participants {
				fmt.Fprintf(&out, "  with %s\n", names[p.PersonID])
			}
			for _, l := range a.Leads() {
				if l.ID == one.LeadID {
					fmt.Fprintf(&out, "  lead %q\n", l.Title)
				}
			}
		}
		return out.String()
	}}
}

// presetCase is one call, or the revisions of one.
type presetCase struct {
	name   string
	with   string // parameters beside those that are required
	calls  []*call.Record
	preset string // empty for every one
}

func presetCases() []presetCase {
	recorded := answered(known)
	recorded.Revision, recorded.Recording.URL = 2, "https://rec.example.com/a.mp3"
	return []presetCase{
		{name: "missed-inbound-known", calls: []*call.Record{missed(known)}},
		{name: "answered-outbound-known", calls: []*call.Record{answered(known)}},
		{name: "second-revision", calls: []*call.Record{answered(known), recorded}},
		{name: "unknown-log", calls: []*call.Record{missed(unknown)}},
		{name: "unknown-skip", with: "nobody: skip", calls: []*call.Record{missed(unknown)}},
		{name: "unknown-create-lead", with: "nobody: create_lead", calls: []*call.Record{answered(unknown), answered(unknown)}},
		{name: "shared-first", calls: []*call.Record{missed(shared)}},
		{name: "shared-newest", with: "several: newest", calls: []*call.Record{missed(shared)}},
		{name: "shared-none", with: "several: none", calls: []*call.Record{missed(shared)}},
		{name: "other-country", calls: []*call.Record{missed(foreign)}},
		{name: "other-country-create-lead", with: "nobody: create_lead", calls: []*call.Record{missed(foreign)}},
		{name: "no-number", calls: []*call.Record{missed("")}},
		{name: "owner-of-a-table", with: "owner_table: owners", calls: []*call.Record{answered(known)}},
		{name: "company", preset: "hubspot", calls: []*call.Record{missed(firm)}},
		{name: "typed-only", preset: "hubspot", with: "match: typed", calls: []*call.Record{missed(known)}},
		{name: "without-leads", preset: "pipedrive", with: "leads: false", calls: []*call.Record{missed(known)}},
	}
}

// missed is an inbound call that nobody answered.
func missed(number string) *call.Record {
	r := bare(call.NoAnswer, call.Inbound)
	r.From, r.Customer = call.Party{Raw: number, Number: number}, &call.Party{Raw: number, Number: number}
	r.To = call.Party{Raw: "+62215559999", Number: "+62215559999"}
	if number == "" {
		r.From, r.Customer = call.Party{Raw: "anonymous"}, nil
	}
	return r
}

// answered is an outbound call of 65 seconds.
func answered(number string) *call.Record {
	r := bare(call.Answered, call.Outbound)
	r.To, r.Customer = call.Party{Raw: number, Number: number}, &call.Party{Raw: number, Number: number}
	r.From = call.Party{Raw: "+62215559999", Number: "+62215559999"}
	r.Agent = call.Agent{ID: "1001", Name: "Amy", Email: "amy@example.com"}
	seconds := 65
	r.TalkSeconds = &seconds
	return r
}

// TestPresetRequests compares what each preset sends to its stand-in with the golden
// files.
func TestPresetRequests(t *testing.T) {
	for preset, make := range map[string]func() crm{"hubspot": hubspotCRM, "pipedrive": pipedriveCRM} {
		for _, c := range presetCases() {
			if c.preset != "" && c.preset != preset {
				continue
			}
			t.Run(preset+" "+c.name, func(t *testing.T) {
				stand := make()
				inFolder(t, stand.owner)
				compare(t, goldenOf(preset, c.name), perform(t, sinkOf(t, preset, stand.with, c.with), stand, c.calls)+"\n# in the end\n"+stand.holds())
			})
		}
	}
}

// TestPresetsTakeEveryCall: with every outcome and direction, with nothing else
// known, and at a later revision, the stand-in takes what a preset sends.
func TestPresetsTakeEveryCall(t *testing.T) {
	for preset, make := range map[string]func() crm{"hubspot": hubspotCRM, "pipedrive": pipedriveCRM} {
		stand := make()
		inFolder(t, stand.owner)
		sink := sinkOf(t, preset, stand.with, "")
		for i, outcome := range call.Outcomes() {
			for j, direction := range []call.Direction{call.Inbound, call.Outbound, call.Internal, call.UnknownDirection} {
				one := bare(outcome, direction)
				one.ID = fmt.Sprintf("dialer:%d-%d", i, j)
				again := *one
				again.Revision = 2
				if said := perform(t, sink, stand, []*call.Record{one, &again}); strings.Contains(said, outbound.Rejected.String()) {
					t.Errorf("%s: %s %s:\n%s", preset, direction, outcome, said)
				}
			}
		}
	}
}

// hostile is a call whose texts try to be markup, lists of a lookup, and templates.
func hostile() *call.Record {
	const text = "<script>alert('${call.id}')</script> 5=81234567890= 6=\u202e\n\"\\"
	r := answered(known)
	r.From.Raw, r.Agent.Name, r.Agent.ID, r.Agent.Email = text, text, text, text
	r.Hangup.Reason, r.KeysPressed, r.References.OrderID, r.Task.Intent = text, text, text, text
	r.Recording.URL, r.VoicemailURL = "https://rec.example.com/"+text, "javascript:"+text
	return r
}

// TestPresetsTakeHostileRecords: the stand-in takes one, no value of the call becomes
// markup, and the token is in no text that is printed.
func TestPresetsTakeHostileRecords(t *testing.T) {
	for preset, make := range map[string]func() crm{"hubspot": hubspotCRM, "pipedrive": pipedriveCRM} {
		stand := make()
		inFolder(t, stand.owner)
		said := perform(t, sinkOf(t, preset, stand.with, ""), stand, []*call.Record{hostile()})
		if strings.Contains(said, outbound.Rejected.String()) || strings.Contains(strings.ToLower(said), "<script") {
			t.Errorf("%s:\n%s", preset, said)
		}
		l, err := loadSink(t, "preset: "+preset+"\nwith: "+strings.Replace(stand.with, "token: t", "token: planted", 1))
		if err != nil {
			t.Fatal(err)
		}
		if printed := fmt.Sprintf("%+v %#v", l.Sinks[0], l.Sinks[0]); strings.Contains(printed, "planted") {
			t.Errorf("%s: the token is printed", preset)
		}
	}
}

// TestTwoCallsOfOneUnknownNumber: at once they make one lead.
func TestTwoCallsOfOneUnknownNumber(t *testing.T) {
	for preset, make := range map[string]func() crm{"hubspot": hubspotCRM, "pipedrive": pipedriveCRM} {
		stand := make()
		inFolder(t, stand.owner)
		sink := sinkOf(t, preset, stand.with, "nobody: create_lead")
		var both sync.WaitGroup
		for i := range 2 {
			one := missed(unknown)
			one.ID = fmt.Sprintf("dialer:%d", i)
			both.Go(func() { perform(t, sink, stand, []*call.Record{one}) })
		}
		both.Wait()
		if holds := stand.holds(); strings.Count(holds, "new")+strings.Count(holds, "with "+unknown) != map[string]int{"hubspot": 3, "pipedrive": 2}[preset] {
			t.Errorf("%s holds\n%s", preset, holds)
		}
	}
}

// TestPresetsReadAnswers holds what each preset makes of its CRM's answers to a write.
func TestPresetsReadAnswers(t *testing.T) {
	type answer struct {
		status int
		body   string
		want   outbound.Meaning
	}
	for preset, tests := range map[string][]answer{
		"hubspot": {
			{http.StatusOK, `{"status":"COMPLETE","results":[{"id":"1"}]}`, outbound.Delivered},
			{http.StatusMultiStatus, `{"numErrors":1,"results":[]}`, outbound.Rejected},
			{http.StatusOK, `{"results":[]}`, outbound.Rejected},
			{http.StatusBadRequest, `{"category":"VALIDATION_ERROR"}`, outbound.Rejected},
			{http.StatusUnauthorized, `{"category":"INVALID_AUTHENTICATION"}`, outbound.Credentials},
			{http.StatusTooManyRequests, `{"errorType":"RATE_LIMIT","policyName":"SECONDLY"}`, outbound.Paused},
			{http.StatusTooManyRequests, `<html>`, outbound.Unwell},
			{http.StatusLocked, `{}`, outbound.Unwell},
			{477, `{}`, outbound.Unwell},
		},
		"pipedrive": {
			{http.StatusCreated, `{"success":true,"data":{"id":1}}`, outbound.Delivered},
			{http.StatusOK, `{"success":false,"error":"Scope and URL mismatch"}`, outbound.Rejected},
			{http.StatusPaymentRequired, `{"success":false}`, outbound.Credentials},
			{http.StatusBadRequest, `{"success":false}`, outbound.Rejected},
			{http.StatusUnauthorized, `{"success":false}`, outbound.Credentials},
			{http.StatusTooManyRequests, `{"success":false}`, outbound.Paused},
		},
	} {
		inFolder(t, "1")
		with := map[string]string{"hubspot": hubspotCRM().with, "pipedrive": pipedriveCRM().with}[preset]
		for _, tt := range tests {
			turn, err := sinkOf(t, preset, with, "").Series("msg_1", missed(""), nil).Next()
			if err != nil || turn.Request == nil {
				t.Fatalf("%s: %v", preset, err)
			}
			got := turn.Request.Read(outbound.Answer{
				Status: tt.status, Header: http.Header{"X-Ratelimit-Reset": {"2"}}, Body: []byte(tt.body), FixedURL: turn.Request.FixedURL,
			})
			if got.Meaning != tt.want {
				t.Errorf("%s: %d %s is %v, want %v", preset, tt.status, tt.body, got.Meaning, tt.want)
			}
		}
	}
}

// perform makes the requests of calls and returns them with their answers' status.
func perform(t *testing.T, sink contract.Sink, to http.Handler, calls []*call.Record) string {
	t.Helper()
	said, _ := performed(t, sink, to, calls)
	return said
}

// performed is perform, and what the steps remember then.
func performed(t *testing.T, sink contract.Sink, to http.Handler, calls []*call.Record) (said string, remembered map[string]string) {
	t.Helper()
	var out strings.Builder
	remembered = map[string]string{}
	for _, r := range calls {
		series := sink.Series("msg_1", r, remembered)
		end := outbound.Delivered
		for end == outbound.Delivered {
			turn, err := series.Next()
			if err != nil {
				t.Fatal(err)
			}
			if turn.Wait != nil {
				if err := turn.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if turn.Request == nil {
				break
			}
			var status int
			status, end = send(t, turn.Request, to)
			fmt.Fprintf(&out, "%s\n# answered %d: %s\n\n", sent(turn.Request), status, end)
			if end == outbound.Delivered {
				series.Advance()
			}
		}
		maps.Copy(remembered, series.Kept())
		series.End(end)
	}
	return out.String(), remembered
}

// send makes a request of a handler.
func send(t *testing.T, q *outbound.Request, to http.Handler) (status int, m outbound.Meaning) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), q.Method, q.URL, bytes.NewReader(q.Body))
	r.Header = q.Header.Clone()
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w.Code, q.Read(outbound.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes(), FixedURL: q.FixedURL}).Meaning
}

// sent is a request as a golden file holds it: a line, and the body.
func sent(q *outbound.Request) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s %s\n", q.Name, q.Method, q.URL)
	if len(q.Body) > 0 && json.Indent(&b, q.Body, "", "  ") == nil {
		b.WriteByte('\n')
	}
	return b.String()
}

// goldenOf is the file of a case, wherever the test runs.
func goldenOf(preset, name string) string {
	return filepath.Join(presetsFolder, preset, name+".golden")
}

// presetsFolder is presetGolden as a whole path.
var presetsFolder, _ = filepath.Abs(presetGolden)

// inFolder goes where the table of owners is.
func inFolder(t *testing.T, owner string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("owners.csv", []byte("amy@example.com,"+owner+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sinkOf builds the sink of a preset with parameters.
func sinkOf(t *testing.T, preset, required, more string) contract.Sink {
	t.Helper()
	with := strings.TrimSuffix(required, "}") + ", " + more + "}"
	l, err := loadSink(t, "preset: "+preset+"\nwith: "+strings.Replace(with, ", }", "}", 1))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := l.Sinks[0].Build(contract.Deps{Lookup: l.Rows.Lookup})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}
