package admin

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
)

func (a *api) events(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	q.only("call", "sink", "since", "until", "limit", "cursor")
	f := operate.EventFilter{CallID: q.Get("call"), Sink: q.Get("sink"), Since: q.time("since"), Until: q.time("until")}
	limit := q.limit()
	if q.answered(w) {
		return
	}
	page, err := a.Operate.Events(r.Context(), f, limit, q.Get("cursor"))
	a.answer(w, r, page, err)
}
