package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// pageSize is how many lines a list shows at once.
const pageSize = 50

// callsPage lists calls.
type callsPage struct {
	frame
	Filter struct{ Number, Source, Outcome, Since, Until string }
	Names  []string // of sources
	Kinds  []call.Outcome
	Calls  []callRow
	// First and Next are the addresses of other pages of the list, empty where
	// there is none.
	First, Next string
}

// callRow is one call of the list.
type callRow struct {
	operate.CallItem
	Call call.Record
}

func (b *Dashboard) calls(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := callsPage{frame: b.frame(r, "Calls"), Kinds: call.Outcomes()}
	for _, s := range p.Status.Sources {
		p.Names = append(p.Names, s.Name)
	}
	f := &p.Filter
	f.Number, f.Source, f.Outcome, f.Since, f.Until = q.Get("number"), q.Get("source"), q.Get("outcome"), q.Get("since"), q.Get("until")
	filter := operate.CallFilterOf(q.Get)
	var err error
	if filter.Since, filter.Until, err = b.between(q); err != nil {
		return err
	}
	found, err := b.search(r.Context(), filter, q.Get("cursor"))
	if err != nil {
		return err
	}
	for _, c := range found.Items {
		row := callRow{CallItem: c}
		if c.Record != nil { // a damaged one is shown by its id
			row.Call = *c.Record
		}
		p.Calls = append(p.Calls, row)
	}
	p.First, p.Next = pages(r.URL, found.NextCursor)
	return b.render(w, http.StatusOK, "calls", p)
}

// lookOn is how long a page is looked for that has something on it.
const lookOn = time.Second

// search returns a page of calls. A store returns an empty one where a filter passes
// over many; then it looks on for a while, so that nobody has to click through
// empty pages.
func (b *Dashboard) search(ctx context.Context, f operate.CallFilter, cursor string) (page operate.Page[operate.CallItem], err error) {
	for end := time.Now().Add(lookOn); ; cursor = page.NextCursor {
		page, err = b.Operate.Calls(ctx, f, pageSize, cursor)
		if err != nil || len(page.Items) > 0 || page.NextCursor == "" || time.Now().After(end) {
			return page, err
		}
	}
}

// pages returns the addresses of the first and the next page of a list.
func pages(here *url.URL, next string) (first, following string) {
	q := here.Query()
	q.Del("said")
	q.Del("n")
	if q.Has("cursor") {
		q.Del("cursor")
		first = here.Path + "?" + q.Encode()
	}
	if next != "" {
		q.Set("cursor", next)
		following = here.Path + "?" + q.Encode()
	}
	return first, following
}

// Party is the best form of an address, masked unless numbers are shown.
func (f frame) Party(p call.Party) string {
	switch {
	case p.Number != "":
		return f.Number(p.Number)
	case p.SIP != "":
		return f.Number(p.SIP)
	case p.Raw != "":
		return f.Number(p.Raw)
	case p.Extension != "":
		return "ext. " + p.Extension
	default:
		return "unknown"
	}
}
