package webhook

import (
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// crm answers in the place of a CRM, and keeps what it was asked.
type crm struct {
	mu     sync.Mutex // guards everything below
	answer func(method, path string) (status int, body string)
	took   time.Duration
	asked  []string
	ids    []string
}

func (c *crm) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.took > 0 {
		c.mu.Unlock()
		time.Sleep(c.took)
		c.mu.Lock()
	}
	c.asked = append(c.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	c.ids = append(c.ids, r.Header.Get("Idempotency-Key"))
	status, text := c.answer(r.Method, r.URL.RequestURI())
	return reply(status, nil, text), nil
}

// answersOf answers by method and path: a status and a body. All else is 404.
func answersOf(all map[string]string) func(method, path string) (int, string) {
	return func(method, path string) (status int, body string) {
		text, known := all[method+" "+path]
		if !known {
			return http.StatusNotFound, "not here"
		}
		code, body, _ := strings.Cut(text, " ")
		_, _ = fmt.Sscan(code, &status)
		return status, body
	}
}

// seen returns what was asked since the last time.
func (c *crm) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.asked
	c.asked = nil
	return out
}

func stepped(t *testing.T, text string, d contract.Deps) *Sink {
	t.Helper()
	var c Config
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	sink, err := New(c, d)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// attempt makes the requests of one attempt, as a lane does.
func attempt(ctx context.Context, t *testing.T, sink *Sink, to *crm, r *call.Record, remembered map[string]string) (outbound.Outcome, map[string]string) {
	t.Helper()
	transport := sink.Transport()
	transport.Wire = to
	none := 0
	client, err := outbound.New("crm", transport, outbound.Settings{QuickTries: &none})
	if err != nil {
		t.Fatal(err)
	}
	s := sink.Series("msg_1", r, remembered)
	out := outbound.Outcome{Verdict: outbound.Verdict{Meaning: outbound.Delivered}}
	defer func() { s.End(out.Meaning) }()
	for {
		turn, err := s.Next()
		switch {
		case err != nil:
			out.Verdict = outbound.Verdict{Meaning: outbound.Rejected, Detail: "render: " + err.Error()}
			return out, s.Kept()
		case turn.Wait != nil:
			if err := turn.Wait(ctx); err != nil {
				t.Error(err)
				return out, s.Kept()
			}
			continue
		case turn.Request == nil:
			return out, s.Kept()
		}
		one := client.Do(ctx, turn.Request)
		out.Verdict, out.Tries = one.Verdict, append(out.Tries, one.Tries...)
		if one.Meaning != outbound.Delivered {
			return out, s.Kept()
		}
		s.Advance()
	}
}

func caller(number string) *call.Record {
	r := record()
	r.Customer = &call.Party{Number: number}
	r.Agent = call.Agent{Email: "sari@acme.example"}
	return r
}

const finding = `
base: https://crm.example/api/
headers: {X-Tenant: acme}
steps:
  - name: contact
    when: call.customer.number != ""
    method: GET
    url: /contacts
    query: {phone: "${call.customer.number}"}
    result: 'response.json.items.size() > 0 ? response.json.items[0].id : ""'
    cache: 10m
  - name: lead
    when: steps.contact == ""
    url: /leads
    body: {phone: "${call.customer.number}"}
    result: response.json.id
    fills: contact
  - name: create
    when: remembered.create == ""
    url: /calls
    body: {contact: "${steps.contact}"}
    result: response.json.id
    remember: true
  - name: update
    when: remembered.create != ""
    method: PATCH
    url: /calls/${remembered.create}
    body: {contact: "${steps.contact}"}
`

// known answers for a contact that is there.
func known() map[string]string {
	return map[string]string{
		"GET /api/contacts?phone=%2B621": `200 {"items":[{"id":"7"}]}`,
		"GET /api/contacts?phone=%2B622": `200 {"items":[]}`,
		"POST /api/leads":                `201 {"id":"lead-1"}`,
		"POST /api/calls":                `201 {"id":501}`,
		"PATCH /api/calls/501":           `204 `,
	}
}

func TestSteps(t *testing.T) {
	to := &crm{answer: answersOf(known())}
	sink := stepped(t, finding, contract.Deps{})
	out, kept := attempt(t.Context(), t, sink, to, caller("+621"), nil)
	if out.Meaning != outbound.Delivered || !cmp.Equal(kept, map[string]string{"create": "501"}) {
		t.Fatalf("%v %s, kept %v", out.Meaning, out.Detail, kept)
	}
	if diff := cmp.Diff([]string{"GET /api/contacts?phone=%2B621", `POST /api/calls {"contact":"7"}`}, to.seen()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"msg_1-contact", "msg_1-create"}, to.ids); diff != "" {
		t.Error(diff)
	}
	if out.Tries[0].Name != "contact" || out.Tries[1].Name != "create" {
		t.Errorf("tries of %q and %q", out.Tries[0].Name, out.Tries[1].Name)
	}
	// The next revision changes the entry, and asks for no contact again.
	out, kept = attempt(t.Context(), t, sink, to, caller("+621"), kept)
	if out.Meaning != outbound.Delivered || kept != nil {
		t.Fatalf("%v %s, kept %v", out.Meaning, out.Detail, kept)
	}
	if diff := cmp.Diff([]string{`PATCH /api/calls/501 {"contact":"7"}`}, to.seen()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"contact", "lead", "create", "update"}, sink.Steps()); diff != "" {
		t.Error(diff)
	}
}

// What a lookup may answer, and what becomes of the delivery.
func TestBadAnswers(t *testing.T) {
	many := `200 {"items":[` + strings.Repeat(`{"id":1},`, 5000) + `{"id":1}]}`
	tooMany := `200 {"items":[` + strings.Repeat(`{"id":1},`, 10000) + `{"id":1}]}`
	for name, c := range map[string]struct {
		lookup, create string
		want           outbound.Meaning
		detail         string
	}{
		"nonsense":              {lookup: `200 <html>`, want: outbound.Rejected, detail: "result: response.json has no value: 200 OK: <html>"},
		"another form":          {lookup: `200 {"contacts":[]}`, want: outbound.Rejected, detail: "result: "},
		"5,000 results":         {lookup: many, want: outbound.Delivered},
		"10,000 results, cut":   {lookup: tooMany, want: outbound.Rejected, detail: "result: it cannot be taken, because"},
		"none, without a body":  {lookup: `204 `, want: outbound.Delivered},
		"not found":             {lookup: `404 no`, want: outbound.Credentials, detail: "404"},
		"credentials":           {lookup: `401 no`, want: outbound.Credentials, detail: "401"},
		"slower":                {lookup: `429 slower`, want: outbound.Unwell, detail: "429"},
		"redirect":              {lookup: `302 there`, want: outbound.Rejected, detail: "302"},
		"unwell":                {lookup: `500 no`, want: outbound.Unwell, detail: "500"},
		"long result":           {lookup: `200 {"items":[{"id":"` + strings.Repeat("a", 5000) + `"}]}`, want: outbound.Rejected, detail: "result: the result is longer than 4096 bytes"},
		"a number to remember":  {create: `201 {"id":5}`, want: outbound.Delivered},
		"an object to remember": {create: `201 {"id":{"a":1}}`, want: outbound.Rejected, detail: "result: it is remembered, and is neither a text nor a number"},
		"too long to remember":  {create: `201 {"id":"` + strings.Repeat("a", 257) + `"}`, want: outbound.Rejected, detail: "result: it is remembered, and is longer than 256 bytes"},
		"nothing to remember":   {create: `201 {"id":""}`, want: outbound.Delivered},
	} {
		t.Run(name, func(t *testing.T) {
			answers := known()
			if c.lookup != "" {
				answers["GET /api/contacts?phone=%2B621"] = c.lookup
			}
			if c.create != "" {
				answers["POST /api/calls"] = c.create
			}
			to := &crm{answer: answersOf(answers)}
			sink := stepped(t, strings.Replace(finding, "query: {phone: \"${call.customer.number}\"}", "query: {phone: '+621'}", 1), contract.Deps{})
			out, _ := attempt(t.Context(), t, sink, to, caller("+621"), nil)
			if out.Meaning != c.want || !strings.HasPrefix(out.Detail, c.detail) {
				t.Errorf("%v %.200q, want %v %q", out.Meaning, out.Detail, c.want, c.detail)
			}
			last, step := out.Tries[len(out.Tries)-1], "contact"
			if c.create != "" {
				step = "create"
			}
			if out.Meaning != outbound.Delivered && last.Name != step {
				t.Errorf("the last try is of %q", last.Name)
			}
			if len(sink.lookups.held) != 0 {
				t.Error("a question is held for ever")
			}
		})
	}
}

// A shadow asks and writes nothing.
func TestShadow(t *testing.T) {
	to := &crm{answer: answersOf(known())}
	sink := stepped(t, finding, contract.Deps{Shadow: true})
	out, kept := attempt(t.Context(), t, sink, to, caller("+622"), nil)
	if out.Meaning != outbound.Delivered || len(kept) > 0 {
		t.Fatalf("%v %s, kept %v", out.Meaning, out.Detail, kept)
	}
	if diff := cmp.Diff([]string{"GET /api/contacts?phone=%2B622"}, to.seen()); diff != "" {
		t.Error(diff)
	}
	var shown []string
	for _, try := range out.Tries {
		if try.Sent != nil {
			shown = append(shown, try.Name+" "+try.Sent.Method+" "+try.Sent.Body)
		}
	}
	want := []string{`lead POST {"phone":"+622"}`, `create POST {"contact":"steps.lead"}`}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
	sink = stepped(t, finding, contract.Deps{})
	if attempt(t.Context(), t, sink, to, caller("+622"), nil); len(to.seen()) != 3 {
		t.Error("what a shadow did not make is kept")
	}
}

// What a shadow does not write is not asked for, and what cannot be rendered without the
// answer to it is shown as such: neither makes a dead letter.
func TestShadowKnowsNoAnswers(t *testing.T) {
	to := &crm{answer: answersOf(map[string]string{"GET /known": `200 {"id":1}`})}
	sink := stepped(t, `
base: https://crm.example/
steps:
  - {name: person, url: /persons, result: response.json.id}
  - {name: known, method: GET, url: /known, result: response.json.id, cache: 1m}
  - {name: leads, method: GET, url: "/leads?person=${steps.person}", result: response.json.id, cache: 1m}
  - {name: lead, url: /leads, body: {person: "${int(steps.person)}"}}
  - {name: link, method: PUT, url: "/persons/${steps.person}/leads/${steps.leads}"}
`, contract.Deps{Shadow: true})
	out, _ := attempt(t.Context(), t, sink, to, record(), nil)
	if out.Meaning != outbound.Delivered {
		t.Fatalf("%v %s", out.Meaning, out.Detail)
	}
	if diff := cmp.Diff([]string{"GET /known"}, to.seen()); diff != "" {
		t.Error(diff)
	}
	var shown []string
	for _, try := range out.Tries {
		if try.Sent != nil {
			shown = append(shown, strings.TrimSpace(try.Name+" "+try.Sent.Method+" "+try.Sent.URL+" "+try.Sent.Body))
		}
	}
	want := []string{
		"person POST https://crm.example/persons", "leads GET https://crm.example/leads?person=steps.person",
		"lead   not known without the answer to a step that was not sent: webhook step lead: body: person: type conversion error from 'string' to 'int'",
		"link PUT https://crm.example/persons/steps.person/leads/steps.leads",
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
	if sink.lookups.kept.Len() != 1 || len(sink.lookups.held) > 0 {
		t.Errorf("%d results are kept, %d questions held", sink.lookups.kept.Len(), len(sink.lookups.held))
	}
}

func TestPreviewOfSteps(t *testing.T) {
	sink := stepped(t, finding, contract.Deps{})
	line := func(all []contract.Preview) string {
		var text []string
		for _, p := range all {
			switch {
			case p.Err != nil:
				text = append(text, p.Step+" "+p.Err.Error())
			case p.Request == nil:
				text = append(text, p.Step+" skipped")
			default:
				text = append(text, p.Step+" "+p.Request.Method+" "+p.Request.URL+" "+string(p.Request.Body))
			}
		}
		return strings.Join(text, "\n")
	}
	const plain = `contact GET https://crm.example/api/contacts?phone=%2B621 
lead skipped
create POST https://crm.example/api/calls {"contact":"steps.contact"}
update skipped`
	if diff := cmp.Diff(plain, line(sink.Preview("msg_1", caller("+621"), contract.Given{}))); diff != "" {
		t.Error(diff)
	}
	const filled = `contact GET https://crm.example/api/contacts?phone=%2B621 
lead POST https://crm.example/api/leads {"phone":"+621"}
create skipped
update PATCH https://crm.example/api/calls/77 {"contact":12}`
	given := contract.Given{Results: map[string]string{"contact": "", "lead": "12"}, Remembered: map[string]string{"create": "77"}}
	if diff := cmp.Diff(filled, line(sink.Preview("msg_1", caller("+621"), given))); diff != "" {
		t.Error(diff)
	}
}

// A success counts for the breaker where a step is marked, or by default that of the
// last step without a condition.
func TestEvidence(t *testing.T) {
	for text, want := range map[string][]bool{
		`{steps: [{name: a, url: "https://x.example"}, {name: b, url: "https://x.example"}, {name: c, when: "true", url: "https://x.example"}]}`: {false, true, false},
		`{steps: [{name: a, when: "true", url: "https://x.example"}, {name: b, when: "true", url: "https://x.example"}]}`:                        {false, true},
		`{steps: [{name: a, url: "https://x.example", evidence: true}, {name: b, url: "https://x.example"}]}`:                                    {true, false},
		`{url: "https://x.example"}`: {true},
	} {
		var got []bool
		for _, st := range stepped(t, text, contract.Deps{}).steps {
			got = append(got, st.evidence)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestRateOfAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &crm{answer: answersOf(map[string]string{"POST /a": "200 ", "POST /b": "200 "})}
		sink := stepped(t, `{base: "https://x.example", steps: [{name: a, url: /a, rate: {per_second: 1}}, {name: b, url: /b}]}`, contract.Deps{})
		begun := time.Now()
		for range 4 {
			attempt(t.Context(), t, sink, to, record(), nil)
		}
		if took := time.Since(begun); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("4 requests at one a second took %v", took)
		}
	})
}

func TestMultipart(t *testing.T) {
	sink := stepped(t, `{url: "https://x.example/", encoding: multipart, body: {"call[id]": "${call.id}", none: "${call.cost}", note: "a\r\n--b"}}`, contract.Deps{})
	turn, err := sink.Series("msg_1", record(), nil).Next()
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(turn.Request.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	form, err := multipart.NewReader(strings.NewReader(string(turn.Request.Body)), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"call[id]": {record().ID}, "note": {"a\r\n--b"}}, form.Value); diff != "" {
		t.Error(diff)
	}
}

// All steps together have the bounds of one request.
func TestStepsShareTheirBound(t *testing.T) {
	to := &crm{answer: answersOf(map[string]string{"POST /a": "200 ", "POST /b": "200 "})}
	r := record()
	r.Agent.Name = strings.Repeat("a", 700)
	sink := stepped(t, `{base: "https://x.example", steps: [{name: a, url: /a, body: {n: "${call.agent.name}"}}, {name: b, url: /b, body: {n: "${call.agent.name}"}}]}`, contract.Deps{MaxRequest: 1024})
	out, _ := attempt(t.Context(), t, sink, to, r, nil)
	if out.Meaning != outbound.Rejected || !strings.HasPrefix(out.Detail, "render: webhook step b: body: ") || len(to.seen()) != 1 {
		t.Errorf("%v %s", out.Meaning, out.Detail)
	}
}
