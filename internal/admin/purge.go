package admin

import (
	"net/http"
	"strings"

	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// purged is the answer to a purge.
type purged struct {
	selected
	Purged int `json:"purged"`
}

func (a *api) purge(w http.ResponseWriter, r *http.Request) {
	sel := &selection{}
	if !a.read(w, r, sel.fields()...) {
		return
	}
	if err := sel.check(); err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	unhurried(w)
	out := purged{selected: newSelected(sel)}
	var err error
	out.Missing, out.NextCursor, err = sel.letters(r.Context(), a.Store, func(page []spool.DeadLetter) error {
		out.count(page)
		if sel.dryRun || len(page) == 0 {
			return r.Context().Err()
		}
		n, err := a.Store.Purge(idsOf(page))
		out.Purged += n
		return err
	})
	if !sel.dryRun {
		a.Log.InfoContext(r.Context(), "an operator purged dead letters", "via", via, "purged", out.Purged, "complete", err == nil)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, out)
}

// clip bounds a reason that may quote a body.
func clip(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxNote)], "")
}
