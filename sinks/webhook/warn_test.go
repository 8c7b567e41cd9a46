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
