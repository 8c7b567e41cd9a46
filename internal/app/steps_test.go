package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// books is a CRM that stores calls and answers what it is told.
type books struct {
	mu    sync.Mutex // guards everything below
	asked []string
	hang  chan struct{} // where the link hangs, until it is closed
}

func (b *books) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // what could be read is looked at
	b.mu.Lock()
	b.asked = append(b.asked, r.Method+" "+r.URL.Path+" "+string(body))
	hang := b.hang
	b.mu.Unlock()
	switch {
	case strings.HasPrefix(r.URL.Path, "/contacts"):
		_, _ = io.WriteString(w, `{"items":[]}`)
	case r.URL.Path == "/calls":
		_, _ = io.WriteString(w, `{"id":501}`)
	case r.URL.Path == "/calls/501/link" && hang != nil:
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}
}

func (b *books) seen() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

const stepsOf = `
sinks:
  - name: crm
    timeout: 1m
    webhook:
      base: %s
      steps:
        - {name: contact, method: GET, url: "/contacts/${call.customer.number}", result: 'response.json.items.size() > 0 ? response.json.items[0].id : ""', cache: 10m}
        - {name: create, when: remembered.create == "", url: /calls, body: {id: "${call.id}"}, result: response.json.id, remember: true}
        - {name: link, url: "/calls/${remembered.create != '' ? remembered.create : string(steps.create)}/link"}
rules: [{to: [crm]}]
`

// TestStepsOverARestart: what a step wrote is known after a stop that cut the next one
// off, and what a lookup did not find is listed.
func TestStepsOverARestart(t *testing.T) {
	crm := &books{hang: make(chan struct{})}
	server := httptest.NewServer(crm)
	t.Cleanup(server.Close)
	config := strings.Replace(head(t.TempDir()), "grace: 5s", "grace: 100ms", 1) + fmt.Sprintf(stepsOf, server.URL)
	r := run(t, config)
	if status := r.callback("/callbacks/dialer?key=k", `{"id": 7, "companycode": "acme", "direction": "callin", "disnumber": "+6281351111451"}`); status != http.StatusOK {
		t.Fatal(status)
	}
	eventually(t, "the link is asked for", func() bool { return len(crm.seen()) == 3 })
	var sink operate.Sink
	_, body := r.get("/api/v1/sinks/crm")
	if err := json.Unmarshal([]byte(body), &sink); err != nil || len(sink.NotFound) != 1 || sink.NotFound[0].Step != "contact" || sink.NotFound[0].Times != 1 {
		t.Errorf("not found: %+v, %v", sink.NotFound, err)
	}
	r.stop()
	close(crm.hang)
	crm.mu.Lock()
	crm.hang = nil
	crm.mu.Unlock()
	r = run(t, config)
	eventually(t, "it is delivered", func() bool {
		_, body := r.get("/api/v1/calls?state=delivered")
		return strings.Contains(body, `"id"`)
	})
	if _, m := r.get("/metrics"); !strings.Contains(m, `cdrelay_step_requests_total{result="delivered",sink="crm",step="link"} 1`) ||
		!strings.Contains(m, `cdrelay_lookup_cache_total{result="asked",sink="crm",step="contact"} 1`) {
		t.Error("the steps are not counted")
	}
	posts := slices.DeleteFunc(crm.seen(), func(s string) bool { return !strings.HasPrefix(s, "POST /calls {") })
	if len(posts) != 1 {
		t.Errorf("it was written %d times: %v", len(posts), crm.seen())
	}
	if done, text := sampled(t, r, "crm"); !done.Delivered || len(done.Attempts) != 3 || done.Attempts[2].Step != "link" {
		t.Errorf("a sample call: %s", text)
	}
}
