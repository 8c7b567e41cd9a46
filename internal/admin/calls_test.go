package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/secret"
)

func TestCalls(t *testing.T) {
	f := newFixture(t)
	if got := f.get("/api/v1/calls"); got.text("items", "next_cursor") != "items=[] next_cursor=" {
		t.Errorf("no calls: %v", got)
	}
	f.accept("a", "b.1", "c")
	first := f.get("/api/v1/calls?limit=2")
	if first.items("id") != "dialer:c dialer:b%2E1" || first["next_cursor"] == "" || first["reached_at"] == nil {
		t.Errorf("first page: %v", first)
	}
	f.accept("d")
	rest := f.get(fmt.Sprintf("/api/v1/calls?limit=2&cursor=%v", first["next_cursor"]))
	if rest.items("id") != "dialer:a" || rest["next_cursor"] != "" || rest["reached_at"] != nil {
		t.Errorf("second page: %v", rest)
	}
	if got := rest.items("deliveries"); got != "[map[sink:crm state:waiting]]" {
		t.Errorf("deliveries: %s", got)
	}
	if got := rest.items("record"); !strings.Contains(got, "+6281234567890") || strings.Contains(got, "raw:map") {
		t.Errorf("record: %s", got)
	}
	for query, want := range map[string]string{
		"number=%2B62%20812-3456-7890": "dialer:d dialer:c dialer:b%2E1 dialer:a", "number=0812+3456+7890&limit=1": "dialer:d",
		"number=7890": "dialer:d dialer:c dialer:b%2E1 dialer:a", "number=7891": "", "source=nxlink": "", "source=dialer&limit=1": "dialer:d",
		"outcome=busy": "", "outcome=answered&limit=1": "dialer:d", "since=2020-01-01T00:00:00Z&limit=1": "dialer:d", "until=2020-01-01T00:00:00Z": "",
		"sink=crm&limit=1": "dialer:d", "sink=slack": "", "state=waiting&sink=crm&limit=1": "dialer:d", "state=delivered": "", "state=dead": "",
		"direction=inbound&limit=1": "dialer:d", "direction=internal": "", "agent=nobody": "", "account=951": "",
	} {
		if got := f.get("/api/v1/calls?" + query); got.items("id") != want {
			t.Errorf("%s: %s, want %s", query, got.items("id"), want)
		}
	}
	for query, want := range map[string]string{
		"number=abc": "no digits", "number=000": "no digits", "cursor=abc": "bad cursor", "lane=crm": "unknown parameter", "state=held": "there is no state \\\"held\\\": there are [waiting delivered dead superseded]", "direction=in": "there are [inbound outbound internal unknown]", "since=now": "RFC 3339", "limit=0": "1 to 500", "outcome=bored": "there is no outcome",
	} {
		if w := f.send(http.MethodGet, "/api/v1/calls?"+query, ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestCall(t *testing.T) {
	f := newFixture(t)
	f.bury("dialer:a%2Eb")
	got := f.get("/api/v1/calls/dialer:a%252Eb")
	if got.text("id", "revision") != "id=dialer:a%2Eb revision=1" {
		t.Errorf("call: %v", got)
	}
	deliveries, _ := got["deliveries"].([]any)
	if len(deliveries) != 1 {
		t.Fatalf("deliveries: %v", deliveries)
	}
	d, _ := deliveries[0].(map[string]any)
	letter := f.list("").Items[0]["id"]
	if got := answer(d).text("sink", "state", "tries", "dead_letter", "reason"); got != fmt.Sprintf("sink=crm state=dead_letter tries=1 dead_letter=%v reason=rejected", letter) {
		t.Errorf("delivery: %s", got)
	}
	if got := fmt.Sprint(d["attempts"]); !strings.Contains(got, "detail:no such field") || !strings.Contains(got, "status:422") {
		t.Errorf("attempts: %s", got)
	}
	if w := f.send(http.MethodGet, "/api/v1/calls/dialer:none", ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `there is no call \"dialer:none\"`) {
		t.Errorf("unknown: %d %s", w.Code, w.Body)
	}
}

func TestResend(t *testing.T) {
	f := newFixture(t)
	log := f.wire()
	f.bury("dialer:a")
	const path = "/api/v1/calls/dialer:a/resend"
	if got := f.post(path, `{"sinks":["crm","crm"]}`).text("id", "resent", "waiting"); got != "id=dialer:a resent=[crm] waiting=[]" {
		t.Errorf("resent: %s", got)
	}
	if got := f.post(path, `{"sinks":["crm"]}`).text("resent", "waiting"); got != "resent=[] waiting=[crm]" {
		t.Errorf("resent twice: %s", got)
	}
	if !strings.Contains(log.String(), "had a call sent again") || !strings.Contains(log.String(), "via=api") {
		t.Errorf("log: %s", log)
	}
	f.refused(t, path, http.StatusNotFound, map[string]string{`{"sinks":["nobody"]}`: `there is no sink "nobody"`})
	f.refused(t, "/api/v1/calls/dialer:none/resend", http.StatusNotFound, map[string]string{`{"sinks":["crm"]}`: `there is no call "dialer:none"`})
	f.refused(t, path, http.StatusBadRequest, map[string]string{
		`{}`: `"sinks" is missing`, `{"sinks":[]}`: "is empty", `{"sinks":"crm"}`: `"sinks" must be a list`, `{"sinks":null}`: `"sinks" must be`,
		`{"Sinks":["crm"]}`: `unknown field "Sinks"`, `{"sinks":["crm"],"sinks":["crm"]}`: "twice", `{"sinks":["crm"]} x`: "after the JSON object",
		`{"sinks":["crm"]`: "not JSON", `[]`: "must be a JSON object", `x`: "must be a JSON object", `{"sinks":["crm"}`: "not JSON", `{"sinks":[1]}`: "must be a list",
	})
}

// TestBodyTypes: what a page of another site can post without asking is refused.
func TestBodyTypes(t *testing.T) {
	f := newFixture(t)
	f.wire()
	f.accept("a")
	for _, c := range []struct {
		path, kind, body string
		want             int
	}{
		{"/api/v1/calls/dialer:a/resend", "", `{"sinks":["crm"]}`, 415},
		{"/api/v1/calls/dialer:a/resend", "text/plain", `{"sinks":["crm"]}`, 415},
		{"/api/v1/calls/dialer:a/resend", "application/json; charset=utf-8", `{"sinks":["crm"]}`, 200},
		{"/api/v1/sinks/crm/pause", "", "", 200},
		{"/api/v1/sinks/crm/resume", "application/json", "", 200},
		{"/api/v1/sinks/crm/resume", "application/json", "{}", 200},
		{"/api/v1/sinks/crm/resume", "application/json", `{"until":"x"}`, 400},
		{"/api/v1/sinks/crm/pause", "application/x-www-form-urlencoded", "", 415},
		{"/api/v1/sinks/crm/pause", "text/plain", "x", 415},
		{"/-/reload", "multipart/form-data; boundary=x", "", 415},
		{"/api/v1/dead-letters/purge", "application/json", `{"ids":["` + strings.Repeat("x", 5<<20) + `"]}`, 413},
	} {
		header := map[string]string{}
		if c.kind != "" {
			header["Content-Type"] = c.kind
		}
		if w := f.doBody(c.path, header, c.body); w.Code != c.want {
			t.Errorf("%s as %q: %d %s, want %d", c.path, c.kind, w.Code, w.Body, c.want)
		}
	}
}

// TestEventsNameTokenAndAddress: those of the request that was let in.
func TestEventsNameTokenAndAddress(t *testing.T) {
	f := newFixture(t)
	f.wire()
	f.accept("a")
	f.post("/api/v1/sinks/crm/pause", `{"for":"1h","reason":"maintenance"}`)
	if got := f.get("/api/v1/status"); !strings.Contains(fmt.Sprint(got["sinks"]), "reason:maintenance until:20") {
		t.Errorf("status: %v", got["sinks"])
	}
	for path, want := range map[string]string{"/api/v1/events": "1", "/api/v1/events?sink=crm&since=2020-01-01T00:00:00Z": "1", "/api/v1/events?sink=slack": "", "/api/v1/events?call=dialer:a": ""} {
		if got := f.get(path).items("count"); got != want {
			t.Errorf("%s: count %q, want %q", path, got, want)
		}
	}
	list := f.get("/api/v1/events")
	if got := list.items("token") + " " + list.items("address") + " " + list.items("via"); got != "none 192.0.2.1 api" {
		t.Errorf("without a token: %s", got)
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+loopback+"/api/v1/sinks/crm/resume", nil)
	req.Header.Set("Authorization", "Bearer a-long-enough-token")
	w := httptest.NewRecorder()
	admin.Handler(func() admin.Config { return admin.Config{Token: secret.New("a-long-enough-token")}.WithDefaults() }, f.wired()).ServeHTTP(w, req)
	if got := f.get("/api/v1/events").items("token"); w.Code != http.StatusOK || got != "admin none" {
		t.Errorf("%d, tokens %q", w.Code, got)
	}
	f.refused(t, "/api/v1/sinks/crm/pause", http.StatusBadRequest, map[string]string{
		`{"for":"soon"}`: "write such as 30m, 2h or 1d", `{"until":"x"}`: "there are for, reason",
	})
}
