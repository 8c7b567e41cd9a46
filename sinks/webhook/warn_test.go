package webhook_test

import (
	"strings"
	"testing"
)

func TestWarnOfABareSegmentInADelete(t *testing.T) {
	for yaml, want := range map[string]int{
		`{method: DELETE, url: "https://crm.example.com/contacts/${call.references.order_id}"}`:       1,
		`{method: DELETE, url: "https://crm.example.com/contacts/${call.references.order_id}/calls"}`: 1,
		`{method: DELETE, url: "https://crm.example.com/contacts/order-${call.references.order_id}"}`: 0,
		`{method: DELETE, url: "https://crm.example.com/contacts?id=${call.references.order_id}"}`:    0,
		`{method: PUT, url: "https://crm.example.com/contacts/${call.references.order_id}"}`:          0,
		`{method: DELETE, url: "https://crm.example.com/contacts"}`:                                   0,
	} {
		c, err := load([]byte(yaml))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		c.Warn(func(path, warning string) {
			if path == "url" && strings.Contains(warning, "DELETE") {
				n++
			}
		})
		if n != want {
			t.Errorf("%s: %d warnings, want %d", yaml, n, want)
		}
	}
}

func TestWarnOfCredentialsInTheClear(t *testing.T) {
	t.Setenv("CRM_KEY", "s3cret-value")
	for yaml, want := range map[string]int{
		`{url: "http://crm.example.com/"}`:                                         0,
		`{url: "http://crm.example.com/?source=cdrelay"}`:                          0,
		`{url: "http://crm.example.com/?source=cdrelay&api_key=s3cret-value"}`:     1,
		`{url: "http://crm.example.com/?token=s3cret-value&phone=${call.id}"}`:     1,
		`{url: "http://user:s3cret-value@crm.example.com/"}`:                       1,
		`{url: "http://crm.example.com/", query: {k: {env: CRM_KEY}}}`:             1,
		`{url: "http://crm.example.com/", query: {source: cdrelay}}`:               0,
		`{url: "http://crm.example.com/", body: {k: {env: CRM_KEY}}}`:              1,
		`{url: "http://crm.example.com/", headers: {Authorization: s3cret-value}}`: 1,
		`{url: "http://crm.example.com/", auth: {bearer: s3cret-value}}`:           1,
		`{url: "http://127.0.0.1/", auth: {bearer: s3cret-value}}`:                 0,
		`{url: "https://crm.example.com/", auth: {bearer: s3cret-value}}`:          0,
	} {
		c, err := load([]byte(yaml))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		c.Warn(func(_, warning string) {
			if strings.Contains(warning, "plain http") {
				n++
			}
		})
		if n != want {
			t.Errorf("%s: %d warnings, want %d", yaml, n, want)
		}
	}
}
