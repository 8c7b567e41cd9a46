package dashboard

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/cdrelay/cdrelay/internal/operate"
)

const (
	// maxSelected bounds what can be ticked.
	maxSelected = 500
	// redressMax is how many dead letters one click does: an answer must come in time.
	redressMax = 20_000
)

// selection is what a form selects: ids, or all that match a filter.
type selection struct {
	operate.Selection
	All    bool
	Fields letterFields
}

func (b *Dashboard) readSelection(form url.Values) (selection, error) {
	s := selection{All: form.Get("all") == "yes", Fields: letterFieldsOf(form)}
	if !s.All {
		s.IDs = form["id"]
		if len(s.IDs) > maxSelected {
			return s, &person{http.StatusBadRequest, "Too many are selected.", "Narrow the filter and use the button for all that match."}
		}
		return s, nil
	}
	f, err := b.filter(s.Fields)
	s.Filter, s.Limit = &f, redressMax
	return s, err
}

func (s selection) empty() bool { return !s.All && len(s.IDs) == 0 }

// confirmPage asks before something that cannot be taken back, or that is large.
type confirmPage struct {
	frame
	selection
	Purge bool
	Count int
	// More is set where there are more than one click does.
	More bool
}

// replay puts what is selected back into its lanes. A selection by ids is done
// at once: it can do no harm twice. All that match are confirmed first.
func (b *Dashboard) replay(w http.ResponseWriter, r *http.Request) error {
	s, err := b.selected(w, r)
	if err != nil || s == nil {
		return err
	}
	if s.All && r.PostForm.Get("confirmed") != "yes" {
		return b.confirm(w, r, *s, false)
	}
	if s.Rate, err = readRate(r.PostForm.Get("per_second")); err != nil {
		return err
	}
	out, err := b.Operate.Replay(r.Context(), operate.Replay{Selection: s.Selection, AtOnce: true})
	if err != nil {
		return err
	}
	done := out.Replayed + out.Accepted + out.Ignored
	call := r.PostForm.Get("call")
	switch {
	case out.Kept > 0:
		return b.see(w, r, "/dead-letters", "kept", out.Kept)
	case out.NextCursor != "":
		return b.see(w, r, "/dead-letters", "more", done)
	case call != "" && done > 0:
		return b.see(w, r, "/calls/"+url.PathEscape(call), "replayed", done)
	default:
		return b.see(w, r, "/dead-letters", "replayed", done)
	}
}

// readRate reads how many a second come due; 0 for as fast as the sink's own
// rate lets them.
func readRate(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || !(rate >= 0.01 && rate <= 10_000) {
		return 0, &person{http.StatusBadRequest, "That is no rate.", "Write how many a second, such as 5, or nothing."}
	}
	return rate, nil
}

// purge asks, then erases.
func (b *Dashboard) purge(w http.ResponseWriter, r *http.Request) error {
	s, err := b.selected(w, r)
	if err != nil || s == nil {
		return err
	}
	if r.PostForm.Get("confirmed") != "yes" {
		return b.confirm(w, r, *s, true)
	}
	out, err := b.Operate.Purge(r.Context(), s.Selection)
	if err != nil {
		return err
	}
	if out.NextCursor != "" {
		return b.see(w, r, "/dead-letters", "more", out.Purged)
	}
	return b.see(w, r, "/dead-letters", "purged", out.Purged)
}

// selected reads the form; nil when it was answered because nothing is selected.
func (b *Dashboard) selected(w http.ResponseWriter, r *http.Request) (*selection, error) {
	if err := r.ParseForm(); err != nil {
		return nil, badForm(err)
	}
	s, err := b.readSelection(r.PostForm)
	if err != nil {
		return nil, err
	}
	if s.empty() {
		return nil, b.see(w, r, "/dead-letters", "nothing", 0)
	}
	return &s, nil
}

func (b *Dashboard) confirm(w http.ResponseWriter, r *http.Request, s selection, purge bool) error {
	title := "Replay"
	if purge {
		title = "Purge"
	}
	p := confirmPage{frame: b.frame(r, title), selection: s, Purge: purge}
	s.DryRun = true
	out, err := b.Operate.Purge(r.Context(), s.Selection)
	if err != nil {
		return err
	}
	p.Count, p.More = out.Matched, out.NextCursor != ""
	return b.render(w, http.StatusOK, "confirm", p)
}
