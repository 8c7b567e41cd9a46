package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/explain"
)

const explainedCall = `{"id": 7, "companycode": "9513923", "direction": "callout", "callmethod": 3, "destnumber": "81351111451"}`

// TestExplainAsksTheRunningConfiguration: also after a reload, and without a
// request to the sink.
func TestExplainAsksTheRunningConfiguration(t *testing.T) {
	sink := newCounter(t, http.StatusOK)
	dir := t.TempDir()
	text := head(dir) + "sinks: [{name: crm, webhook: {url: " + sink.URL + ", auth: {oauth2: {token_url: " + sink.URL + ", client_id: a, client_secret: b}}}}]\n"
	r := run(t, text+"rules: [{to: [crm]}]\n")
	form := "detail=" + url.QueryEscape(explainedCall)
	x := asked(t, r, "dialer", form)
	if len(x.Requests) != 1 || x.Requests[0].Headers["Authorization"] != "Bearer ********" || x.Requests[0].Headers["User-Agent"] != "cdrelay/test" {
		t.Errorf("%+v", x.Requests)
	}
	if x.Record.ReceivedAt.IsZero() || x.Record.Revision != 1 {
		t.Errorf("received at %v, revision %d", x.Record.ReceivedAt, x.Record.Revision)
	}
	next := text + "rules: [{when: call.answered, to: [crm]}]\n"
	r.text.Store(&next)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x := asked(t, r, "dialer", explainedCall); len(x.Requests) != 0 || x.Rules[0].Why != "call.answered is false" {
		t.Errorf("%+v", x)
	}
	if _, err := r.Explain(t.Context(), "dailer", nil); err == nil || !strings.Contains(err.Error(), "dialer") {
		t.Errorf("an unknown source: %v", err)
	}
	if n := sink.n.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func asked(t *testing.T, r *running, source, body string) *explain.Explanation {
	t.Helper()
	x, err := r.Explain(t.Context(), source, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestNewExplainerNeedsNoServer(t *testing.T) {
	e, err := app.NewExplainer(parse(t, head("nowhere")+"sinks: [{name: crm, webhook: {url: https://crm.example.com/}}]\nrules: [{to: [crm]}]\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	x, err := e.Explain(t.Context(), explain.Callback{Source: "dialer", Body: []byte(explainedCall)})
	if err != nil || x.Requests[0].URL != "https://crm.example.com/" {
		t.Errorf("%v, %+v", err, x)
	}
	_, err = e.Explain(t.Context(), explain.Callback{Source: "x"})
	if _, ok := errors.AsType[*explain.UnknownSource](err); !ok {
		t.Error(err)
	}
}

// TestExplainOverTheAPI goes the whole way, with the callback as an object and as
// a text.
func TestExplainOverTheAPI(t *testing.T) {
	sink := newCounter(t, http.StatusOK)
	r := run(t, head(t.TempDir())+"sinks: [{name: crm, webhook: {url: \""+sink.URL+"/path?key=query-plant\", auth: {bearer: bearer-plant}}}]\nrules: [{to: [crm]}]\n")
	text, err := json.Marshal(explainedCall)
	if err != nil {
		t.Fatal(err)
	}
	for _, callback := range []string{explainedCall, string(text)} {
		answer, err := client().Post("http://"+r.AdminAddr().String()+"/api/v1/explain", "application/json",
			strings.NewReader(`{"source":"dialer","callback":`+callback+`}`))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.Body.Close() != nil {
			t.Fatal(err)
		}
		var x explain.Explanation
		if err := json.Unmarshal(body, &x); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
		}
		if x.Record.ID != "dialer:9513923-7" || x.Rules[0].Outcome != explain.Matched || x.Requests[0].Sink != "crm" {
			t.Errorf("%s", body)
		}
		if strings.Contains(string(body), "plant") {
			t.Errorf("a secret is shown: %s", body)
		}
	}
	if n := sink.n.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
