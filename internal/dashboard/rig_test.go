package dashboard_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
	"github.com/cdrelay/cdrelay/internal/tally"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// The numbers of the calls: no page may show them unasked.
const (
	customer = "6281351111451"
	caller   = "628117654321"
)

// rig is the private listener with the page, over a real spool and a real lane
// to a sink that refuses what it gets until it is mended.
type rig struct {
	t        *testing.T
	spool    *sqlite.Store
	page     *dashboard.Dashboard
	deps     *dashboard.Deps
	operate  *operate.Deps
	server   *httptest.Server
	crm      *delivery.Lane
	mended   atomic.Bool
	got      atomic.Int64
	explorer *explain.Explainer
	refused  error // what a reload says
	counters dashboard.Counters
	zone     *time.Location
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, zone: time.UTC}
	log := slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "s.db")}, sqlite.Deps{Log: log, Repair: repair.Tool{}, Readings: phone.Readings})
	if err != nil {
		t.Fatal(err)
	}
	r.spool = s
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}, {Sink: "archive", GiveUpAfter: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPause(t.Context(), "archive", spool.Pause{By: spool.ByOperator}); err != nil {
		t.Fatal(err)
	}
	crm, lane := r.lane(log)
	r.crm = lane
	r.explorer = explain.New(explain.Config{
		Sources: []explain.Source{{Name: "dialer", Format: "infin8linx", Read: read}},
		Rules: []route.Rule{
			{Name: "internal calls nowhere", When: condition(t, `call.direction == "internal"`), Stop: true},
			{Name: "all calls to the CRM", To: []string{"crm"}},
		},
		Sinks: []explain.Sink{{Name: "crm", Sink: crm}},
	})
	r.operate = r.operations(log)
	r.deps = &dashboard.Deps{
		Operate: operate.New("page", *r.operate), Log: log,
		Counters:      func() dashboard.Counters { return r.counters },
		Configuration: func() ([]byte, error) { return []byte("sinks:\n  - name: crm\n    webhook: {url: \"***\"}\n"), nil },
		Zone:          func() *time.Location { return r.zone },
		Reload:        func(context.Context) error { return r.refused },
	}
	if r.page, err = dashboard.New(*r.deps); err != nil {
		t.Fatal(err)
	}
	settings := func() admin.Config { return admin.Config{Listen: "127.0.0.1:0"} }
	r.server = httptest.NewServer(admin.Handler(settings, admin.Deps{
		Operate: operate.New("api", *r.operate), Log: log, Metrics: http.NotFoundHandler(), Ready: s.Ready, Page: r.page,
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *rig) operations(log *slog.Logger) *operate.Deps {
	return &operate.Deps{
		Store: r.spool, Log: log,
		Server: func() operate.Server {
			return operate.Server{
				Version: "v1.2.3", ConfigHash: "5d41402abc4b2a76b9719d911017c592", StartedAt: time.Now().Add(-26 * time.Hour),
				Ready: r.spool.Ready(), ReloadedAt: time.Now().Add(-90 * time.Minute),
				Sources: []operate.Source{busySource(), {Name: "nxlink", Format: "nxcc", Path: "/callbacks/nxlink"}},
				Sinks: []operate.Sink{
					r.sink(),
					{Name: "archive", Kind: "webhook", Breaker: "open", RetryAt: call.At(time.Now().Add(20 * time.Second))},
				},
			}
		},
		Redeem: func(ctx context.Context, d spool.DeadLetterDetail) error {
			if !r.mended.Load() {
				return errors.New("still no JSON: a brace is missing")
			}
			record, err := convert([]byte(callback("99", "callout", customer)))
			if err != nil {
				return err
			}
			_, err = r.spool.Accept(ctx, spool.Acceptance{Record: record, Content: call.ContentHash{9}, Route: to("crm"), Letter: d.ID})
			return err
		},
		Explain: func(ctx context.Context, source string, body []byte) (*explain.Explanation, error) {
			return r.explorer.Explain(ctx, explain.Callback{Source: source, Body: body, ReceivedAt: time.Now()})
		},
	}
}

// sink is what the server knows of the CRM.
func (r *rig) sink() operate.Sink {
	h := r.crm.Health()
	out := operate.Sink{Name: "crm", Kind: "webhook", Breaker: "closed", PerSecond: 15, Recent: operate.RecentOf(h.Recent, "delivered"), Failures: h.Failures, Refusals: h.Refusals}
	if f := h.LastFailure; f != nil {
		out.LastFailure = &operate.SinkFailure{At: call.At(f.At), CallID: f.CallID, Revision: f.Revision, Result: f.Result, Status: f.Status, Detail: f.Detail}
	}
	return out
}

// busySource is the dialer, to which somebody came with wrong credentials.
func busySource() operate.Source {
	c := tally.New("accepted", "unauthorized")
	for range 3 {
		c.Add("accepted", time.Millisecond)
	}
	c.Add("unauthorized", time.Millisecond)
	last := operate.Callback{At: call.At(time.Now()), Result: "accepted", Status: 200}
	refused := operate.Callback{At: last.At, Result: "unauthorized", Status: 401}
	return operate.Source{
		Name: "dialer", Format: "infin8linx", Path: "/callbacks/dialer", LastCallback: &last, Recent: operate.RecentOf(c.Counts(), "accepted"),
		Refused: []operate.Refused{{Callback: refused, Client: "192.0.2.1", Reason: "credentials are wrong"}},
		Door:    operate.Door{URL: "http://localhost:8080/callbacks/dialer", Kind: "query", Name: "key", Secret: "KEY", Example: "{}"},
	}
}

// lane starts the lane of the CRM, and gives its sink.
func (r *rig) lane(log *slog.Logger) (*webhook.Sink, *delivery.Lane) {
	t := r.t
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !r.mended.Load() {
			w.Header().Set("X-Request-Id", "r-1")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"error":"no field phone for `+customer+`"}`)
			return
		}
		r.got.Add(1)
	}))
	t.Cleanup(server.Close)
	var c webhook.Config
	if err := yaml.Unmarshal([]byte("url: "+server.URL+"/calls\nbody: {phone: '${call.customer.number}', id: '${call.id}'}\nheaders: {X-Tenant: '${call.account}'}"), &c); err != nil {
		t.Fatal(err)
	}
	sink, err := webhook.New(c, contract.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	none := 0
	client, err := outbound.New("crm", sink.Transport(), outbound.Settings{QuickTries: &none})
	if err != nil {
		t.Fatal(err)
	}
	lane := delivery.New("crm", delivery.Settings{}, delivery.Deps{
		Store: r.spool, Renderer: sink, Client: client, Metrics: delivery.NewMetrics(), Log: log,
	})
	lane.Start(t.Context())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		lane.Stop(ctx)
		client.Close()
	})
	return sink, lane
}

func condition(t *testing.T, src string) expr.Condition {
	t.Helper()
	c, err := expr.CompileCondition(src)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func convert(body []byte) (*call.Record, error) {
	format, _ := adapter.Lookup("infin8linx")
	return format.Convert(body, call.Source{Name: "dialer", Region: "ID"})
}

func read(body []byte) (*call.Record, call.ContentHash, error) {
	r, err := convert(body)
	return r, call.ContentHash{}, err
}

// callback is what the dialer posts.
func callback(id, direction, number string) string {
	return `{"id":` + id + `,"companycode":"9513923","direction":"` + direction + `","type":"` + direction + `","callmethod":2,` +
		`"starttime":"2026-11-20 17:31:13","answertime":"2026-11-20 17:31:19","endtime":"2026-11-20 17:33:21","duration":128,"billsec":122,` +
		`"userid":"12","username":"Ayu","ext":"801","disnumber":"+` + caller + `","destnumber":"+` + number + `","extnumber":"801","hangupdirection":10041,"hangupcause":16,` +
		`"uuid":"db4a44cc-aa72-11f0-ad78-1d7ff0749d07","userkey":"order <b>7</b>"}`
}

func to(sinks ...string) func(*call.Record) ([]string, error) {
	return func(*call.Record) ([]string, error) { return sinks, nil }
}

// accept keeps a call.
func (r *rig) accept(id string, sinks ...string) {
	r.t.Helper()
	record, err := convert([]byte(callback(id, "callout", customer)))
	if err != nil {
		r.t.Fatal(err)
	}
	record.ReceivedAt = call.At(time.Now())
	if _, err := r.spool.Accept(r.t.Context(), spool.Acceptance{Record: record, Content: call.ContentHash{1}, Route: to(sinks...)}); err != nil {
		r.t.Fatal(err)
	}
}

// seed makes one of each: a delivered call, a refused one, one that waits, one
// that goes nowhere, and a callback that was not understood.
func (r *rig) seed() {
	r.t.Helper()
	r.mended.Store(true)
	r.accept("100", "crm")
	r.until("the call is delivered", func() bool { return r.state("dialer:9513923-100") == "delivered" })
	r.mended.Store(false)
	r.accept("101", "crm")
	r.until("the call is refused", func() bool { return r.state("dialer:9513923-101") == "dead_letter" })
	r.accept("102", "archive")
	r.accept("103")
	err := r.spool.KeepUndecodable(r.t.Context(), spool.Undecodable{
		Source: "dialer", Body: []byte(`{"destnumber":"` + customer + `"`), Detail: "line 1: the object ends before its brace", ReceivedAt: time.Now(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// state returns the state of the first delivery of a call.
func (r *rig) state(id string) string {
	d, err := r.spool.Call(r.t.Context(), id)
	if err != nil || len(d.Deliveries) == 0 {
		return ""
	}
	return d.Deliveries[0].State
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// letterOf gives the id of the first dead letter that a filter selects.
func (r *rig) letterOf(f spool.LetterFilter) string {
	r.t.Helper()
	page, _, err := r.spool.SearchLetters(r.t.Context(), f, 1, "")
	if err != nil || len(page) == 0 {
		r.t.Fatalf("no dead letter: %v %v", f, err)
	}
	return page[0].ID
}

// answer is what the page said, at the end of redirects.
type answer struct {
	status int
	body   string
	header http.Header
	at     *url.URL
}

func (r *rig) get(path string) answer { return r.do(http.MethodGet, path, nil) }

func (r *rig) post(path string, form url.Values) answer { return r.do(http.MethodPost, path, form) }

func (r *rig) do(method, path string, form url.Values) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", r.server.URL)
	}
	res, err := r.server.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.Body.Close() != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, string(body), res.Header, res.Request.URL}
}
