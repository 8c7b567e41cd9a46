package explain

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/sinks"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

var update = flag.Bool("update", false, "write the golden file")

const missed = `{"id": 263056917, "companycode": "9513923", "direction": "callin", "callmethod": 2,
	"starttime": "2025-10-16 17:40:02", "answertime": "", "endtime": "2025-10-16 17:40:31",
	"userid": "1007", "disnumber": "81351111451", "destnumber": "219513923001"}`

// setup is a configuration with sinks that would notice a request.
const setup = `
rules:
  - {name: internal calls nowhere, when: 'call.direction == "internal"', stop: true}
  - {name: long, when: 'call.hangup.q850 == 16', to: [crm]}
  - {name: missed, when: 'call.revision == 1 && !call.answered', to: [crm, chat]}
  - {name: fails, when: 'call.direction == "inbound"', to: [broken], stop: true}
  - {name: never reached, to: [oauth]}
sinks:
  crm:
    webhook:
      url: "SERVER/hook/path-1234?key=query-plant-5678&account=${call.account}"
      headers: {X-Api-Key: header-plant-9876, X-Account: "${call.account}"}
      auth: {bearer: bearer-plant-5432}
      body: {phone: "${call.customer.number}", revision: "${call.revision}", at: "${call.received_at}"}
  chat:
    slack: {webhook_url: SERVER/services/slack-plant-1111, text: "Missed: ${call.customer.number}"}
  broken:
    webhook:
      url: SERVER/broken
      auth: {bearer: bearer-plant-3333}
      body: {x: "${1 / (call.revision - 1)}"}
  oauth:
    webhook:
      url: SERVER/open
      auth: {oauth2: {token_url: SERVER/token, client_id: me, client_secret: client-plant-2222}}
      sign: {standard_webhooks: whsec_c2lnbmluZy1wbGFudC1vZi0zMi1ieXRlcy0xZTc1ISE=}
`

// explainer gives an Explainer by a text like setup.
func explainer(t *testing.T, text string) *Explainer {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("an explanation sent %s %s", r.Method, r.URL)
	}))
	t.Cleanup(server.Close)
	var read struct {
		Rules []route.Rule
		Sinks map[string]sinks.Config
	}
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(text, "SERVER", server.URL)), &read); err != nil {
		t.Fatal(err)
	}
	c := Config{Rules: read.Rules, UserAgent: "cdrelay/test"}
	for name, config := range read.Sinks {
		sink, err := sinks.Build(config, contract.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		c.Sinks = append(c.Sinks, Sink{Name: name, Sink: sink})
	}
	format, _ := adapter.Lookup("infin8linx")
	c.Sources = []Source{{Name: "dialer", Format: format.Name, Read: hashed(func(body []byte) (*call.Record, error) {
		return format.Convert(body, call.Source{Name: "dialer", Region: "ID"})
	})}}
	return New(c)
}

// hashed makes a source's Read of an adapter.
func hashed(convert func(body []byte) (*call.Record, error)) func([]byte) (*call.Record, call.ContentHash, error) {
	return func(body []byte) (*call.Record, call.ContentHash, error) {
		r, err := convert(body)
		if err != nil {
			return nil, call.ContentHash{}, err
		}
		content, err := call.HashContent(r.Raw)
		return r, content, err
	}
}

func explained(t *testing.T, e *Explainer, c Callback) *Explanation {
	t.Helper()
	c.Source = "dialer"
	x, err := e.Explain(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestExplanation compares the whole JSON with its golden file.
func TestExplanation(t *testing.T) {
	e := explainer(t, setup)
	x := explained(t, e, Callback{Body: []byte(missed), ReceivedAt: time.Unix(1760607632, 0)})
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(x); err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(x.Requests[0].URL, "://")
	host, _, _ = strings.Cut(host, "/")
	got := strings.ReplaceAll(b.String(), host, "crm.example.com")
	const golden = "testdata/explanation.json"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRules(t *testing.T) {
	e := explainer(t, setup)
	x := explained(t, e, Callback{Body: []byte(missed), Revision: 2})
	want := []string{
		`internal calls nowhere: not_matched, call.direction is "inbound"`,
		`long: error, call.hangup.q850 has no value`,
		`missed: not_matched, call.revision is 2`,
		`fails: matched, call.direction is "inbound"`,
		`never reached: skipped, rule "fails" ended the reading`,
	}
	var got []string
	for _, r := range x.Rules {
		got = append(got, fmt.Sprintf("%s: %s, %s", r.Name, r.Outcome, r.Why))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if x.Requests[0].Error != "" || x.Requests[0].Body != `{"x":1}` {
		t.Errorf("%+v", x.Requests[0])
	}
}

func TestRuleWithoutCondition(t *testing.T) {
	e := explainer(t, "rules: [{to: [crm]}]\nsinks: {crm: {webhook: {url: SERVER/}}}\n")
	r := explained(t, e, Callback{Body: []byte(missed)}).Rules[0]
	if r.Name != "rule 1" || r.Outcome != Matched || r.Why != "it has no condition" || r.Terms != nil {
		t.Errorf("%+v", r)
	}
}

// TestNoSecretIsShown prints an explanation in every way but Wire.
func TestNoSecretIsShown(t *testing.T) {
	text := strings.ReplaceAll(setup, "stop: true", "stop: false")
	x := explained(t, explainer(t, text), Callback{Body: []byte(missed)})
	if len(x.Requests) != 4 {
		t.Fatalf("%d requests", len(x.Requests))
	}
	asJSON, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(asJSON), fmt.Sprintf("%v %+v %#v", x, x, x), fmt.Sprintf("%+v %#v", x.Requests, x.Requests)} {
		for _, plant := range []string{"plant", "signing", "c2lnbmlu"} {
			if i := strings.Index(shown, plant); i >= 0 {
				t.Errorf("a secret is shown: %s", shown[max(0, i-60):min(len(shown), i+60)])
			}
		}
	}
	oauth := x.Requests[3]
	if oauth.Headers["Authorization"] != "Bearer ********" || oauth.Headers["Webhook-Signature"] != "v1,********" {
		t.Errorf("headers %v", oauth.Headers)
	}
}

// TestWireIsWhatIsSent: the unmasked form, for rule tests.
func TestWireIsWhatIsSent(t *testing.T) {
	x := explained(t, explainer(t, setup), Callback{Body: []byte(missed)})
	wire := x.Requests[0].Wire()
	if wire.Header.Get("Authorization") != "Bearer bearer-plant-5432" || !strings.HasSuffix(wire.URL, "/hook/path-1234?key=query-plant-5678&account=9513923") {
		t.Errorf("%s %v", wire.URL, wire.Header)
	}
	if broken := x.Requests[2]; broken.Error == "" || broken.Wire().URL != "" || len(broken.Secrets()) == 0 {
		t.Errorf("%+v", broken)
	}
}

func TestMessageIDIsThatOfDeliveries(t *testing.T) {
	x := explained(t, explainer(t, setup), Callback{Body: []byte(missed)})
	content, err := call.HashContent([]byte(missed))
	if err != nil {
		t.Fatal(err)
	}
	want := call.MessageID("dialer:9513923-263056917", content, "crm")
	if got := x.Requests[0]; got.MessageID != want || got.Headers["Webhook-Id"] != want {
		t.Errorf("%s, %s, want %s", got.MessageID, got.Headers["Webhook-Id"], want)
	}
}

func TestNoRecord(t *testing.T) {
	e := explainer(t, setup)
	for body, want := range map[string]struct {
		result Result
		reason string
	}{
		`{"status":"ring","extnumber":"1","type":"call"}`: {Ignored, "no call record"},
		`{"id": 1`: {Undecodable, "not JSON"},
	} {
		x := explained(t, e, Callback{Body: []byte(body)})
		if x.Result != want.result || !strings.Contains(x.Reason, want.reason) || x.Record != nil {
			t.Errorf("%s: %+v", body, x)
		}
		text, err := json.Marshal(x)
		if err != nil || !strings.Contains(string(text), `"record":null,"rules":[],"sinks":[],"requests":[]`) {
			t.Errorf("%s, %v", text, err)
		}
	}
}

func TestAdaptersWithBugs(t *testing.T) {
	for name, convert := range map[string]func([]byte) (*call.Record, error){
		"panics":           func([]byte) (*call.Record, error) { panic("out of range") },
		"gives some error": func([]byte) (*call.Record, error) { return nil, errors.New("odd") },
	} {
		e := New(Config{Sources: []Source{{Name: "dialer", Read: hashed(convert)}}})
		if x := explained(t, e, Callback{}); x.Result != Undecodable || x.Reason == "" {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

func TestUnknownSource(t *testing.T) {
	e := explainer(t, setup)
	_, err := e.Explain(t.Context(), Callback{Source: "dailer"})
	if unknown, ok := errors.AsType[*UnknownSource](err); !ok || unknown.Error() != `there is no source "dailer": configured are dialer` {
		t.Error(err)
	}
	if _, err = New(Config{}).Explain(t.Context(), Callback{}); err == nil || !strings.Contains(err.Error(), "none is configured") {
		t.Error(err)
	}
	if d := cmp.Diff([]string{"dialer"}, e.Sources()); d != "" || len(e.Sinks()) != 4 {
		t.Errorf("%s %v", d, e.Sinks())
	}
}

func TestSinkThatIsGone(t *testing.T) {
	e := New(Config{
		Rules: []route.Rule{{To: []string{"gone"}}},
		Sources: []Source{{Name: "dialer", Read: hashed(func([]byte) (*call.Record, error) {
			return &call.Record{Raw: []byte("{}")}, nil
		})}},
	})
	if r := explained(t, e, Callback{}).Requests[0]; r.Error != `there is no sink "gone"` {
		t.Errorf("%+v", r)
	}
}

func TestConcurrently(t *testing.T) {
	e := explainer(t, setup)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				x, err := e.Explain(t.Context(), Callback{Source: "dialer", Body: []byte(missed)})
				if err != nil || len(x.Requests) != 3 {
					t.Errorf("%v, %+v", err, x)
				}
			}
		})
	}
	group.Wait()
}

func FuzzExplain(f *testing.F) {
	f.Add([]byte(missed))
	f.Add([]byte(`{"id":1,"companycode":"\u202e","disnumber":"\ud800"}`))
	e := New(Config{Rules: []route.Rule{{To: []string{"plain"}}}})
	format, _ := adapter.Lookup("nxcc")
	e.config.Sources = []Source{{Name: "dialer", Read: hashed(func(body []byte) (*call.Record, error) {
		return format.Convert(body, call.Source{Name: "dialer"})
	})}}
	var config sinks.Config
	if err := yaml.Unmarshal([]byte("webhook: {url: https://crm.example.com/}"), &config); err != nil {
		f.Fatal(err)
	}
	var sink contract.Sink
	sink, err := sinks.Build(config, contract.Deps{})
	if err != nil {
		f.Fatal(err)
	}
	e.config.Sinks = []Sink{{Name: "plain", Sink: sink}}
	f.Fuzz(func(t *testing.T, body []byte) {
		x, err := e.Explain(t.Context(), Callback{Source: "dialer", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if (x.Result == Accepted) != (x.Record != nil) || (x.Reason == "") != (x.Result == Accepted) {
			t.Fatalf("%+v", x)
		}
		if x.Record != nil && x.Requests[0].Error != "" {
			t.Fatal(x.Requests[0].Error)
		}
		if _, err := json.Marshal(x); err != nil {
			t.Fatal(err)
		}
	})
}
