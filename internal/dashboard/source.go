package dashboard

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// sourcePage shows one source: what came lately, what was refused and why, and a
// callback to try it with.
type sourcePage struct {
	frame
	operate.Source
	Windows []windowRow
}

func (b *Dashboard) source(w http.ResponseWriter, r *http.Request) error {
	s, err := b.Operate.Source(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	p := sourcePage{frame: b.frame(r, "Source "+s.Name), Source: s, Windows: windowsOf(s.Recent)}
	if p.failed != nil {
		return p.failed
	}
	return b.render(w, http.StatusOK, "source", p)
}
