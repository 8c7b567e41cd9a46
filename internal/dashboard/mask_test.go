package dashboard_test

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestPageMasksAndStaysReadable: a number is hidden however it is spelled, in the
// facts as in the JSON; times, ids, accounts and amounts are not.
func TestPageMasksAndStaysReadable(t *testing.T) {
	r := newRig(t)
	r.seed()
	body := strings.NewReplacer(
		`"+`+customer+`"`, `"0813.5111.1451"`, `"userkey":"`, `"billmoney":"1234567.89","memberid":"8812345678","userkey":"ask +62 813-5111-1451 on 2026-11-20, `,
		`"companycode":"9513923"`, `"companycode":"9513923001"`,
	).Replace(callback("263056202", "callout", customer))
	record, err := convert([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if record.To.Number != "+"+customer || record.To.Raw != "0813.5111.1451" {
		t.Fatalf("%+v", record.To)
	}
	if _, err := r.spool.Accept(t.Context(), spool.Acceptance{Record: record, Content: call.ContentHash{7}, Route: to("crm")}); err != nil {
		t.Fatal(err)
	}
	r.until("the call is refused", func() bool { return r.state(record.ID) == "dead_letter" })
	page := html.UnescapeString(r.get("/calls/" + url.PathEscape(record.ID)).body)
	for _, hidden := range []string{"0813.5111.1451", "813-5111-1451", "5111", customer, caller} {
		if strings.Contains(page, hidden) {
			t.Errorf("the page shows %s", hidden)
		}
	}
	for _, shown := range []string{
		`<dd class="num">+62*********51</dd>`, `"number": "+62*********51"`, `"raw": "081*********51"`, `"destnumber": "081*********51"`, "no field phone for 628********51",
		"2026-11-20 17:31:13", "2026-11-20T09:31:13.000Z", record.ID, "9513923001", "1234567.89", "8812345678", "db4a44cc-aa72-11f0-ad78-1d7ff0749d07", "on 2026-11-20",
	} {
		if !strings.Contains(page, shown) {
			t.Errorf("the page does not show %s", shown)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}
