package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is the time of all handler tests, 2025-10-16T09:31:13.056Z.
var now = time.UnixMilli(1760607073056)

// memory is a store that keeps everything in memory and de-duplicates as the
// real one does.
type memory struct {
	mu      sync.Mutex
	calls   map[string][]call.ContentHash // by id, in the order of revisions
	records []call.Record
	sinks   [][]string
	letters []spool.Undecodable
	down    error
	// redeemed counts acceptances that name a dead letter.
	redeemed int
	// wait, when set, is run by Accept before anything else.
	wait func(context.Context)
}

func newMemory() *memory { return &memory{calls: make(map[string][]call.ContentHash)} }

func (m *memory) Accept(ctx context.Context, a spool.Acceptance) (spool.Receipt, error) {
	if m.wait != nil {
		m.wait(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return spool.Receipt{}, m.down
	}
	if a.Letter != "" {
		m.redeemed++
	}
	kept := m.calls[a.Record.ID]
	for i, content := range kept {
		if content == a.Content {
			return spool.Receipt{ID: a.Record.ID, Revision: i + 1, Duplicate: true}, nil
		}
	}
	var sinks []string
	var err error
	var routed sync.WaitGroup
	routed.Go(func() { // on another goroutine and twice, as the contract allows
		a.Record.Revision = 1
		_, _ = a.Route(a.Record)
		a.Record.Revision = len(kept) + 1
		sinks, err = a.Route(a.Record)
	})
	routed.Wait()
	if err != nil {
		return spool.Receipt{}, err
	}
	m.calls[a.Record.ID] = append(kept, a.Content)
	m.records = append(m.records, *a.Record)
	m.sinks = append(m.sinks, sinks)
	return spool.Receipt{ID: a.Record.ID, Revision: a.Record.Revision}, nil
}

func (m *memory) KeepUndecodable(_ context.Context, u spool.Undecodable) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return m.down
	}
	for _, l := range m.letters {
		if bytes.Equal(l.Body, u.Body) {
			return nil
		}
	}
	m.letters = append(m.letters, u)
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

// stored counts all traces of requests.
func (m *memory) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records) + len(m.letters)
}

// convert reads {"id": …}; "event", "panic" and "nothing" do what they say.
func convert(body []byte, src call.Source) (*call.Record, error) {
	var in map[string]any
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, call.Unreadablef("body is not JSON: %v", err)
	}
	switch id, _ := in["id"].(string); id {
	case "":
		return nil, call.Unreadablef("body has no id")
	case "event":
		return nil, &call.NotACall{Event: "test"}
	case "panic":
		return nil, errors.New(string(body[len(body)+len(in)])) // out of range
	case "nothing":
		return nil, nil
	case "odd":
		return nil, errors.New("an error of no kind")
	case "rawless":
		return &call.Record{ID: call.NewID(src.Name, id)}, nil
	default:
		return &call.Record{Schema: call.SchemaID, ID: call.NewID(src.Name, id), Source: src.Name, Raw: body}, nil
	}
}

// dialect is the format of the tests.
func dialect() call.Format {
	return call.Format{Name: "test", Convert: convert, FormField: "detail", Signature: nxcc.Digest}
}

// rules is a router of three rules: "all" gives every call to crm but those
// whose raw body has "lonely"; "first" matches revision 1; "broken" has errors,
// and costs too much for a body that has "costly".
type rules struct{}

func (rules) Match(r *call.Record) route.Decision {
	if bytes.Contains(r.Raw, []byte("costly")) {
		return route.Decision{Err: &route.TooCostly{Rule: "broken"}}
	}
	d := route.Decision{Rules: []route.RuleResult{
		{Rule: "first", Matched: r.Revision == 1},
		{Rule: "broken", Err: errors.New("no value")},
		{Rule: "unheard of", Matched: true},
	}}
	if !bytes.Contains(r.Raw, []byte("lonely")) {
		d.Sinks = []string{"crm"}
		d.Rules = append(d.Rules, route.RuleResult{Rule: "all", Matched: true})
	}
	return d
}

// fixture is a handler over a memory.
type fixture struct {
	*Handler
	store    *memory
	registry *prometheus.Registry
	log      *bytes.Buffer
}

func newFixture(t *testing.T, sources ...SourceConfig) *fixture {
	t.Helper()
	f := &fixture{store: newMemory(), registry: prometheus.NewRegistry(), log: new(bytes.Buffer)}
	h, err := New(testConfig(sources...), Deps{
		Store:    f.store,
		Log:      slog.New(slog.NewTextHandler(f.log, nil)),
		Now:      func() time.Time { return now },
		Registry: f.registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Handler = h
	return f
}

// update puts a configuration in the place of the present one.
func (f *fixture) update(c Config) error {
	p, err := f.Prepare(c)
	if err == nil {
		f.Use(p)
	}
	return err
}

func testConfig(sources ...SourceConfig) Config {
	c := Config{Router: rules{}, Rules: []string{"first", "broken", "all"}}
	for _, s := range sources {
		c.Sources = append(c.Sources, Source{SourceConfig: s, Dialect: dialect()})
	}
	return c
}

// open is a source that anybody may post to.
func open(name string) SourceConfig {
	return SourceConfig{Name: name, Auth: Auth{Open: true}}
}

func keys(texts ...string) secret.List {
	var s secret.List
	for _, text := range texts {
		s = append(s, secret.New(text))
	}
	return s
}

// post makes a request to /callbacks/a and lets the changes at it.
func post(body string, changes ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/callbacks/a", strings.NewReader(body))
	for _, change := range changes {
		change(r)
	}
	return r
}

func header(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// reply is the head of an answer.
type reply struct {
	StatusCode int
	Header     http.Header
}

// do gives the answer and its body; every one is checked for its form.
func (f *fixture) do(t *testing.T, r *http.Request) (reply, string) {
	t.Helper()
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	res := reply{w.Code, w.Header()}
	if res.StatusCode != http.StatusOK {
		checkProblem(t, res, w.Body.Bytes())
	}
	return res, w.Body.String()
}

func checkProblem(t *testing.T, res reply, body []byte) {
	t.Helper()
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q", got)
	}
	if len(body) >= 1024 {
		t.Errorf("problem has %d bytes", len(body))
	}
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("problem %s: %v", body, err)
	}
	if p.Type == "" || p.Title != http.StatusText(res.StatusCode) || p.Status != res.StatusCode || p.Detail == "" {
		t.Errorf("problem %s under status %d", body, res.StatusCode)
	}
}

// callJSON is a body of the test format.
func callJSON(id string) string { return fmt.Sprintf(`{"id":%q,"seconds":7}`, id) }
