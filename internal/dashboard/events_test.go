package dashboard_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestWhoPausedThis: the overview leads to it in one click.
func TestWhoPausedThis(t *testing.T) {
	r := newRig(t)
	r.seed()
	a := r.post("/sinks/crm/pause", url.Values{"for": {"2h"}, "reason": {"maintenance, ask +" + customer}})
	if a.at.Query().Get("said") != "paused" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	overview := r.get("/").body
	for _, want := range []string{`href="/events?sink=crm"`, "maintenance, ask", "until <time"} {
		if !strings.Contains(overview, want) {
			t.Errorf("the overview does not say %q", want)
		}
	}
	events := r.get("/events?sink=crm").body
	for _, want := range []string{"Sink paused", "somebody without a token from 127.0.0.1, in the page", "maintenance"} {
		if !strings.Contains(events, want) {
			t.Errorf("the events do not say %q", want)
		}
	}
	if strings.Contains(overview+events, customer) {
		t.Error("the number in the reason is shown")
	}
	if got := r.get("/events?sink=archive").body; !strings.Contains(got, "Nobody changed anything") {
		t.Error("an event of another sink is listed")
	}
	if a := r.post("/sinks/crm/pause", url.Values{"for": {"soon"}}); a.status != http.StatusBadRequest || !strings.Contains(a.body, "30m, 2h or 1d") {
		t.Errorf("%d", a.status)
	}
}

// TestACallShowsWhatOperatorsDid: with the rules that decided, and other calls of the
// number.
func TestACallShowsWhatOperatorsDid(t *testing.T) {
	r := newRig(t)
	r.seed()
	r.post("/calls/dialer:9513923-100/resend", url.Values{"sink": {"crm"}})
	record, err := convert([]byte(callback("104", "callout", customer)))
	if err != nil {
		t.Fatal(err)
	}
	rules := func() string { return "all calls\nto the archive" }
	if _, err := r.spool.Accept(t.Context(), spool.Acceptance{Record: record, Route: to("archive"), Rules: rules}); err != nil {
		t.Fatal(err)
	}
	if body := r.get("/calls/dialer:9513923-104").body; !strings.Contains(body, "Rules that matched: all calls; to the archive") {
		t.Error("the call does not say which rules decided")
	}
	r.post("/calls/dialer:9513923-101/resend", url.Values{"sink": {"crm", "archive"}})
	if body := r.get("/calls/dialer:9513923-101").body; !strings.Contains(body, "Sent again: archive, crm<") || strings.Contains(body, "archive,%20crm") {
		t.Error("the call does not say to which sinks it was sent again, or a link leads to two of them")
	}
	body := r.get("/calls/dialer:9513923-100").body
	for _, want := range []string{"Sent again", "By somebody without a token from 127.0.0.1, in the page", "Other calls of this number", `href="/calls/dialer:9513923-101"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the call does not say %q", want)
		}
	}
}

// hiddenFields are those of the form that goes on.
var hiddenFields = regexp.MustCompile(`<input type="(?:hidden|checkbox)" name="([a-z_]+)" value="([^"]*)"( checked)?`)

func formOf(body string, ticked ...string) url.Values {
	out := url.Values{}
	for _, m := range hiddenFields.FindAllStringSubmatch(body, -1) {
		if strings.Contains(m[0], "checkbox") && m[3] == "" {
			continue
		}
		out.Add(m[1], m[2])
	}
	for _, sink := range ticked {
		out.Add("to", sink)
	}
	return out
}

// TestTheCRMLostAnAfternoon: the filter, the button beside it, and a confirmation.
func TestTheCRMLostAnAfternoon(t *testing.T) {
	r := newRig(t)
	r.seed()
	if list := r.get("/calls?sink=crm").body; !strings.Contains(list, `formaction="/calls/resend"`) {
		t.Fatal("the list has no button for it")
	}
	asked := r.post("/calls/resend", url.Values{"sink": {"crm"}, "state": {"delivered"}, "since": {"2h"}})
	if asked.status != http.StatusOK || !strings.Contains(asked.body, "Send 1 call again?") {
		t.Fatalf("%d %s", asked.status, asked.body)
	}
	form := formOf(asked.body)
	if form.Get("to") != "crm" || form.Get("confirmed") != "yes" || !strings.HasSuffix(form.Get("since"), "Z") {
		t.Errorf("the form: %v", form)
	}
	r.mended.Store(true)
	before := r.got.Load()
	done := r.post("/calls/resend", form)
	if q := done.at.Query(); q.Get("said") != "sent" || q.Get("n") != "1" || q.Get("sink") != "crm" || !strings.Contains(done.body, "1 sent again") {
		t.Fatalf("%d at %s", done.status, done.at)
	}
	r.until("it is sent", func() bool { return r.got.Load() > before })
	if body := r.get("/calls/dialer:9513923-100").body; !strings.Contains(body, "Sent again") || !strings.Contains(body, "calls, sink crm, state delivered, since 20") {
		t.Error("the call does not say who sent it again")
	}
}

func TestABulkResendThatCannotBe(t *testing.T) {
	r := newRig(t)
	r.seed()
	for want, form := range map[string]url.Values{
		"no call matches":     {"agent": {"nobody"}},
		"That is not a time":  {"since": {"soon"}},
		"there is no outcome": {"outcome": {"bored"}},
		"That is no rate":     {"confirmed": {"yes"}, "to": {"crm"}, "per_second": {"many"}},
	} {
		if a := r.post("/calls/resend", form); !strings.Contains(a.body, want) {
			t.Errorf("%v: %d, want %q", form, a.status, want)
		}
	}
	if a := r.post("/calls/resend", url.Values{"confirmed": {"yes"}}); a.at.Query().Get("said") != "nothing" {
		t.Errorf("without a sink: %d", a.status)
	}
}

// TestALargeResendGoesOnByItself: part after part, as one event.
func TestALargeResendGoesOnByItself(t *testing.T) {
	r := newRig(t)
	r.fillCalls(1100)
	a := r.post("/calls/resend", url.Values{"source": {"dialer"}})
	if !strings.Contains(a.body, "1\u202f100 calls again?") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	form := formOf(a.body, "archive")
	for parts := 1; ; parts++ {
		a = r.post("/calls/resend", form)
		if q := a.at.Query(); q.Get("said") == "sent" {
			if parts != 3 || q.Get("n") != "1100" {
				t.Errorf("after %d parts: %s", parts, a.at)
			}
			break
		}
		if a.status != http.StatusOK || !strings.Contains(a.body, "data-go-on") || !strings.Contains(a.body, "<progress") {
			t.Fatalf("part %d: %d %s", parts, a.status, a.body)
		}
		form = formOf(a.body)
	}
	page, _, err := r.spool.SearchEvents(t.Context(), spool.EventFilter{}, 10, "")
	if err != nil || len(page) != 1 || page[0].Count != 1100 || page[0].Sinks[0] != "archive" {
		t.Errorf("%+v %v", page, err)
	}
}

// fillCalls accepts so many calls that go nowhere.
func (r *rig) fillCalls(n int) {
	r.t.Helper()
	var senders sync.WaitGroup
	for i := range n {
		senders.Go(func() { r.accept(strconv.Itoa(1000 + i)) })
	}
	senders.Wait()
}
