package admin_test

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
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tally"
)

// wire gives the fixture what the app gives: reading again, numbers, a log.
func (f *fixture) wire() *bytes.Buffer {
	log := &bytes.Buffer{}
	f.deps.Log = slog.New(slog.NewTextHandler(log, nil))
	f.operate.Log = f.deps.Log
	f.operate.NumberForms = func(typed string) (spool.NumberForms, error) {
		if !strings.HasPrefix(typed, "+") {
			return spool.NumberForms{}, errors.New("write it with +")
		}
		return spool.NumberForms{E164: typed, Digits: []string{typed[1:], typed[3:]}}, nil
	}
	f.operate.Redeem = func(ctx context.Context, d spool.DeadLetterDetail) error {
		switch body := string(d.Body); {
		case body == "event":
			return &call.NotACall{Event: "state"}
		case !strings.HasPrefix(body, "good"):
			return call.Unreadablef("still not understood")
		default:
			a := f.acceptance(body, "crm")
			a.Letter = d.ID
			_, err := f.spool.Accept(ctx, a)
			return err
		}
	}
	f.operate.Explain = func(_ context.Context, source string, callback []byte) (*explain.Explanation, error) {
		if source != "dialer" {
			return nil, errors.New("there is no source " + source)
		}
		return &explain.Explanation{
			Result: explain.Ignored, Source: source, Format: "nxcc", Reason: string(callback),
			Rules: []explain.Rule{}, Sinks: []string{}, Requests: []explain.Request{},
		}, nil
	}
	f.operate.Test = func(_ context.Context, sink string) (operate.SinkTest, error) {
		if sink != "crm" {
			return operate.SinkTest{}, fmt.Errorf("%w: no sink %q", operate.ErrNotFound, sink)
		}
		return operate.SinkTest{Sink: sink, CallID: "test:1", MessageID: "msg_1", Result: "rejected", Detail: "no such field", Attempts: []operate.Attempt{{
			At: time.Now().UTC(), Millis: 3, Status: 422, Result: "rejected", Request: &spool.Sent{Method: "POST", URL: "http://127.0.0.1:9/"},
		}}}, nil
	}
	return log
}

func (f *fixture) acceptance(id string, sinks ...string) spool.Acceptance {
	var content call.ContentHash
	copy(content[:], id)
	return spool.Acceptance{
		Record: &call.Record{
			Schema: call.SchemaID, ID: call.NewID("dialer", id), Source: "dialer", Format: "infin8linx",
			Direction: "inbound", Outcome: "answered", Raw: json.RawMessage(`{"x":1}`),
			From:       call.Party{Raw: "081234567890", Number: "+6281234567890"},
			ReceivedAt: call.At(time.Now()),
		},
		Content: content,
		Route:   func(*call.Record) ([]string, error) { return sinks, nil },
	}
}

func (f *fixture) accept(ids ...string) {
	f.t.Helper()
	if err := f.spool.SetLanes(f.t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		f.t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := f.spool.Accept(f.t.Context(), f.acceptance(id, "crm")); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) keep(bodies ...string) {
	f.t.Helper()
	for _, body := range bodies {
		if err := f.spool.KeepUndecodable(f.t.Context(), spool.Undecodable{Source: "dialer", Body: []byte(body), Detail: "not JSON"}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// send makes a request with a JSON body, none where it is empty.
func (f *fixture) send(method, path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	return f.sendIn(f.t.Context(), method, path, body)
}

func (f *fixture) sendIn(ctx context.Context, method, path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	req := httptest.NewRequestWithContext(ctx, method, "http://"+loopback+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	admin.Handler(func() admin.Config { return admin.Config{}.WithDefaults() }, f.wired()).ServeHTTP(w, req)
	return w
}

// ask makes a request that must succeed and gives its answer.
func (f *fixture) ask(method, path, body string) answer {
	f.t.Helper()
	w := f.send(method, path, body)
	var out answer
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		f.t.Fatalf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
	}
	return out
}

func (f *fixture) post(path, body string) answer {
	f.t.Helper()
	return f.ask(http.MethodPost, path, body)
}

func (f *fixture) get(path string) answer {
	f.t.Helper()
	return f.ask(http.MethodGet, path, "")
}

// answer is a JSON object.
type answer map[string]any

// text gives members as in "a=1 b=x".
func (a answer) text(names ...string) string {
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%s=%v", n, a[n]))
	}
	return strings.Join(out, " ")
}

// items gives a member of each item of a listing.
func (a answer) items(name string) string {
	var out []string
	list, _ := a["items"].([]any)
	for _, item := range list {
		object, _ := item.(map[string]any)
		out = append(out, fmt.Sprint(object[name]))
	}
	return strings.Join(out, " ")
}

// refused checks that requests are answered with a problem that says why.
func (f *fixture) refused(t *testing.T, path string, status int, cases map[string]string) {
	t.Helper()
	for body, want := range cases {
		w := f.send(http.MethodPost, path, body)
		var p struct{ Detail string }
		_ = json.Unmarshal(w.Body.Bytes(), &p) // shown below
		if w.Code != status || !strings.Contains(p.Detail, want) {
			t.Errorf("%s %s: %d %s, want %d with %q", path, body, w.Code, w.Body, status, want)
		}
	}
}

// fullSource and fullSink have all that a server can know.
func fullSource() operate.Source {
	c := tally.New("accepted", "unauthorized")
	c.Add("accepted", time.Millisecond)
	last := operate.Callback{At: call.At(time.Now()), Result: "accepted", Status: 200}
	return operate.Source{
		Name: "dialer", Format: "infin8linx", Path: "/callbacks/dialer", LastCallback: &last, Recent: operate.RecentOf(c.Counts(), "accepted"),
		Refused: []operate.Refused{{Callback: operate.Callback{At: last.At, Result: "unauthorized", Status: 401}, Client: "192.0.2.1", Reason: "credentials are wrong"}},
		Door:    operate.Door{URL: "http://localhost:8080/callbacks/dialer", Kind: "header", Name: "token", Example: "{}"},
	}
}

func fullSink() operate.Sink {
	c := tally.New("delivered", "rejected")
	c.Add("delivered", time.Millisecond)
	return operate.Sink{
		Name: "crm", Kind: "webhook", Configured: true, Breaker: "closed", Recent: operate.RecentOf(c.Counts(), "delivered"), Failures: 1, Refusals: 1,
		FailingSince: call.At(time.Now()), LastDeliveredAt: call.At(time.Now()), NotBefore: time.Now().Add(time.Minute),
		LastFailure: &operate.SinkFailure{At: call.At(time.Now().Add(time.Minute)), CallID: "dialer:a", Revision: 1, Result: "rejected", Status: 422, Detail: "422: no such field"},
	}
}

func noReload(context.Context) error { return nil }
