package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cdrelay/cdrelay/internal/browsertest"
)

// TestBrowserMends goes the way of the person on duty in the page: find a call by
// its number, see why its delivery failed, correct the sink's address in the
// file, reload, replay, and see it delivered. testdata/operate/mend.txtar does so
// by commands. `make browser` runs it.
func TestBrowserMends(t *testing.T) {
	browsertest.Asked(t)
	wrong, right := newSink(t, always(422)), newSink(t, always(200))
	config := configure(t, `
sinks: [{name: crm, webhook: {url: "%s/calls"}}]
rules: [{name: all, to: [crm]}]
`, wrong.URL)
	s := start(t, config)
	if status, body := s.post(dialer, callback(t, "infin8linx-call.json")); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	eventually(t, "the call is refused", func() bool {
		_, body := s.get("/api/v1/dead-letters")
		return strings.Contains(body, `"rejected"`)
	})
	b := browsertest.Open(t, s.admin)

	b.Visit(t, "/")
	b.Click(t, `nav a[href="/calls"]`)
	b.Reads(t, "newest first")
	b.Do(t, chromedp.SendKeys(chromedp.CSS(`input[name=number]`), "(0813) 5111-1451\r"))
	b.Reads(t, "crm: dead letter")
	b.Click(t, `a[href="/calls/dialer:9513923-263056202"]`)
	b.Reads(t, "Dead letter: Refused by the sink")
	b.Reads(t, "422 Unprocessable Entity")
	b.Reads(t, "correct the sink's url")

	change(t, config, wrong.URL, right.URL)
	b.Click(t, `nav a[href="/configuration"]`)
	b.Reads(t, "as it is in use, without secrets")
	b.Click(t, `form[action="/configuration/reload"] button`)
	b.Reads(t, "The configuration was read again and is in use.")
	b.Shoot(t, "mend-reloaded")
	if got := right.got(); len(got) != 0 {
		t.Fatalf("sent before it was replayed: %v", got)
	}

	b.Click(t, `nav a[href="/dead-letters"]`)
	b.Reads(t, "newest first")
	b.Click(t, `td[data-name=What] a`)
	b.Reads(t, "What to do")
	b.Click(t, `main button.main`)
	b.Reads(t, "1 dead letter put back")
	eventually(t, "the call is delivered", func() bool { return len(right.got()) == 1 })
	if got := right.got()[0]; !strings.Contains(got, "dialer:9513923-263056202") {
		t.Errorf("the sink got %s", got)
	}
	if got := len(wrong.got()); got != 1 {
		t.Errorf("the old address got %d requests", got)
	}
	eventually(t, "the delivery is kept", func() bool {
		_, body := s.get("/api/v1/calls/dialer:9513923-263056202")
		return strings.Contains(body, `"state":"delivered"`)
	})
	b.Visit(t, "/calls?number=1451")
	b.Reads(t, "crm: delivered")
	b.Click(t, `a[href="/calls/dialer:9513923-263056202"]`)
	b.Reads(t, "Attempt delivered it")
	b.Shoot(t, "mend-delivered")
}
