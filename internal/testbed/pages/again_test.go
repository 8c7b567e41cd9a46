package pages

import (
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestBrowserSendsAgain: the CRM lost an afternoon, and three clicks send it again: the
// calls, the button beside the filter, and the confirmation. Who did it is with the
// call, and who paused the sink is one click from the overview.
func TestBrowserSendsAgain(t *testing.T) {
	asked(t)
	crm := newSink(t, 200)
	s := serve(t, `
sinks: [{name: crm, webhook: {url: "`+crm.URL+`/calls"}}, {name: archive, webhook: {url: "`+crm.URL+`/archive"}}]
rules: [{name: all calls to the CRM, to: [crm]}]
`)
	for _, id := range []string{"100", "101", "102"} {
		s.post(callback(id, "callout", customer))
		s.until("the call is delivered", func() bool { return s.state("dialer:9513923-"+id) == "delivered" })
	}
	b := openBrowser(t, s.page)

	b.visit(t, "/")
	b.click(t, `nav a[href="/calls"]`)
	b.reads(t, "newest first")
	yesterday := time.Now().Add(-24 * time.Hour).UTC().Format("2006-01-02T15:04")
	b.do(t, chromedp.SetValue(chromedp.CSS(`select[name=sink]`), "crm"), chromedp.SetValue(chromedp.CSS(`input[name=since]`), yesterday))
	b.click(t, `button[formaction="/calls/resend"]`)
	b.reads(t, "Send 3 calls again?")
	b.shoot(t, "send-again-asked")
	if !eval[bool](t, b, `document.querySelector("input[name=to][value=crm]").checked && !document.querySelector("input[name=to][value=archive]").checked`) {
		t.Error("the sink of the filter, and no other, is not ticked")
	}
	b.click(t, `main button.main`)
	b.reads(t, "3 sent again")
	s.until("all are sent again", func() bool { return len(crm.bodies()) == 6 })

	b.visit(t, "/calls/dialer:9513923-101")
	b.reads(t, "Sent again")
	b.reads(t, "Rules that matched: all calls to the CRM")
	b.reads(t, "Other calls of this number")
	b.shoot(t, "send-again-call")

	b.visit(t, "/sinks/crm")
	b.do(t, chromedp.SetValue(chromedp.CSS(`input[name=for]`), "2h"), chromedp.SetValue(chromedp.CSS(`input[name=reason]`), "the CRM moves"))
	b.click(t, `form[action="/sinks/crm/pause"] button`)
	b.reads(t, "Paused by an operator: the CRM moves")
	if p := s.app.Spool().PauseOf("crm"); p.By != spool.ByOperator || p.Endless() || p.Reason != "the CRM moves" {
		t.Errorf("the pause: %+v", p)
	}
	b.visit(t, "/")
	b.click(t, `a[aria-label="Who paused crm"]`)
	b.reads(t, "Sink paused")
	b.reads(t, "the CRM moves")
	b.shoot(t, "events")
	for _, width := range []int64{1200, 360} {
		b.look(t, width, "dark")
		for _, path := range []string{"/events", "/calls/dialer:9513923-101", "/sinks/crm"} {
			b.visit(t, path)
			if wide := eval[int](t, b, `document.documentElement.scrollWidth`); wide > int(width) {
				t.Errorf("%s is %d wide at %d", path, wide, width)
			}
		}
		b.visit(t, "/events")
		b.shoot(t, "events-dark")
	}
}

// TestBrowserGoesOnWithALargeResend: part after part, by itself.
func TestBrowserGoesOnWithALargeResend(t *testing.T) {
	asked(t)
	crm := newSink(t, 200)
	s := serve(t, `
sinks: [{name: crm, webhook: {url: "`+crm.URL+`/calls"}}]
rules: [{name: nobody, stop: true}]
`)
	for i := range 1200 {
		s.post(callback(strconv.Itoa(1000+i), "callout", customer))
	}
	b := openBrowser(t, s.page)
	b.visit(t, "/calls")
	b.click(t, `button[formaction="/calls/resend"]`)
	b.reads(t, "calls again?")
	b.click(t, `input[name=to]`)
	b.click(t, `main button.main`)
	b.reads(t, "1200 sent again")
	s.until("all are sent", func() bool { return len(crm.bodies()) == 1200 })
}
