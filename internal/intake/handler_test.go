package intake

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestStatus(t *testing.T) {
	guarded := SourceConfig{Name: "a", Auth: Auth{
		Header: &NamedSecret{Name: "token", Value: keys("s3cret")},
		Allow:  []Network{mustNetwork("192.0.2.0/24")},
	}}
	token := header("token", "s3cret")
	big := strings.Repeat(" ", maxBody+1)
	tests := []struct {
		name       string
		request    *http.Request
		down       error
		status     int
		header     string // a header that must stand there, "Name: value"
		body       string // a part of the body
		stored     int
		wantResult result // "" where none is counted
	}{
		{"accepted", post(callJSON("1"), token), nil, 200, "Content-Type: application/json", `{"status":"accepted","id":"a:1","revision":1}`, 1, accepted},
		{"ignored", post(callJSON("event"), token), nil, 200, "", `{"status":"ignored"}`, 0, ignored},
		{"no JSON", post(`{"id":"1",`, token), nil, 400, "", "body is not JSON", 1, undecodable},
		{"empty", post(``, token), nil, 400, "", "body is empty", 1, undecodable},
		{"no identity", post(`{}`, token), nil, 400, "", "body has no id", 1, undecodable},
		{"converter error of no kind", post(callJSON("odd"), token), nil, 400, "", "an error of no kind", 1, undecodable},
		{"converter panics", post(callJSON("panic"), token), nil, 400, "", "has a bug", 1, undecodable},
		{"converter gives nothing", post(callJSON("nothing"), token), nil, 400, "", "neither a record nor", 1, undecodable},
		{"record without raw", post(callJSON("rawless"), token), nil, 400, "", "raw callback is no JSON", 1, undecodable},
		{"no token", post(callJSON("1")), nil, 401, "WWW-Authenticate: " + keyChallenge, "", 0, unauthorized},
		{"wrong token", post(callJSON("1"), header("token", "guess")), nil, 401, "WWW-Authenticate: " + keyChallenge, "", 0, unauthorized},
		{"garbage of a stranger", post("garbage"), nil, 401, "", "", 0, unauthorized},
		{"wrong address", post(callJSON("1"), token, from("198.51.100.1:1")), nil, 403, "", "", 0, forbidden},
		{"wrong address and no token", post(callJSON("1"), from("198.51.100.1:1")), nil, 403, "", "", 0, forbidden},
		{"unknown path", httptest.NewRequest("POST", "/callbacks/b", nil), nil, 404, "", "no callbacks are taken here", 0, unknownPath},
		{"unknown path and method", httptest.NewRequest("GET", "/", nil), nil, 404, "", "", 0, unknownPath},
		{"path below", httptest.NewRequest("POST", "/callbacks/a/b", nil), nil, 404, "", "", 0, unknownPath},
		{"GET", httptest.NewRequest("GET", "/callbacks/a", nil), nil, 405, "Allow: POST", "", 0, ""},
		{"HEAD", httptest.NewRequest("HEAD", "/callbacks/a", nil), nil, 405, "Allow: POST", "", 0, ""},
		{"GET from the wrong address", withRemote(httptest.NewRequest("GET", "/callbacks/a", nil), "198.51.100.1:1"), nil, 405, "", "", 0, ""},
		{"too large", post(big, token), nil, 413, "", "1 MiB", 0, tooLarge},
		{"too large, of unknown length", post(big, token, chunked), nil, 413, "", "1 MiB", 0, tooLarge},
		{"too large, of a stranger", post(big), nil, 401, "", "", 0, unauthorized},
		{"largest", post(`{"id":"1"}`+strings.Repeat(" ", maxBody-10), token), nil, 200, "", "accepted", 1, accepted},
		{"store unavailable", post(callJSON("1"), token), spool.ErrUnavailable, 503, "Retry-After: 5", "send this one again", 0, unavailable},
		{"store broken", post(callJSON("1"), token), errors.New("/data/x.db: I/O error"), 503, "Retry-After: 5", "", 0, unavailable},
		{"undecodable cannot be kept", post("garbage", token), spool.ErrUnavailable, 503, "Retry-After: 5", "", 0, unavailable},
		{"ignored while the store is down", post(callJSON("event"), token), spool.ErrUnavailable, 200, "", "ignored", 0, ignored},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, guarded)
			f.store.fail(tt.down)
			res, body := f.do(t, tt.request)
			if res.StatusCode != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("answer %d %s, want %d %s", res.StatusCode, body, tt.status, tt.body)
			}
			if name, value, ok := strings.Cut(tt.header, ": "); ok && res.Header.Get(name) != value {
				t.Errorf("%s = %q, want %q", name, res.Header.Get(name), value)
			}
			if strings.Contains(body, "/data/") {
				t.Errorf("answer tells of the inside: %s", body)
			}
			if got := f.store.stored(); got != tt.stored {
				t.Errorf("%d traces in the store, want %d", got, tt.stored)
			}
			want := map[string]float64{}
			if tt.wantResult != "" {
				want[string(tt.wantResult)] = 1
			}
			if diff := cmp.Diff(want, f.counted(t, "cdrelay_callbacks_total", "result")); diff != "" {
				t.Errorf("callbacks_total (-want +got):\n%s", diff)
			}
		})
	}
}

func from(remote string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = remote }
}

func withRemote(r *http.Request, remote string) *http.Request {
	r.RemoteAddr = remote
	return r
}

// chunked hides the length.
func chunked(r *http.Request) { r.ContentLength = -1 }

func mustNetwork(text string) Network {
	n, err := parseNetwork(text)
	if err != nil {
		panic(err)
	}
	return n
}

func TestDuplicatesAndRevisions(t *testing.T) {
	f := newFixture(t, open("a"))
	for _, step := range []struct{ body, want string }{
		{`{"id":"1","n":1}`, `{"status":"accepted","id":"a:1","revision":1}`},
		{`{ "n": 1, "id": "1" }`, `{"status":"duplicate","id":"a:1","revision":1}`},
		{`{"id":"1","n":1.0}`, `{"status":"accepted","id":"a:1","revision":2}`},
		{`{"id":"1","n":1}`, `{"status":"duplicate","id":"a:1","revision":1}`},
		{`{"id":"/\"<2","n":1}`, `{"status":"accepted","id":"a:%2F%22%3C2","revision":1}`},
	} {
		res, body := f.do(t, post(step.body))
		if res.StatusCode != 200 || strings.TrimSpace(body) != step.want {
			t.Errorf("%s: %d %s, want %s", step.body, res.StatusCode, body, step.want)
		}
	}
	// The last decision counts, once, and a duplicate's not at all.
	if diff := cmp.Diff(map[string]float64{"all": 3, "first": 2}, f.counted(t, "cdrelay_rules_matched_total", "rule")); diff != "" {
		t.Errorf("rules_matched_total (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"broken": 3}, f.counted(t, "cdrelay_rule_errors_total", "rule")); diff != "" {
		t.Errorf("rule_errors_total (-want +got):\n%s", diff)
	}
}

func TestRecordAsStored(t *testing.T) {
	f := newFixture(t, open("a"))
	f.do(t, post(callJSON("1")))
	f.do(t, post(`{"id":"lonely"}`))
	if got := f.store.records[0].ReceivedAt; !got.Equal(now) {
		t.Errorf("received_at = %v, want %v", got, now)
	}
	if diff := cmp.Diff([][]string{{"crm"}, nil}, f.store.sinks); diff != "" {
		t.Errorf("sinks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"a": 1}, f.counted(t, "cdrelay_unrouted_total", "source")); diff != "" {
		t.Errorf("unrouted_total (-want +got):\n%s", diff)
	}
}

func TestUndecodableIsKeptAsReceived(t *testing.T) {
	zipped := zip(t, strings.NewReader("detail=nonsense"))
	f := newFixture(t, open("a"))
	f.do(t, post(zipped, header("Content-Encoding", "gzip"), header("Content-Type", urlencodedType)))
	f.do(t, post("detail=nonsense"))
	f.do(t, post(callJSON("panic")))
	f.do(t, post("no gzip", header("Content-Encoding", "gzip")))
	f.do(t, post("{}", header("Content-Encoding", "br")))
	var bodies []string
	for _, l := range f.store.letters {
		bodies = append(bodies, string(l.Body))
		if l.Source != "a" || l.Detail == "" || !l.ReceivedAt.Equal(now) {
			t.Errorf("letter %+v", l)
		}
	}
	want := []string{"detail=nonsense", callJSON("panic"), "no gzip", "{}"}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if !strings.Contains(f.log.String(), "an adapter panicked") || !strings.Contains(f.log.String(), "intake_test.go") {
		t.Errorf("the panic and its place are not logged: %s", f.log)
	}
}

func TestRespond(t *testing.T) {
	src := open("a")
	src.Respond = "1"
	f := newFixture(t, src)
	for _, body := range []string{callJSON("1"), callJSON("1"), callJSON("event")} {
		res, got := f.do(t, post(body))
		if res.StatusCode != 200 || got != "1" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %q %s", body, res.StatusCode, got, res.Header.Get("Content-Type"))
		}
	}
	if res, body := f.do(t, post("x")); res.StatusCode != 400 || body == "1" {
		t.Errorf("garbage: %d %s", res.StatusCode, body)
	}
}

func TestStoreTroubleIsLoggedOncePerChange(t *testing.T) {
	f := newFixture(t, open("a"))
	at := now
	f.deps.Now = func() time.Time { return at }
	for range 3 { // refused one moment and taken the next is no change
		f.store.fail(spool.ErrUnavailable)
		f.do(t, post(callJSON("1")))
		f.store.fail(nil)
		f.do(t, post(callJSON("1")))
	}
	if got := strings.Count(f.log.String(), "\n"); got != 1 {
		t.Errorf("%d lines, want one for the failure:\n%s", got, f.log)
	}
	at = at.Add(calm)
	for range 3 {
		f.do(t, post(callJSON("1"))) // a duplicate, which needs no room
	}
	if got := strings.Count(f.log.String(), "\n"); got != 1 {
		t.Errorf("%d lines, want none for a duplicate:\n%s", got, f.log)
	}
	for i := range 3 {
		f.do(t, post(callJSON(strconv.Itoa(10+i))))
	}
	if got := strings.Count(f.log.String(), "\n"); got != 2 {
		t.Errorf("%d lines, want one for the failure and one for the recovery:\n%s", got, f.log)
	}
}

func TestCallbacksAreNotLogged(t *testing.T) {
	f := newFixture(t, SourceConfig{Name: "a", Auth: Auth{Bearer: keys("k")}})
	f.do(t, post(callJSON("+6281234567890"), header("Authorization", "Bearer k")))
	f.do(t, post("garbage +6281234567890", header("Authorization", "Bearer k")))
	f.do(t, post(callJSON("1"), header("Authorization", "Bearer evil\nlevel=ERROR")))
	if f.log.Len() > 0 {
		t.Errorf("logged above debug: %s", f.log)
	}
}

func TestUpdate(t *testing.T) {
	f := newFixture(t, open("a"), open("b"))
	bad := testConfig(open("a"), SourceConfig{Name: "c"})
	if err := f.update(bad); err == nil || !strings.Contains(err.Error(), "source c") {
		t.Errorf("a source without a door: %v", err)
	}
	if res, _ := f.do(t, httptest.NewRequest("POST", "/callbacks/b", strings.NewReader(callJSON("1")))); res.StatusCode != 200 {
		t.Errorf("after a refused update b answers %d", res.StatusCode)
	}
	if err := f.update(testConfig(open("a"), open("d"))); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"a": 200, "b": 404, "d": 200} {
		if res, _ := f.do(t, httptest.NewRequest("POST", "/callbacks/"+path, strings.NewReader(callJSON("1")))); res.StatusCode != want {
			t.Errorf("%s answers %d, want %d", path, res.StatusCode, want)
		}
	}
}

func TestConfigThatCannotBeBuilt(t *testing.T) {
	none := testConfig(open("a"))
	none.Sources[0].Dialect.Convert = nil
	zone := open("a")
	zone.Timezone = "Mars/Olympus"
	twice := open("b")
	twice.Path = "/callbacks/a"
	namesake := open("a")
	namesake.Path = "/other"
	two := SourceConfig{Name: "a", Auth: Auth{Open: true, Bearer: keys("k")}}
	for name, c := range map[string]Config{
		"no door": testConfig(SourceConfig{Name: "a"}), "two doors": testConfig(two), "no adapter": none,
		"time zone": testConfig(zone), "same path": testConfig(open("a"), twice), "no router": {},
		"same name":   testConfig(open("a"), namesake),
		"empty allow": testConfig(SourceConfig{Name: "a", Auth: Auth{Allow: []Network{}}}),
	} {
		f := newFixture(t)
		if err := f.update(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestUpdateUnderLoad posts from many goroutines while the configuration
// changes: no callback is refused, none is lost.
func TestUpdateUnderLoad(t *testing.T) {
	f := newFixture(t, open("a"))
	const workers, each = 8, 100
	var posting sync.WaitGroup
	for w := range workers {
		posting.Go(func() {
			for i := range each {
				rec := httptest.NewRecorder()
				f.ServeHTTP(rec, post(callJSON(fmt.Sprintf("%d-%d", w, i))))
				if rec.Code != 200 {
					t.Errorf("answer %d", rec.Code)
				}
			}
		})
	}
	for i := range 50 {
		if err := f.update(testConfig(open("a"), open(fmt.Sprintf("extra-%d", i)))); err != nil {
			t.Error(err)
		}
	}
	posting.Wait()
	if got := f.store.stored(); got != workers*each {
		t.Errorf("%d calls kept, want %d", got, workers*each)
	}
	if diff := cmp.Diff(map[string]float64{"accepted": workers * each}, f.counted(t, "cdrelay_callbacks_total", "result")); diff != "" {
		t.Errorf("callbacks_total (-want +got):\n%s", diff)
	}
}

func TestSourceFactsReachTheAdapter(t *testing.T) {
	var got call.Source
	c := testConfig(SourceConfig{Name: "a", Timezone: "Asia/Jakarta", Region: "ID", Numbers: call.National, Auth: Auth{Open: true}})
	c.Sources[0].Dialect.Convert = func(body []byte, src call.Source) (*call.Record, error) {
		got = src
		return convert(body, src)
	}
	f := newFixture(t)
	if err := f.update(c); err != nil {
		t.Fatal(err)
	}
	f.do(t, post(callJSON("1")))
	if got.Name != "a" || got.Zone.String() != "Asia/Jakarta" || got.Region != "ID" || got.Numbers != call.National {
		t.Errorf("adapter was told %+v", got)
	}
}

// TestUnknownPaths: they are counted, and one a minute is told with its path.
func TestUnknownPaths(t *testing.T) {
	f := newFixture(t, open("a"))
	for _, path := range []string{"/callbacks/b", "/callbacks/a//", "/callbacks", "/", "/callbacks/a/+6281234567890"} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path+"?key=secret", strings.NewReader(callJSON("1"))))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: answer %d", path, w.Code)
		}
	}
	if n := testutil.ToFloat64(f.metrics.callbacks.WithLabelValues("", "unknown_path")); n != 5 {
		t.Errorf("%v counted", n)
	}
	if log := f.log.String(); strings.Count(log, "requests come to a path that no source has") != 1 ||
		!strings.Contains(log, "path=/callbacks/b ") || strings.Contains(log, "secret") {
		t.Errorf("log:\n%s", log)
	}
}

func TestTrailingSlash(t *testing.T) {
	slash := open("b")
	slash.Path = "/"
	f := newFixture(t, open("a"), slash)
	for i, path := range []string{"/callbacks/a", "/callbacks/a/", "/"} {
		w := httptest.NewRecorder()
		f.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(callJSON(strconv.Itoa(i)))))
		if w.Code != http.StatusOK {
			t.Errorf("%s: answer %d", path, w.Code)
		}
	}
}
