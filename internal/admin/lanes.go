package admin

import "net/http"

func (a *api) sinks(w http.ResponseWriter, r *http.Request) {
	page, err := a.Operate.Sinks(r.Context())
	a.answer(w, r, page, err)
}

func (a *api) sink(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Sink(r.Context(), r.PathValue("name"))
	a.answer(w, r, out, err)
}

func (a *api) sources(w http.ResponseWriter, r *http.Request) {
	page, err := a.Operate.Sources(r.Context())
	a.answer(w, r, page, err)
}

func (a *api) source(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Source(r.Context(), r.PathValue("name"))
	a.answer(w, r, out, err)
}
