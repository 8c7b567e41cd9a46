package pages

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestBrowserSlow: which sink is slow, and since when? The overview names it, and one click
// shows five minutes, an hour and a day. `cdrelay sinks list` and `sinks show` say the same.
func TestBrowserSlow(t *testing.T) {
	asked(t)
	const slow = 300 * time.Millisecond
	quick := newSink(t, http.StatusOK)
	tired := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(tired.Close)
	s := serve(t, fmt.Sprintf(`
sinks: [{name: crm, webhook: {url: "%s/calls"}}, {name: warehouse, webhook: {url: "%s/calls"}}]
rules: [{name: all, to: [crm, warehouse]}]
`, quick.URL, tired.URL))
	for i := range 4 {
		s.post(callback(fmt.Sprint(100+i), "callout", customer))
	}
	b := openBrowser(t, s.page)
	b.visit(t, "/")
	// millis reads a latency such as "310 ms" or "1.2 s"
	const millis = `const millis = (text) => parseFloat(text) * (/\d\s*ms/.test(text) ? 1 : 1000);
		const within = (sink) => document.querySelector('a[href="/sinks/' + sink + '"]')?.closest("tr")?.innerText.match(/95 % in ([\d.]+\s*m?s)/)?.[1] ?? "0 ms";`
	b.comes(t, fmt.Sprintf(`(() => { %s return millis(within("warehouse")) >= %d && millis(within("crm")) < millis(within("warehouse")); })()`, millis, slow.Milliseconds()))
	b.shoot(t, "slow-overview")
	b.click(t, `a[href="/sinks/warehouse"]`)
	b.comes(t, fmt.Sprintf(`(() => { %s const rows = [...document.querySelectorAll("table.windows tbody tr")];
		return rows.length === 3 && rows.every((r) => r.querySelector("time")?.dateTime && millis(r.querySelector('[data-name="Half within"]').textContent) >= %d); })()`, millis, slow.Milliseconds()*4/5))
	b.shoot(t, "slow-sink")
}
