package admin

import (
	"encoding/json"
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/problem"
)

func (a *api) status(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Status(r.Context())
	a.answer(w, r, out, err)
}

func (a *api) pause(w http.ResponseWriter, r *http.Request) {
	var p operate.PauseRequest
	if a.mayRead(
		w, r,
		field{"for", &p.For, "a text such as 30m, 2h or 1d", false},
		field{"reason", &p.Reason, "a text", false},
	) {
		out, err := a.Operate.Pause(r.Context(), r.PathValue("name"), p)
		a.answer(w, r, out, err)
	}
}

func (a *api) resume(w http.ResponseWriter, r *http.Request) {
	if a.noBody(w, r) {
		out, err := a.Operate.Resume(r.Context(), r.PathValue("name"))
		a.answer(w, r, out, err)
	}
}

// test sends a sample call to a sink, which takes as long as the sink lets it.
func (a *api) test(w http.ResponseWriter, r *http.Request) {
	if a.noBody(w, r) {
		unhurried(w)
		out, err := a.Operate.Test(r.Context(), r.PathValue("name"))
		a.answer(w, r, out, err)
	}
}

// explain says what would become of a callback; nothing is kept or sent.
func (a *api) explain(w http.ResponseWriter, r *http.Request) {
	var source string
	var callback json.RawMessage
	if !a.read(
		w, r,
		field{"source", &source, "the name of a source", true},
		field{"callback", &callback, "the callback: a JSON object, or its body as text", true},
	) {
		return
	}
	if !a.Operate.Explains() {
		problem.Write(w, http.StatusNotFound, "this server does not explain callbacks")
		return
	}
	out, err := a.Operate.Explain(r.Context(), source, textOf(callback))
	if err != nil {
		problem.Write(w, http.StatusNotFound, err.Error())
		return
	}
	writeJSON(w, out)
}

func (a *api) reload(w http.ResponseWriter, r *http.Request) {
	if !a.noBody(w, r) {
		return
	}
	if a.Reload == nil {
		problem.Write(w, http.StatusNotFound, "this server has no configuration file to read again")
		return
	}
	if err := a.Reload(r.Context()); err != nil {
		problem.Write(w, http.StatusUnprocessableEntity, "the configuration was not changed: "+err.Error())
		return
	}
	writeJSON(w, struct {
		Status string `json:"status"`
	}{"reloaded"})
}
