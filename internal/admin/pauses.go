package admin

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// sinkPause is the answer to a pause or a resume.
type sinkPause struct {
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
}

func (a *api) pause(w http.ResponseWriter, r *http.Request) {
	a.setPause(w, r, spool.Pause{By: spool.ByOperator})
}

// resume ends an operator's pause, and one that the sink asked for too.
func (a *api) resume(w http.ResponseWriter, r *http.Request) { a.setPause(w, r, spool.Pause{}) }

func (a *api) setPause(w http.ResponseWriter, r *http.Request, p spool.Pause) {
	if !a.noBody(w, r) {
		return
	}
	out := sinkPause{Name: r.PathValue("name"), Paused: p.By == spool.ByOperator}
	if err := a.Store.SetPause(out.Name, p); err != nil {
		a.fail(w, r, err)
		return
	}
	a.Log.InfoContext(r.Context(), "an operator changed the pause of a sink", "via", via, "sink", out.Name, "paused", out.Paused)
	writeJSON(w, out)
}
