package dashboard_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// link returns the address behind the words of a link; empty where there is none.
func (a answer) link(words string) string {
	m := regexp.MustCompile(`href="([^"]*)"[^>]*>` + regexp.QuoteMeta(words)).FindStringSubmatch(a.body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// form returns what the form with a text sends.
func (a answer) form(with string) url.Values {
	out := url.Values{}
	for part := range strings.SplitSeq(a.body, "<form ") {
		if !strings.Contains(part, with) {
			continue
		}
		for _, m := range regexp.MustCompile(`<input [^>]*name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(part, -1) {
			out.Set(m[1], html.UnescapeString(m[2]))
		}
	}
	return out
}

// ids returns the calls of a list.
func (a answer) ids() string {
	var out []string
	for _, m := range regexp.MustCompile(`data-copy="dialer:9513923-([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		out = append(out, m[1])
	}
	return strings.Join(out, " ")
}

// TestNewerGoesBackAsOlderCame, with the filter, also beyond the pages that an address
// remembers: then to the first one.
func TestNewerGoesBackAsOlderCame(t *testing.T) {
	r := newRig(t)
	const full = 25
	for i := range full*50 + 7 {
		r.accept(strconv.Itoa(1000 + i))
	}
	a := r.get("/calls?source=dialer&numbers=show")
	pages := []string{a.ids()}
	for a.link("Older") != "" {
		a = r.get(a.link("Older"))
		pages = append(pages, a.ids())
	}
	if len(pages) != full+1 || a.link("First page") != "/calls?numbers=show&source=dialer" {
		t.Fatalf("%d pages, the first is %s", len(pages), a.link("First page"))
	}
	for i := full - 1; i >= full-20; i-- {
		if a = r.get(a.link("Newer")); a.ids() != pages[i] {
			t.Fatalf("page %d is not what it was", i)
		}
	}
	for a.link("Newer") != "" {
		a = r.get(a.link("Newer"))
	}
	if a.ids() != pages[0] || a.link("First page") != "" {
		t.Error("Newer does not end at the first page")
	}
}

// TestANumberLeadsToItsCalls: the address holds the number only where it is shown.
func TestANumberLeadsToItsCalls(t *testing.T) {
	r := newRig(t)
	r.accept("1", "archive")
	r.accept("2")
	for suffix, want := range map[string]string{"": "/calls?end=to&of=dialer%3A9513923-2", "?numbers=show": "/calls?number=%2B" + customer + "&numbers=show"} {
		a := r.get("/calls" + suffix)
		links := regexp.MustCompile(`data-name="To" class="num"><a href="([^"]*)">`).FindStringSubmatch(a.body)
		if links == nil || html.UnescapeString(links[1]) != want {
			t.Fatalf("%q: %v, want %s", suffix, links, want)
		}
		if got := r.get(want); got.ids() != "2 1" {
			t.Errorf("%s lists %q", want, got.ids())
		}
	}
	of := "/calls?end=to&of=dialer%3A9513923-2"
	if a := r.get(of + "&sink=archive"); a.ids() != "1" || !strings.Contains(a.body, `name="of" value="dialer:9513923-2"`) || strings.Contains(a.body, customer) {
		t.Errorf("filtered: %q", a.ids())
	}
	if a := r.get(of + "&number=99999"); a.ids() != "" || !strings.Contains(a.body, "<h1>Calls</h1>") {
		t.Error("a number that is typed does not count")
	}
	if a := r.post("/calls/resend", url.Values{"of": {"dialer:9513923-2"}, "end": {"to"}}); !strings.Contains(a.body, "Send 2 calls again?") || a.form("confirmed").Get("of") != "dialer:9513923-2" || strings.Contains(a.body, customer) {
		t.Errorf("sent again: %s", a.body)
	}
	for _, path := range []string{"/calls", "/calls/resend"} { // never all calls in their place
		if a := r.do(map[string]string{"/calls": http.MethodGet, "/calls/resend": http.MethodPost}[path], path+"?of=none", url.Values{"of": {"none"}}); a.status != http.StatusNotFound {
			t.Errorf("%s of a call that is not there: %d", path, a.status)
		}
	}
	if a := r.get("/calls?end=to&of=none"); a.status != http.StatusNotFound {
		t.Errorf("of a call that is not there: %d", a.status)
	}
}

func TestCallsByWhatBecameOfThem(t *testing.T) {
	r := newRig(t)
	r.seed()
	for query, want := range map[string]string{
		"?state=dead": "101", "?state=waiting": "102", "?sink=crm": "101 100", "?sink=crm&state=delivered": "100", "?direction=outbound": "103 102 101 100",
		"?direction=inbound": "", "?agent=801": "103 102 101 100", "?agent=802": "", "?account=9513923": "103 102 101 100",
	} {
		if a := r.get("/calls" + query); a.ids() != want {
			t.Errorf("%s: %q, want %q", query, a.ids(), want)
		}
	}
	if a := r.get("/calls?state=held"); a.status != http.StatusBadRequest || !strings.Contains(a.body, "[waiting delivered dead superseded]") {
		t.Errorf("a misspelt state: %d", a.status)
	}
	if body := r.get("/calls?agent=801").body; !strings.Contains(body, `<details class="more" open>`) {
		t.Error("a filter that is used is folded away")
	}
}

// TestOnlyTheNewestCallsAreLive: an older page does not change under the reader.
func TestOnlyTheNewestCallsAreLive(t *testing.T) {
	r := newRig(t)
	for i := range 51 {
		r.accept(strconv.Itoa(100 + i))
	}
	a := r.get("/calls")
	if !strings.Contains(a.body, " data-live>") || strings.Contains(r.get(a.link("Older")).body, "data-live") {
		t.Error("not the first page alone is live")
	}
}

func TestManyDeliveriesHaveOneLine(t *testing.T) {
	r := newRig(t)
	r.accept("1", "crm", "archive", "third", "fourth")
	r.until("refused", func() bool { return strings.Contains(r.get("/calls").body, "crm: dead letter") })
	if body := r.get("/calls").body; !strings.Contains(body, ">+3<") || strings.Contains(body, "</span><span class=\"pill\" data-tone=\"wait\">") {
		t.Error("the deliveries that have no room are not told")
	}
}

// TestGroups: a group lists what it counts, and one click asks for its replay.
func TestGroups(t *testing.T) {
	r := newRig(t)
	r.seed()
	a := r.get("/dead-letters/groups")
	for _, want := range []string{"422 Unprocessable Entity", "line #: the object ends before its brace", "Replay 1 dead letters of crm"} {
		if !strings.Contains(html.UnescapeString(a.body), want) {
			t.Errorf("the groups do not say %q", want)
		}
	}
	if list := r.get(a.link("Refused by the sink")); strings.Count(list.body, `name="id"`) != 1 || !strings.Contains(list.body, "dialer:9513923-101") {
		t.Errorf("the group lists something else: %s", a.link("Refused by the sink"))
	}
	form := a.form("Replay 1 dead letters of crm")
	if q := r.post("/dead-letters/replay", form); !strings.Contains(q.body, "Replay 1 dead letter?") || !strings.Contains(q.body, "Answer:") {
		t.Errorf("no question about the group %v", form)
	}
	if none := r.get("/dead-letters/groups?number=99999"); !strings.Contains(none.body, "No dead letter matches") {
		t.Error("a filter does not count")
	}
}

func TestDeadLettersOfANumber(t *testing.T) {
	r := newRig(t)
	r.seed()
	a := r.get("/dead-letters?number=0813-5111-1451")
	if strings.Count(a.body, `name="id"`) != 2 || !strings.Contains(a.body, "ext. 801") || !strings.Contains(html.UnescapeString(a.body), "+62*********51") {
		t.Errorf("not whose calls they were: %s", a.body)
	}
	if a := r.get("/dead-letters?number=x"); a.status != http.StatusBadRequest {
		t.Errorf("no number: %d", a.status)
	}
}

// TestEdit: a masked callback cannot be edited; what is wrong is told, and what was
// typed stays.
func TestEdit(t *testing.T) {
	r := newRig(t)
	r.seed()
	id := r.letterOf(spool.LetterFilter{Stage: spool.StageIntake})
	path := "/dead-letters/" + id
	if a := r.get(path); strings.Contains(a.body, "<textarea") || a.link("Show numbers and correct it") != path+"?numbers=show#edit" {
		t.Errorf("masked: %s", a.body)
	}
	if a := r.get(path + "?numbers=show"); !strings.Contains(html.UnescapeString(a.body), "<textarea") || !strings.Contains(html.UnescapeString(a.body), `>`+"\n"+`{"destnumber":"`+customer+`"</textarea>`) {
		t.Errorf("shown: %s", a.body)
	}
	if a := r.get("/dead-letters/" + r.letterOf(spool.LetterFilter{Stage: spool.StageDelivery}) + "?numbers=show"); strings.Contains(a.body, "<textarea") {
		t.Error("a delivery can be edited")
	}
	a := r.post(path+"/edit?numbers=show", url.Values{"body": {"<b>still wrong"}})
	if !strings.Contains(a.body, "It still cannot be taken: ") || !strings.Contains(a.body, "\n&lt;b&gt;still wrong</textarea>") {
		t.Errorf("wrong again: %s", a.body)
	}
	r.mended.Store(true)
	a = r.post(path+"/edit?numbers=show", url.Values{"body": {callback("99", "callout", customer)}})
	if a.at.Path != "/calls" || !strings.Contains(a.body, "taken as it was received then") || !strings.HasPrefix(a.ids(), "99 ") {
		t.Errorf("taken: at %s, %s", a.at, a.ids())
	}
	if a := r.post(path+"/edit", url.Values{"body": {"{}"}}); a.status != http.StatusNotFound {
		t.Errorf("again: %d", a.status)
	}
}
