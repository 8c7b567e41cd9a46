package dashboard

import (
	"net/url"
	"strings"
)

// maxTrail bounds the pages that Newer goes back one by one; before them it goes to the
// first.
const maxTrail = 20

// trailMark parts the cursors of a trail; it is in none of them.
const trailMark = "~"

// nearby are the addresses of the pages around one of a list, empty where there is
// none. Cursors lead to older pages only: the address keeps those of the pages that
// came before, as a trail.
type nearby struct{ First, Newer, Older string }

// nearbyOf returns the pages around that of an address, with the cursor of the next
// one. Nothing leads back to an empty page.
func nearbyOf(here *url.URL, next string, empty bool) (n nearby) {
	q := here.Query()
	q.Del("said")
	q.Del("n")
	cursor := q.Get("cursor")
	trail := strings.FieldsFunc(q.Get("trail"), func(c rune) bool { return string(c) == trailMark })
	to := func(cursor string, trail []string) string {
		q.Del("cursor")
		q.Del("trail")
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		if len(trail) > 0 {
			q.Set("trail", strings.Join(trail[max(0, len(trail)-maxTrail):], trailMark))
		}
		return here.Path + "?" + q.Encode()
	}
	if cursor != "" {
		n.First, n.Newer = to("", nil), to("", nil)
		if last := len(trail) - 1; last >= 0 {
			n.Newer = to(trail[last], trail[:last])
		}
		if !empty {
			trail = append(trail, cursor)
		}
	}
	if next != "" {
		n.Older = to(next, trail)
	}
	return n
}
