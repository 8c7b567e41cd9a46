package pages

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBrowserLanes: which sink fails since when and why, and why does a source bring
// nothing: the overview, the page of each sink and source, and a call that waits say so.
func TestBrowserLanes(t *testing.T) {
	asked(t)
	down, picky, well := newSink(t, http.StatusServiceUnavailable), newSink(t, http.StatusUnprocessableEntity), newSink(t, http.StatusOK)
	s := serve(t, fmt.Sprintf(`
sinks:
  - {name: crm, webhook: {url: "%s/calls", body: {phone: '${call.customer.number}', id: '${call.id}'}}, breaker: {open_for: 5m}, quick_tries: 0}
  - {name: warehouse, webhook: {url: "%s/calls"}}
  - {name: archive, webhook: {url: "%s/calls"}, rate: {per_second: 50}}
  - {name: later, webhook: {url: "%[3]s/later"}}
rules: [{name: all, to: [crm, warehouse, archive, later]}]
`, down.URL, picky.URL, well.URL))
	b := &tour{site: s}
	for i := range 8 {
		s.post(callback(fmt.Sprint(200+i), "callout", customer))
	}
	s.postGarbage(`{"destnumber":"` + customer + `"`)
	resp, err := client.Post(s.public+"/callbacks/dialer?key=a-guess", "application/json", strings.NewReader("{}"))
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatal(resp.Status, err)
	}
	b.browser = openBrowser(t, s.page)
	b.visit(t, "/")
	b.click(t, `button[aria-label="Pause later"]`)
	b.reads(t, "The sink is paused until you resume it")
	s.post(callback("300", "callout", customer))

	b.comes(t, `document.body.innerText.includes("Breaker open") && document.body.innerText.includes("Refuses every call")`)
	b.reads(t, "503 Service Unavailable")
	b.click(t, `a[href="/sinks/crm"]`)
	b.reads(t, "Breaker open: 503 Service Unavailable")
	b.reads(t, "9 wait")
	b.reads(t, "POST "+down.URL+"/calls")
	b.reads(t, "X-Request-Id: r-1")
	b.reads(t, "unwell")
	if text := eval[string](t, b.browser, `document.body.innerText`); strings.Contains(text, customer) || strings.Contains(text, customer[2:]) {
		t.Error("the page of the sink shows the number")
	}
	b.staysTyped(t)
	b.click(t, `main form button`)
	b.reads(t, "Paused by an operator: the CRM moves")
	b.click(t, `main form button`)
	b.reads(t, "The sink is resumed")
	if at := eval[string](t, b.browser, `location.pathname`); at != "/sinks/crm" {
		t.Errorf("after the click: %s", at)
	}
	b.visit(t, "/sinks/warehouse")
	b.reads(t, "Refuses every call: 422 Unprocessable Entity")
	b.click(t, `a[href="/dead-letters?sink=warehouse&reason=rejected"]`)
	b.reads(t, "Refused by the sink")
	b.visit(t, "/calls/dialer:9513923-300")
	b.reads(t, "Waits: breaker open")
	b.reads(t, "Last failure: 503 Service Unavailable")
	b.click(t, `.timeline a[href="/sinks/archive"]`)
	b.reads(t, "100 %")
	b.visit(t, "/")
	b.click(t, `a[href="/sources/dialer"]`)
	b.reads(t, "credentials are wrong")
	b.reads(t, "127.0.0.1")
	b.copies(t)
	b.click(t, `a[aria-label^="Dead letter"]`)
	b.reads(t, "Could not be understood")
	b.pictures(t)
}

// staysTyped: what is typed stays where the page refreshes by itself, although the
// reader looks elsewhere.
func (b *tour) staysTyped(t *testing.T) {
	t.Helper()
	eval[bool](t, b.browser, `document.querySelector("[data-live] input[name=reason]").dataset.mine = "yes"; true`)
	b.do(t, chromedp.SendKeys(chromedp.CSS(`input[name=reason]`), "the CRM moves"))
	eval[bool](t, b.browser, `document.activeElement.blur(); true`)
	<-time.After(6 * time.Second)
	if got := eval[string](t, b.browser, `document.querySelector("input[name=reason][data-mine]")?.value ?? "gone"`); got != "the CRM moves" {
		t.Errorf("typed, and after a refresh: %s", got)
	}
}

// copies: a click on the button copies the test callback; without a clipboard too.
func (b *tour) copies(t *testing.T) {
	t.Helper()
	want := `curl -sS "` + b.public + `/callbacks/dialer?key=$SECRET"`
	for kind, script := range map[string]string{
		"clipboard": `navigator.clipboard.writeText = async (text) => { window.copied = text; }; true`,
		"selection": `Object.defineProperty(navigator, "clipboard", {value: undefined});
			document.addEventListener("copy", () => { window.copied = document.activeElement.value; }); true`,
	} {
		b.visit(t, "/sources/dialer")
		eval[bool](t, b.browser, script)
		b.click(t, `[data-copy]`)
		b.reads(t, "Copied")
		if got := eval[string](t, b.browser, `window.copied`); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

// pictures are of the pages of sinks and sources, which are not wider than the window,
// and readable for everybody.
func (b *tour) pictures(t *testing.T) {
	t.Helper()
	axe, _ := os.ReadFile(axeFile)
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1400, 390} {
			b.look(t, width, scheme)
			for name, path := range map[string]string{
				"overview": "/", "sink-open": "/sinks/crm", "sink-refuses": "/sinks/warehouse", "sink-well": "/sinks/archive", "sink-paused": "/sinks/later",
				"source": "/sources/dialer", "source-silent": "/sources/nxlink", "call-waits": "/calls/dialer:9513923-300",
			} {
				b.visit(t, path)
				b.reads(t, "all times are in ")
				b.shoot(t, fmt.Sprintf("lanes-%s-%d-%s", name, width, scheme))
				if wide := eval[int](t, b.browser, `document.documentElement.scrollWidth`); wide > int(width) {
					t.Errorf("%s, %d: the page is %d wide", name, width, wide)
				}
				b.check(t, name+", "+scheme, axe)
			}
		}
	}
}
