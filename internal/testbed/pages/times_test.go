package pages

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// localTimes: times are in the zone of the browser, with its offset and UTC in the
// title; what is typed into a filter is in that zone, too, and stays as it was typed.
func (b *tour) localTimes(t *testing.T) {
	b.inZone(t, "Asia/Tehran")
	defer b.inZone(t, "UTC")
	b.visit(t, "/calls")
	b.reads(t, "all times are in Asia/Tehran")
	const right = `[...document.querySelectorAll("time[data-clock]")].every((t) =>
		/^\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+03:30$/.test(t.textContent) && t.title.endsWith(" UTC") &&
		Date.parse(t.textContent) === Date.parse(t.dateTime) && Date.parse(t.title) === Date.parse(t.dateTime))
		&& document.querySelectorAll("time[data-clock]").length > 0`
	if !eval[bool](t, b.browser, right) {
		t.Errorf("times: %v", eval[[]string](t, b.browser, `[...document.querySelectorAll("time")].map((t) => t.outerHTML)`))
	}
	b.shoot(t, "calls-in-another-zone")

	b.do(t, chromedp.SetValue(chromedp.CSS(`input[name=since]`), "2026-01-31T09:30"))
	b.click(t, `main button.main`)
	b.comes(t, `location.search.includes("since=")`)
	b.reads(t, "dialer:9513923-101")
	if got := eval[string](t, b.browser, `new URLSearchParams(location.search).get("since")`); got != "2026-01-31T06:00:00.000Z" {
		t.Errorf("the server is asked for %s", got)
	}
	if got := eval[string](t, b.browser, `document.querySelector("input[name=since]").value`); got != "2026-01-31T09:30" {
		t.Errorf("the field says %s", got)
	}
}

// inZone sets the time zone of the browser.
func (b *tour) inZone(t *testing.T, name string) {
	t.Helper()
	b.do(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name})
		return err
	}))
}
