package admin

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
)

func (a *api) calls(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	q.only(append(operate.CallFilterNames(), "since", "until", "limit", "cursor")...)
	f := operate.CallFilterOf(q.Get)
	f.Since, f.Until = q.time("since"), q.time("until")
	limit := q.limit()
	q.check(operate.CheckCalls(f))
	if q.answered(w) {
		return
	}
	page, err := a.Operate.Calls(r.Context(), f, limit, q.Get("cursor"))
	a.answer(w, r, page, err)
}

func (a *api) call(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Call(r.Context(), r.PathValue("id"))
	a.answer(w, r, out, err)
}

func (a *api) resend(w http.ResponseWriter, r *http.Request) {
	var sinks []string
	if !a.read(w, r, field{"sinks", &sinks, "a list of names of sinks", true}) {
		return
	}
	out, err := a.Operate.Resend(r.Context(), r.PathValue("id"), sinks)
	a.answer(w, r, out, err)
}

func (a *api) erase(w http.ResponseWriter, r *http.Request) {
	var number string
	var dry bool
	if !a.read(
		w, r,
		field{"number", &number, "a telephone number as text", true},
		field{"dry_run", &dry, "true or false", false},
	) {
		return
	}
	unhurried(w)
	out, err := a.Operate.Erase(r.Context(), number, dry)
	a.answer(w, r, out, err)
}
