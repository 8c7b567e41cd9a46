package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

const loopback = "127.0.0.1:8081"

// fixture is a handler over a real spool.
type fixture struct {
	t     *testing.T
	spool *sqlite.Store
	deps  admin.Deps
	// operate is what the operations work with.
	operate operate.Deps
	ready   error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "s.db")}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}, Readings: phone.Readings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{t: t, spool: s}
	f.deps = admin.Deps{
		Log:     slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("metrics")) }),
		Ready:   func() error { return f.ready },
	}
	f.operate = operate.Deps{
		Store: s, Log: f.deps.Log,
		Server: func() operate.Server {
			return operate.Server{
				Version: "v1", ConfigHash: "abc", StartedAt: time.Now(), Ready: f.ready,
				Sources: []operate.Source{fullSource()},
				Sinks:   []operate.Sink{fullSink()},
			}
		},
	}
	return f
}

// wired returns the dependencies as they are now.
func (f *fixture) wired() admin.Deps {
	d := f.deps
	d.Operate = operate.New("api", f.operate)
	return d
}

// doBody posts a body with headers.
func (f *fixture) doBody(path string, header map[string]string, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	req := httptest.NewRequestWithContext(f.t.Context(), http.MethodPost, "http://"+loopback+path, strings.NewReader(body))
	for k, v := range header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	admin.Handler(func() admin.Config { return admin.Config{}.WithDefaults() }, f.wired()).ServeHTTP(w, req)
	return w
}

// request is one request to the handler of a configuration.
type request struct {
	method, path, host string
	header             map[string]string
}

func (f *fixture) do(c admin.Config, r request) *httptest.ResponseRecorder {
	f.t.Helper()
	if r.method == "" {
		r.method = http.MethodGet
	}
	if r.host == "" {
		r.host = loopback
	}
	req := httptest.NewRequestWithContext(f.t.Context(), r.method, "http://"+r.host+r.path, nil)
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	admin.Handler(func() admin.Config { return c.WithDefaults() }, f.wired()).ServeHTTP(w, req)
	return w
}

func TestDoors(t *testing.T) {
	f := newFixture(t)
	f.deps.Reload = func(context.Context) error { return nil }
	open := admin.Config{Listen: loopback}
	token := admin.Config{Listen: "0.0.0.0:8081", Token: secret.New("s3cret")}
	exposed := admin.Config{Listen: ":8081"}
	bearer := map[string]string{"Authorization": "Bearer s3cret"}
	const api, reload = "/api/v1/status", "/-/reload"
	tests := []struct {
		name   string
		config admin.Config
		req    request
		want   int
	}{
		{"loopback without a token", open, request{path: api}, 200},
		{"localhost", open, request{path: api, host: "localhost:8081"}, 200},
		{"IPv6 loopback", open, request{path: api, host: "[::1]:8081"}, 200},
		{"DNS rebinding", open, request{path: api, host: "evil.example:8081"}, 403},
		{"rebinding with a lookalike", open, request{path: api, host: "127.0.0.1.evil.example"}, 403},
		{"localhost in capitals, with a dot", open, request{path: api, host: "LocalHost.:8081"}, 200},
		{"rebinding and the page", open, request{path: "/", host: "evil.example"}, 403},
		{"rebinding and readiness", open, request{path: "/readyz", host: "evil.example"}, 403},
		{"rebinding and metrics", open, request{path: "/metrics", host: "evil.example:8081"}, 403},
		{"rebinding and what is not there", open, request{method: "POST", path: "/nothing", host: "evil.example"}, 403},
		{"metrics beside a token", token, request{path: "/metrics", host: "pod:8081"}, 200},
		{"rebinding does not close health", open, request{path: "/healthz", host: "evil.example"}, 200},
		{"exposed without a token", exposed, request{path: api}, 403},
		{"exposed page", exposed, request{path: "/"}, 403},
		{"exposed health", exposed, request{path: "/healthz", host: "pod:8081"}, 200},
		{"exposed readiness", exposed, request{path: "/readyz", host: "pod:8081"}, 200},
		{"exposed metrics", exposed, request{path: "/metrics", host: "pod:8081"}, 200},
		{"no token", token, request{path: api}, 401},
		{"wrong token", token, request{path: api, header: map[string]string{"Authorization": "Bearer nope"}}, 401},
		{"empty token", token, request{path: api, header: map[string]string{"Authorization": "Bearer "}}, 401},
		{"bearer", token, request{path: api, host: "pod:8081", header: bearer}, 200},
		{"bearer in lower case", token, request{path: api, header: map[string]string{"Authorization": "bearer s3cret"}}, 200},
		{"basic, any name", token, request{path: "/", header: map[string]string{"Authorization": "Basic b3BzOnMzY3JldA=="}}, 200},
		{"basic, wrong password", token, request{path: "/", header: map[string]string{"Authorization": "Basic b3BzOm5vcGU="}}, 401},
		{"change by a program", open, request{method: "POST", path: reload}, 200},
		{"change from the page", open, request{method: "POST", path: reload, header: map[string]string{"Origin": "http://" + loopback, "Sec-Fetch-Site": "same-origin"}}, 200},
		{"change from another site", open, request{method: "POST", path: reload, header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403},
		{"change from the same site, another origin", open, request{method: "POST", path: reload, header: map[string]string{"Sec-Fetch-Site": "same-site"}}, 403},
		{"change from another origin, old browser", open, request{method: "POST", path: reload, header: map[string]string{"Origin": "http://evil.example"}}, 403},
		{"change from a sandbox", open, request{method: "POST", path: reload, header: map[string]string{"Origin": "null"}}, 403},
		{"unknown path", open, request{path: "/api/v1/nothing"}, 404},
		{"wrong method", open, request{method: "DELETE", path: "/healthz"}, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := f.do(tt.config, tt.req)
			if w.Code != tt.want {
				t.Errorf("%d, want %d: %s", w.Code, tt.want, w.Body)
			}
			if w.Code >= 400 && w.Code != 405 && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("an error of type %s", w.Header().Get("Content-Type"))
			}
			if strings.Contains(w.Body.String(), "s3cret") {
				t.Error("the token is in the answer")
			}
		})
	}
}

func TestHealthAndReadiness(t *testing.T) {
	f := newFixture(t)
	f.ready = errors.New("the disk is full")
	if w := f.do(admin.Config{}, request{path: "/healthz"}); w.Code != http.StatusOK {
		t.Errorf("health depends on readiness: %d", w.Code)
	}
	if w := f.do(admin.Config{}, request{path: "/readyz"}); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the disk is full") {
		t.Errorf("readiness: %d %s", w.Code, w.Body)
	}
	f.ready = nil
	if w := f.do(admin.Config{}, request{path: "/readyz"}); w.Code != http.StatusOK {
		t.Errorf("readiness: %d", w.Code)
	}
}

func TestReload(t *testing.T) {
	f := newFixture(t)
	post := request{method: http.MethodPost, path: "/-/reload"}
	if w := f.do(admin.Config{}, post); w.Code != http.StatusNotFound {
		t.Errorf("without a file: %d", w.Code)
	}
	f.deps.Reload = func(context.Context) error { return errors.New("config.yaml:3: no") }
	if w := f.do(admin.Config{}, post); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "config.yaml:3: no") {
		t.Errorf("a bad file: %d %s", w.Code, w.Body)
	}
}

// bury makes a dead letter of stage delivery for a call to the CRM.
func (f *fixture) bury(id string) {
	f.t.Helper()
	if err := f.spool.SetLanes(f.t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		f.t.Fatal(err)
	}
	_, err := f.spool.Accept(f.t.Context(), spool.Acceptance{
		Record:  &call.Record{Schema: call.SchemaID, ID: id, Source: "dialer", Format: "infin8linx", ReceivedAt: call.At(time.Now())},
		Content: call.ContentHash{1}, Route: func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	leased, err := f.spool.Lease(f.t.Context(), "crm", spool.Places{Limit: 1, Doubtful: 1})
	if err != nil || len(leased) != 1 {
		f.t.Fatalf("lease: %v %v", leased, err)
	}
	err = f.spool.Bury(leased[0], []spool.Attempt{{
		At: time.Now(), Status: 422, Result: "rejected", Detail: "no such field", Warning: "odd",
		Headers: map[string]string{"X-Request-Id": "r-1"}, Request: &spool.Sent{Method: "POST", URL: "https://crm.example/x", Body: "{}"},
	}}, spool.Rejected, "422: no such field")
	if err != nil {
		f.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if page, _, err := f.spool.SearchLetters(f.t.Context(), spool.LetterFilter{Stage: spool.StageDelivery}, 100, ""); err == nil {
			for _, d := range page {
				if d.CallID == id {
					return
				}
			}
		}
	}
	f.t.Fatal("no dead letter was made")
}

// listing is the form of every listing.
type listing struct {
	Items      []map[string]any `json:"items"`
	NextCursor *string          `json:"next_cursor"`
}

func (f *fixture) list(query string) listing {
	f.t.Helper()
	w := f.do(admin.Config{}, request{path: "/api/v1/dead-letters" + query})
	var l listing
	if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil || w.Code != http.StatusOK {
		f.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return l
}

func TestDeadLetters(t *testing.T) {
	f := newFixture(t)
	if l := f.list(""); l.Items == nil || len(l.Items) != 0 || l.NextCursor == nil {
		t.Errorf("an empty listing: %+v", l)
	}
	f.bury("dialer:1")
	f.bury("dialer:2")
	if err := f.spool.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte("garbage"), Detail: "not JSON"}); err != nil {
		t.Fatal(err)
	}
	first := f.list("?limit=2")
	if len(first.Items) != 2 || *first.NextCursor == "" || first.Items[0]["stage"] != "intake" {
		t.Fatalf("first page: %+v", first)
	}
	rest := f.list("?limit=2&cursor=" + *first.NextCursor)
	if len(rest.Items) != 1 || *rest.NextCursor != "" || rest.Items[0]["call_id"] != "dialer:1" {
		t.Errorf("second page: %+v", rest)
	}
	for query, want := range map[string]int{
		"?stage=intake": 1, "?stage=delivery": 2, "?sink=crm": 2, "?sink=other": 0, "?reason=rejected": 2,
		"?reason=undecodable": 1, "?since=2020-01-01T00:00:00Z": 3, "?until=2020-01-01T00:00:00Z": 0,
	} {
		if l := f.list(query); len(l.Items) != want {
			t.Errorf("%s gives %d, want %d", query, len(l.Items), want)
		}
	}
	for _, key := range []string{"id", "stage", "sink", "source", "call_id", "reason", "detail", "attempts", "created_at"} {
		if _, ok := rest.Items[0][key]; !ok {
			t.Errorf("a dead letter has no %s", key)
		}
	}
}

func TestDeadLetterDetail(t *testing.T) {
	f := newFixture(t)
	f.bury("dialer:1")
	for body, key := range map[string]string{"gar\"bage": "body", "\xff\xfe": "body_base64"} {
		if err := f.spool.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte(body), Detail: "not JSON"}); err != nil {
			t.Fatal(err)
		}
		got := f.detail(f.list("?stage=intake&limit=1").Items[0]["id"])
		if _, ok := got[key]; !ok {
			t.Errorf("no %s for %q: %v", key, body, got)
		}
	}
	got := f.detail(f.list("?stage=delivery").Items[0]["id"])
	record, _ := got["record"].(map[string]any)
	attempts, _ := got["attempt_log"].([]any)
	if record["id"] != "dialer:1" || len(attempts) != 1 {
		t.Errorf("detail: %v", got)
	}
	if w := f.do(admin.Config{}, request{path: "/api/v1/dead-letters/01J00000000000000000000000"}); w.Code != http.StatusNotFound {
		t.Errorf("an unknown id: %d %s", w.Code, w.Body)
	}
}

func (f *fixture) detail(id any) map[string]any {
	f.t.Helper()
	w := f.do(admin.Config{}, request{path: fmt.Sprintf("/api/v1/dead-letters/%v", id)})
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		f.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return out
}

func TestBadParameters(t *testing.T) {
	f := newFixture(t)
	for query, want := range map[string]string{
		"?limit=0": "1 to 500", "?limit=x": "1 to 500", "?limit=501": "1 to 500", "?since=yesterday": "RFC 3339",
		"?sinks=crm": "unknown parameter", "?sink=a&sink=b": "more than once",
		"?stage=nowhere": "there is no stage", "?reason=bored": "there is no reason", "?cursor=abc": "bad cursor", "?sink=crm&cursor=abc": "bad cursor",
	} {
		w := f.do(admin.Config{}, request{path: "/api/v1/dead-letters" + query})
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestStatus(t *testing.T) {
	f := newFixture(t)
	f.bury("dialer:1")
	if err := f.spool.SetPause(t.Context(), "crm", spool.Pause{By: spool.ByOperator}); err != nil {
		t.Fatal(err)
	}
	if err := f.spool.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "gone", GiveUpAfter: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	w := f.do(admin.Config{}, request{path: "/api/v1/status"})
	var got struct {
		Version    string
		ConfigHash string `json:"config_hash"`
		Ready      bool
		Sources    []operate.Source
		Sinks      []struct {
			Name, Kind, Breaker string
			DeadLetters         int `json:"dead_letters"`
			Paused              *struct {
				By    string
				Until *string
			}
		}
		DeadLetters struct{ Intake, Delivery int } `json:"dead_letters"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got.Version != "v1" || got.ConfigHash != "abc" || !got.Ready || len(got.Sources) != 1 || got.DeadLetters.Delivery != 1 {
		t.Errorf("status: %s", w.Body)
	}
	if len(got.Sinks) == 0 || got.Sinks[0].Name != "crm" || got.Sinks[0].DeadLetters != 1 || got.Sinks[0].Paused == nil ||
		got.Sinks[0].Paused.By != "operator" || got.Sinks[0].Paused.Until != nil {
		t.Errorf("sinks: %s", w.Body)
	}
}

// Who takes the wrong method for a path is told the right one.
func TestWrongMethod(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, path string
		status       int
		allow, text  string
	}{
		{http.MethodPost, "/api/v1/status", http.StatusMethodNotAllowed, "GET", "this takes GET, not POST"},
		{http.MethodGet, "/api/v1/sinks/crm/pause", http.StatusMethodNotAllowed, "POST", "this takes POST, not GET"},
		{http.MethodDelete, "/api/v1/calls/dialer:1", http.StatusMethodNotAllowed, "GET", "this takes GET, not DELETE"},
		{http.MethodGet, "/-/reload", http.StatusMethodNotAllowed, "POST", "this takes POST, not GET"},
		{http.MethodGet, "/api/v1/nothing", http.StatusNotFound, "", "GET /api/v1/openapi.json"},
	} {
		w := f.send(c.method, c.path, "")
		if w.Code != c.status || w.Header().Get("Allow") != c.allow || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}

func TestConfig(t *testing.T) {
	for listen, exposed := range map[string]bool{
		"127.0.0.1:8081": false, "localhost:8081": false, "[::1]:8081": false, ":8081": true, "0.0.0.0:8081": true, "10.0.0.1:8081": true,
	} {
		if got := (admin.Config{Listen: listen}).Exposed(); got != exposed {
			t.Errorf("%s exposed: %v", listen, got)
		}
		if (admin.Config{Listen: listen, Token: secret.New("x")}).Exposed() {
			t.Errorf("%s counts as exposed with a token", listen)
		}
	}
	var problems int
	admin.Config{Listen: "nowhere"}.Validate(func(string, string) { problems++ })
	if problems != 1 {
		t.Errorf("an address without a port gives %d problems", problems)
	}
}
