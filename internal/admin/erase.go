package admin

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// erasure is the answer to an erase.
type erasure struct {
	DryRun bool `json:"dry_run"`
	// Number is the number as it was understood, E.164 or digits.
	Number string `json:"number"`
	spool.Erased
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
	forms, err := a.NumberForms(number)
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	out := erasure{DryRun: dry, Number: forms.E164}
	if out.Number == "" && len(forms.Digits) > 0 {
		out.Number = forms.Digits[0]
	}
	unhurried(w)
	out.Erased, err = a.Store.Erase(r.Context(), forms, dry)
	if !dry {
		a.Log.InfoContext(r.Context(), "an operator erased a number", "via", via, "number", call.Mask(out.Number),
			"calls", out.Calls, "dead_letters", out.DeadLetters, "in_flight", len(out.InFlight), "residue", out.Residue, "complete", err == nil)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, out)
}
