package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// pathsOf are the addresses of all pages.
func (r *rig) pathsOf() map[string]string {
	return map[string]string{
		"overview": "/", "calls": "/calls", "dead letters": "/dead-letters", "playground": "/playground", "configuration": "/configuration", "events": "/events",
		"delivered call": "/calls/dialer:9513923-100", "refused call": "/calls/dialer:9513923-101",
		"waiting call": "/calls/dialer:9513923-102", "call for nobody": "/calls/dialer:9513923-103",
		"refused": "/dead-letters/" + r.letterOf(spool.LetterFilter{Reason: spool.Rejected}),
		"garbage": "/dead-letters/" + r.letterOf(spool.LetterFilter{Stage: spool.StageIntake}),
		"sink":    "/sinks/crm", "sink that waits": "/sinks/archive", "source": "/sources/dialer", "silent source": "/sources/nxlink",
	}
}

// foreign finds what a browser would fetch from elsewhere, or run in the page.
var foreign = regexp.MustCompile(`(?i)(src|href|action)="(https?:)?//|<script>|<style|style="|\son[a-z]+="|javascript:`)

func TestPages(t *testing.T) {
	r := newRig(t)
	r.seed()
	for name, path := range r.pathsOf() {
		t.Run(name, func(t *testing.T) {
			for _, suffix := range []string{"", "?numbers=show"} {
				a := r.get(path + suffix)
				if a.status != http.StatusOK || !strings.Contains(a.body, "</html>") {
					t.Fatalf("%d %s", a.status, a.body)
				}
				if bad := foreign.FindString(a.body); bad != "" {
					t.Errorf("the page holds %q", bad)
				}
				if strings.Contains(a.body, "<b>7</b>") || strings.Contains(a.body, "ZgotmplZ") {
					t.Error("a value is not escaped for its place")
				}
				shown := strings.Contains(a.body, customer) || strings.Contains(a.body, caller)
				if shown && suffix == "" {
					t.Error("the page shows a whole number unasked")
				}
				if !shown && suffix != "" && strings.Contains(name, "call") {
					t.Error("the page does not show numbers when asked")
				}
				if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
					t.Errorf("policy %q", csp)
				}
				if got := a.header.Get("Referrer-Policy"); got != "same-origin" {
					t.Errorf("Referrer-Policy %q: under no-referrer browsers send Origin: null with the page's own forms", got)
				}
			}
		})
	}
}

func TestPagesSay(t *testing.T) {
	r := newRig(t)
	r.seed()
	paths := r.pathsOf()
	for name, want := range map[string][]string{
		"overview":        {"Paused by an operator", "Resume archive", "Pause crm", "/callbacks/dialer", "Breaker open"},
		"calls":           {"dialer:9513923-101", "crm: dead letter", "archive: waiting", "to nobody"},
		"delivered call":  {"Received from dialer", "Routed to crm", "Attempt delivered it"},
		"refused call":    {"Refused by the sink", "422 Unprocessable Entity", "Dead letter: Refused by the sink", "/dead-letters/", "What was sent", "POST http://127.0.0.1:", "cdrelay.call/v1", "X-Request-Id: r-1"},
		"waiting call":    {"Waits: the sink is paused by an operator"},
		"call for nobody": {"No rule gave it to a sink"},
		"dead letters":    {"Refused by the sink", "Could not be understood"},
		"refused":         {"What to do", "no field phone", "correct the sink"},
		"garbage":         {"Could not be understood", "ends before its brace"},
		"configuration":   {"5d41402abc4b", "name: crm"},
		"sink":            {"422 Unprocessable Entity", "POST http://127.0.0.1:", "X-Request-Id: r-1", "1 delivered", "1 rejected", "50 %", "/dead-letters?sink=crm&amp;reason=rejected", "/calls/dialer:9513923-101"},
		"sink that waits": {"Paused by an operator; 1 wait", "Breaker open", "/calls?state=waiting&amp;sink=archive", "Resume", "None since the start"},
		"source":          {"credentials are wrong", "192.0.2.1", "ends before its brace", "curl -sS", "KEY", "3 accepted"},
		"silent source":   {"none since the start", "Nobody was refused", "Everything was understood"},
	} {
		body := r.get(paths[name]).body
		for _, w := range want {
			if !strings.Contains(body, w) {
				t.Errorf("%s does not say %q", name, w)
			}
		}
	}
}

func TestSearch(t *testing.T) {
	r := newRig(t)
	r.seed()
	for query, want := range map[string]int{
		"": 4, "?number=%2B62+813-5111-1451": 4, "?number=1451": 4, "?number=99999": 0, "?source=dialer": 4, "?source=nxlink": 0,
		"?outcome=busy": 0, "?since=2020-01-01T00:00": 4, "?until=2020-01-01T00:00": 0,
	} {
		body := r.get("/calls" + query).body
		if got := strings.Count(body, `<td data-name="Call">`); got != want {
			t.Errorf("%s finds %d, want %d", query, got, want)
		}
		if empty := strings.Contains(body, "No call matches"); empty != (want == 0) {
			t.Errorf("%s: says that nothing matches: %v", query, empty)
		}
	}
	for query, want := range map[string]int{"": 2, "?stage=intake": 1, "?sink=crm": 1, "?reason=expired": 0} {
		if got := strings.Count(r.get("/dead-letters"+query).body, `name="id"`); got != want {
			t.Errorf("dead letters %s: %d, want %d", query, got, want)
		}
	}
}

// sparse is a store whose first pages of calls are empty, as where a filter passes
// over many.
type sparse struct {
	operate.Store
	empty int
	asked []string // cursors
}

func (s *sparse) SearchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string) (spool.CallPage, error) {
	s.asked = append(s.asked, cursor)
	if len(s.asked) <= s.empty {
		return spool.CallPage{Next: strconv.Itoa(1000 - len(s.asked))}, nil
	}
	return s.Store.SearchCalls(ctx, f, limit, cursor)
}

// TestSearchLooksOn: nobody has to click through empty pages.
func TestSearchLooksOn(t *testing.T) {
	r := newRig(t)
	r.seed()
	store := &sparse{Store: r.spool, empty: 3}
	d, o := *r.deps, *r.operate
	o.Store = store
	d.Operate = operate.New("page", o)
	page, err := dashboard.New(d)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/calls?outcome=answered", nil))
	if got := strings.Count(w.Body.String(), `<td data-name="Call">`); got != 4 || fmt.Sprint(store.asked) != "[ 999 998 997]" {
		t.Errorf("%d calls, asked with %q", got, store.asked)
	}
}

func TestPaging(t *testing.T) {
	r := newRig(t)
	for i := range 2*50 + 7 {
		r.accept(strconv.Itoa(700 + i))
	}
	seen := 0
	for path, older := "/calls?source=dialer&numbers=show", regexp.MustCompile(`href="([^"]*)">Older`); path != ""; {
		a := r.get(path)
		seen += strings.Count(a.body, `<td data-name="Call">`)
		path = ""
		if m := older.FindStringSubmatch(a.body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
			if !strings.Contains(path, "source=dialer") || !strings.Contains(path, "numbers=show") {
				t.Errorf("the next page forgets the filter: %s", path)
			}
		}
	}
	if seen != int(r.spool.Totals().Calls) {
		t.Errorf("%d of %d calls on all pages", seen, r.spool.Totals().Calls)
	}
}

func TestReplay(t *testing.T) {
	r := newRig(t)
	r.seed()
	if a := r.post("/dead-letters/replay", nil); !strings.Contains(a.body, "Nothing was selected") {
		t.Error("an empty selection is not told")
	}
	r.mended.Store(true)
	id := r.letterOf(spool.LetterFilter{Reason: spool.Rejected})
	a := r.post("/dead-letters/replay?numbers=show", url.Values{"id": {id}, "call": {"dialer:9513923-101"}})
	if a.at.Path != "/calls/dialer:9513923-101" || !strings.Contains(a.body, "1 dead letter put back") || a.at.Query().Get("numbers") != "show" {
		t.Errorf("after the replay at %s", a.at)
	}
	r.until("delivered", func() bool { return r.state("dialer:9513923-101") == "delivered" })
	if body := r.get("/calls/dialer:9513923-101").body; !strings.Contains(body, "Attempt delivered it") {
		t.Error("the timeline does not show the delivery")
	}
}

func TestReplayAllAsksFirst(t *testing.T) {
	r := newRig(t)
	r.seed()
	form := url.Values{"all": {"yes"}}
	if a := r.post("/dead-letters/replay", form); !strings.Contains(a.body, "Replay 2 dead letters?") {
		t.Errorf("no question: %s", a.body)
	}
	form.Set("confirmed", "yes")
	a := r.post("/dead-letters/replay", form)
	if !strings.Contains(a.body, "1 dead letter stayed") || !strings.Contains(a.body, "still no JSON") {
		t.Errorf("a callback that is still not understood is not told: %s", a.body)
	}
	r.until("the refused one is refused again", func() bool { return r.state("dialer:9513923-101") == "dead_letter" })
	r.mended.Store(true)
	form.Set("per_second", "1000")
	r.post("/dead-letters/replay", form)
	r.until("all delivered", func() bool { return r.got.Load() == 3 })
	if body := r.get("/dead-letters").body; !strings.Contains(body, "There are no dead letters") {
		t.Error("the list is not empty")
	}
	form.Set("per_second", "fast")
	if a := r.post("/dead-letters/replay", form); a.status != http.StatusBadRequest || !strings.Contains(a.body, "no rate") {
		t.Errorf("a wrong rate: %d", a.status)
	}
}

func TestPurgeAsksFirst(t *testing.T) {
	r := newRig(t)
	r.seed()
	form := url.Values{"id": {r.letterOf(spool.LetterFilter{Stage: spool.StageIntake})}}
	if a := r.post("/dead-letters/purge", form); !strings.Contains(a.body, "Purge 1 dead letter?") || r.spool.Totals().IntakeDeadLetters != 1 {
		t.Errorf("no question, or erased before it: %s", a.body)
	}
	form.Set("confirmed", "yes")
	if a := r.post("/dead-letters/purge", form); !strings.Contains(a.body, "1 dead letter erased") || r.spool.Totals().IntakeDeadLetters != 0 {
		t.Errorf("not erased: %s", a.body)
	}
	if a := r.post("/dead-letters/purge", url.Values{"all": {"yes"}, "sink": {"archive"}}); !strings.Contains(a.body, "nothing to do") {
		t.Errorf("a filter that selects nothing: %s", a.body)
	}
	r.post("/dead-letters/purge", url.Values{"all": {"yes"}, "sink": {"crm"}, "confirmed": {"yes"}})
	if a := r.get("/dead-letters"); !strings.Contains(a.body, "There are no dead letters") {
		t.Error("purge by filter left something")
	}
}

func TestPauseAndResume(t *testing.T) {
	r := newRig(t)
	if a := r.post("/sinks/crm/pause", nil); !strings.Contains(a.body, "The sink is paused until you resume it") || !strings.Contains(a.body, "Resume crm") {
		t.Errorf("pause: %s", a.body)
	}
	if p := r.spool.PauseOf("crm"); !p.Active(time.Now()) {
		t.Error("the lane is not paused")
	}
	if a := r.post("/sinks/crm/resume", nil); !strings.Contains(a.body, "Pause crm") || r.spool.PauseOf("crm").Active(time.Now()) {
		t.Errorf("resume: %s", a.body)
	}
	if a := r.post("/sinks/nobody/pause", nil); a.status != http.StatusNotFound {
		t.Errorf("an unknown sink: %d", a.status)
	}
}

func TestResend(t *testing.T) {
	r := newRig(t)
	r.seed()
	r.mended.Store(true)
	path := "/calls/dialer:9513923-103"
	if a := r.post(path+"/resend", nil); !strings.Contains(a.body, "Nothing was selected") {
		t.Error("an empty selection is not told")
	}
	if a := r.post(path+"/resend", url.Values{"sink": {"crm", "archive"}}); !strings.Contains(a.body, "owed to its sinks once more") || a.at.Path != path {
		t.Errorf("resend: %s", a.body)
	}
	r.until("delivered", func() bool { return r.got.Load() == 2 })
	if a := r.post(path+"/resend", url.Values{"sink": {"archive"}}); !strings.Contains(a.body, "waits for these sinks already") {
		t.Error("a call that waits already is not told")
	}
}

func TestPlayground(t *testing.T) {
	r := newRig(t)
	before := r.spool.Totals().Calls
	for name, tt := range map[string]struct {
		form url.Values
		want []string
	}{
		"accepted":    {url.Values{"source": {"dialer"}, "body": {callback("1", "callout", customer)}}, []string{"Accepted", "It would go to <strong>crm", "all calls to the CRM", "POST http", "Did not match", "x-tenant: "}},
		"undecodable": {url.Values{"source": {"dialer"}, "body": {"{"}}, []string{"Could not be understood"}},
		"empty":       {url.Values{"source": {"dialer"}, "body": {" "}}, []string{"Paste a callback first"}},
		"no source":   {url.Values{"source": {"x"}, "body": {"{}"}}, []string{"there is no source"}},
	} {
		body := r.post("/playground", tt.form).body
		for _, w := range tt.want {
			if !strings.Contains(strings.ToLower(body), strings.ToLower(w)) {
				t.Errorf("%s does not say %q: %s", name, w, body)
			}
		}
	}
	form := url.Values{"source": {"dialer"}, "body": {callback("1", "callout", customer)}}
	masked := strings.Count(r.post("/playground", form).body, customer)
	form.Set("numbers", "show")
	if shown := strings.Count(r.post("/playground", form).body, customer); masked != 1 || shown < 3 {
		t.Errorf("the number stands %d times masked (once: what was pasted) and %d times shown", masked, shown)
	}
	if r.spool.Totals().Calls != before || r.got.Load() != 0 {
		t.Error("the playground kept or sent something")
	}
}

func TestReload(t *testing.T) {
	r := newRig(t)
	if a := r.post("/configuration/reload", nil); !strings.Contains(a.body, "was read again and is in use") {
		t.Errorf("reload: %s", a.body)
	}
	r.refused = errors.New("config.yaml:3: unknown key <x>")
	if a := r.post("/configuration/reload", nil); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "config.yaml:3: unknown key &lt;x&gt;") {
		t.Errorf("a bad file: %d %s", a.status, a.body)
	}
}

func TestErrors(t *testing.T) {
	r := newRig(t)
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/nowhere":                    {404, "Page not found"},
		"/calls/dialer:1":             {404, "Page not found"},
		"/calls/%3Cscript%3E":         {404, "Page not found"},
		"/dead-letters/01J":           {404, "Page not found"},
		"/calls?cursor=x":             {400, "This page of the list does not exist"},
		"/dead-letters?cursor=x":      {400, "This page of the list does not exist"},
		"/calls?since=tomorrow":       {400, "That is not a time"},
		"/dead-letters?until=%00":     {400, "That is not a time"},
		"/assets/nothing":             {404, ""},
		"/api/v1/nothing":             {404, "there is nothing here"},
		"/dead-letters?said=<script>": {200, "There are no dead letters"},
	} {
		if a := r.get(path); a.status != want.status || !strings.Contains(a.body, want.text) || strings.Contains(a.body, "<script>") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := r.post("/playground", url.Values{"body": {strings.Repeat("x", 4<<20)}}); a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "too long") {
		t.Errorf("too long a form: %d", a.status)
	}
}

// TestTimesInTheConfiguredZone: without a script pages show and read times in the
// configured zone, with the offset, and UTC in the title.
func TestTimesInTheConfiguredZone(t *testing.T) {
	r := newRig(t)
	r.accept("1", "callout", customer, "crm")
	jakarta, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatal(err)
	}
	page, err := r.spool.SearchCalls(t.Context(), spool.CallFilter{}, 1, "")
	if err != nil || len(page.Calls) != 1 {
		t.Fatal(page, err)
	}
	at := page.Calls[0].ReceivedAt.Time
	stamp := func(zone *time.Location) string {
		return at.UTC().Format(`<time data-clock datetime="2006-01-02T15:04:05Z" title="2 Jan 2006 15:04:05 UTC">`) + at.In(zone).Format("2 Jan 2006 15:04:05 -07:00</time>")
	}
	if a := r.get("/calls"); !strings.Contains(a.body, stamp(time.UTC)) || !strings.Contains(a.body, "all times are in <span data-zone>UTC</span>") {
		t.Errorf("nothing configured, want %s\n%s", stamp(time.UTC), a.body)
	}
	r.zone = jakarta
	day := at.In(jakarta)
	for address, found := range map[string]bool{
		"/calls": true, "/calls/dialer:9513923-1": true,
		"/calls?since=" + day.Format("2006-01-02T15:04"): true, "/calls?until=" + day.Format("2006-01-02T15:04"): false,
		"/calls?since=" + url.QueryEscape(at.UTC().Format(time.RFC3339)): true,
	} {
		a := r.get(address)
		if a.status != http.StatusOK || strings.Contains(a.body, stamp(jakarta)) != found {
			t.Errorf("%s: %d, want %t %s\n%s", address, a.status, found, stamp(jakarta), a.body)
		}
	}
	// a field keeps what was typed, and says when that is
	a := r.get("/calls?since=2026-01-31T09:30")
	if !strings.Contains(a.body, `value="2026-01-31T09:30" data-clock="2026-01-31T02:30:00Z"`) {
		t.Errorf("the field: %s", a.body)
	}
	// what is confirmed later selects what was counted
	if err := r.spool.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte("{"), Detail: "ends early", ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	a = r.post("/dead-letters/purge", url.Values{"all": {"yes"}, "since": {"2h"}})
	if strings.Contains(a.body, `name="since" value="2h"`) || !strings.Contains(a.body, `name="since" value="20`) || !strings.Contains(a.body, "From <time data-clock") {
		t.Errorf("the confirmation: %s", a.body)
	}
}

// TestForgedForm: another site cannot press the buttons.
func TestForgedForm(t *testing.T) {
	r := newRig(t)
	for name, value := range map[string]string{"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.URL+"/sinks/crm/pause", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(name, value)
		res, err := r.server.Client().Do(req)
		if err != nil || res.Body.Close() != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusForbidden || r.spool.PauseOf("crm").Active(time.Now()) {
			t.Errorf("a change with %s: %s passed: %d", name, value, res.StatusCode)
		}
	}
}

// TestBare: a server that can do less has the pages all the same.
func TestBare(t *testing.T) {
	r := newRig(t)
	d, o := *r.deps, *r.operate
	o.Redeem, o.Explain, d.Configuration, d.Reload = nil, nil, nil, nil
	d.Operate = operate.New("page", o)
	page, err := dashboard.New(d)
	if err != nil {
		t.Fatal(err)
	}
	r.server.Config.Handler = page
	for _, path := range []string{"/", "/playground", "/configuration"} {
		if a := r.get(path); a.status != http.StatusOK {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := r.post("/configuration/reload", nil); a.status != http.StatusNotFound {
		t.Errorf("reload: %d", a.status)
	}
	if a := r.post("/playground", url.Values{"body": {"{}"}}); !strings.Contains(a.body, "no playground here") {
		t.Error("the playground does not say that it cannot")
	}
}
