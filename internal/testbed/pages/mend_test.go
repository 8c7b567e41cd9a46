package pages

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestBrowserMends goes the way of the person on duty in the page: find a call by
// its number, see why its delivery failed, correct the sink's address in the
// file, reload, replay, and see it delivered. cmd/cdrelay/testdata/operate/mend.txtar
// does so by commands.
func TestBrowserMends(t *testing.T) {
	asked(t)
	wrong, right := newSink(t, 422), newSink(t, 200)
	s := serve(t, `
sinks: [{name: crm, webhook: {url: "`+wrong.URL+`/calls"}}]
rules: [{name: all, to: [crm]}]
`)
	s.post(callback("263056202", "callout", customer))
	s.until("the call is refused", func() bool { return s.state("dialer:9513923-263056202") == "dead_letter" })
	b := openBrowser(t, s.page)

	b.visit(t, "/")
	b.click(t, `nav a[href="/calls"]`)
	b.reads(t, "newest first")
	b.do(t, chromedp.SendKeys(chromedp.CSS(`input[name=number]`), "(0813) 5111-1451\r"))
	b.reads(t, "crm: dead letter")
	b.click(t, `a[href="/calls/dialer:9513923-263056202"]`)
	b.reads(t, "Dead letter: Refused by the sink")
	b.reads(t, "422 Unprocessable Entity")
	b.reads(t, "correct the sink's url")

	s.change(wrong.URL, right.URL)
	b.click(t, `nav a[href="/configuration"]`)
	b.reads(t, "as it is in use, without secrets")
	b.click(t, `form[action="/configuration/reload"] button`)
	b.reads(t, "The configuration was read again and is in use.")
	b.shoot(t, "mend-reloaded")
	if got := right.bodies(); len(got) != 0 {
		t.Fatalf("sent before it was replayed: %v", got)
	}

	b.click(t, `nav a[href="/dead-letters"]`)
	b.reads(t, "newest first")
	b.click(t, `td[data-name=What] a`)
	b.reads(t, "What to do")
	b.click(t, `main button.main`)
	b.reads(t, "1 dead letter put back")
	s.until("the call is delivered", func() bool { return len(right.bodies()) == 1 })
	if got := right.bodies()[0]; !strings.Contains(got, "dialer:9513923-263056202") {
		t.Errorf("the sink got %s", got)
	}
	if got := len(wrong.bodies()); got != 1 {
		t.Errorf("the old address got %d requests", got)
	}
	s.until("the delivery is kept", func() bool { return s.state("dialer:9513923-263056202") == "delivered" })
	b.visit(t, "/calls?number=1451")
	b.reads(t, "crm: delivered")
	b.click(t, `a[href="/calls/dialer:9513923-263056202"]`)
	b.reads(t, "Attempt delivered it")
	b.shoot(t, "mend-delivered")
}
