package admin

import (
	"encoding/json"
	"net/http"

	"github.com/cdrelay/cdrelay/internal/problem"
)

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
	if a.Explain == nil {
		problem.Write(w, http.StatusNotFound, "this server does not explain callbacks")
		return
	}
	body := []byte(callback)
	if text := ""; json.Unmarshal(callback, &text) == nil {
		body = []byte(text) // as it was posted: a form, or JSON that is damaged
	}
	out, err := a.Explain(r.Context(), source, body)
	if err != nil {
		problem.Write(w, http.StatusNotFound, err.Error())
		return
	}
	writeJSON(w, out)
}
