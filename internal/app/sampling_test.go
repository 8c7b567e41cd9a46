package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// TestSampleCalls: a test call is marked, goes out once, tells nothing secret, and leaves
// the breaker alone.
func TestSampleCalls(t *testing.T) {
	var got atomic.Int64
	last := make(chan *http.Request, 100)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.Add(1)
		body, _ := io.ReadAll(r.Body) // what could be read is looked at
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		last <- r
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "no, "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(sink.Close)
	r := run(t, head(t.TempDir())+`
sinks:
  - {name: crm, breaker: {consecutive_failures: 2}, webhook: {url: "`+sink.URL+`/path?key=query-plant", auth: {bearer: bearer-plant}, body: {call: "${call.id}", who: "${call.agent.name}", number: "${call.customer.number}"}}}
  - {name: broken, webhook: {url: "`+sink.URL+`", body: {x: "${1 / (call.revision - 1)}"}}}
rules: [{to: [crm]}]
`)
	for n := range 5 {
		done, text := sampled(t, r, "crm")
		if done.Delivered || done.Result != "unwell" || len(done.Attempts) != 1 || done.Attempts[0].Status != http.StatusInternalServerError || got.Load() != int64(n+1) {
			t.Fatalf("test %d: %s; %d requests", n, text, got.Load())
		}
		if strings.Contains(text, "plant") {
			t.Errorf("a secret is shown: %s", text)
		}
		sent := <-last
		body, err := io.ReadAll(sent.Body)
		if err != nil || !strings.Contains(string(body), done.CallID) || !strings.Contains(string(body), "cdrelay test") || !strings.HasPrefix(done.CallID, "test:") {
			t.Errorf("%s %v", body, err)
		}
		if sent.Header.Get("Cdrelay-Test") != "true" || sent.Header.Get("Webhook-Id") != done.MessageID {
			t.Errorf("headers %v", sent.Header)
		}
	}
	var status operate.Status
	answer, err := client().Get("http://" + r.AdminAddr().String() + "/api/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(answer.Body).Decode(&status); err != nil || answer.Body.Close() != nil {
		t.Fatal(err)
	}
	if status.Sinks[0].Breaker != "closed" || status.Spool.Calls != 0 || status.DeadLetters.Delivery != 0 {
		t.Errorf("a test left something behind: %+v", status)
	}
	if done, text := sampled(t, r, "broken"); done.Result != "render" || !strings.Contains(done.Detail, "division by zero") || len(done.Attempts) != 0 {
		t.Errorf("a template that fails: %s", text)
	}
}

func sampled(t *testing.T, r *running, sink string) (done operate.SinkTest, text string) {
	t.Helper()
	answer, err := client().Post("http://"+r.AdminAddr().String()+"/api/v1/sinks/"+sink+"/test", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", answer.StatusCode, body, err)
	}
	if err := json.Unmarshal(body, &done); err != nil {
		t.Fatal(err)
	}
	return done, string(body)
}
