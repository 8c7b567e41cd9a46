package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// maxSelected bounds what can be ticked.
	maxSelected = 500
	// redressStep is how many dead letters one change of the store touches, and
	// redressMax how many one click does: an answer must come in time.
	redressStep = 200
	redressMax  = 20_000
)

// selection is what a form selects: ids, or all that match a filter.
type selection struct {
	IDs    []string
	All    bool
	Fields letterFields
	filter spool.LetterFilter
}

func readSelection(form url.Values) (selection, error) {
	s := selection{IDs: form["id"], All: form.Get("all") == "yes", Fields: letterFieldsOf(form)}
	if len(s.IDs) > maxSelected {
		return s, &person{http.StatusBadRequest, "Too many are selected.", "Narrow the filter and use the button for all that match."}
	}
	var err error
	s.filter, err = s.Fields.filter()
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
	rate, err := readRate(r.PostForm.Get("per_second"))
	if err != nil {
		return err
	}
	job := replayJob{Deps: b.Deps, start: b.Store.Now(), perSecond: rate}
	if err := job.begin(r.Context()); err != nil {
		return err
	}
	more, err := b.each(r.Context(), *s, job.step)
	b.Log.InfoContext(r.Context(), "an operator replayed dead letters", "via", via, "replayed", job.done, "kept", job.kept, "complete", err == nil && !more)
	if err != nil {
		return err
	}
	call := r.PostForm.Get("call")
	switch {
	case job.kept > 0:
		return b.see(w, r, "/dead-letters", "kept", job.kept)
	case more:
		return b.see(w, r, "/dead-letters", "more", job.done)
	case call != "" && job.done > 0:
		return b.see(w, r, "/calls/"+url.PathEscape(call), "replayed", job.done)
	default:
		return b.see(w, r, "/dead-letters", "replayed", job.done)
	}
}

// via tells changes made on the page from those made through the API in the log.
const via = "page"

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
	done := 0
	more, err := b.each(r.Context(), *s, func(_ context.Context, batch []spool.DeadLetter) error {
		n, err := b.Store.Purge(idsOf(batch))
		done += n
		return err
	})
	b.Log.InfoContext(r.Context(), "an operator purged dead letters", "via", via, "purged", done, "complete", err == nil && !more)
	if err != nil {
		return err
	}
	if more {
		return b.see(w, r, "/dead-letters", "more", done)
	}
	return b.see(w, r, "/dead-letters", "purged", done)
}

// selected reads the form; nil when it was answered because nothing is selected.
func (b *Dashboard) selected(w http.ResponseWriter, r *http.Request) (*selection, error) {
	if err := r.ParseForm(); err != nil {
		return nil, badForm(err)
	}
	s, err := readSelection(r.PostForm)
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
	var err error
	p.More, err = b.each(r.Context(), s, func(_ context.Context, batch []spool.DeadLetter) error {
		p.Count += len(batch)
		return nil
	})
	if err != nil {
		return err
	}
	return b.render(w, http.StatusOK, "confirm", p)
}

// each gives what is selected in steps, oldest first where all that match are
// meant; more tells that a click does not reach all of them.
func (b *Dashboard) each(ctx context.Context, s selection, do func(context.Context, []spool.DeadLetter) error) (more bool, err error) {
	if !s.All {
		found, err := b.Store.LettersByID(ctx, s.IDs)
		if err != nil {
			return false, err
		}
		return false, do(ctx, found)
	}
	upto, err := b.Store.LastLetter(ctx)
	if err != nil {
		return false, err
	}
	after := ""
	for done := 0; done < redressMax; {
		batch, next, err := b.Store.WalkLetters(ctx, s.filter, after, upto, redressStep)
		if err != nil {
			return false, err
		}
		if len(batch) > 0 {
			if err := do(ctx, batch); err != nil {
				return false, err
			}
		}
		if next == "" {
			return false, nil
		}
		done, after = done+len(batch), next
	}
	return true, nil
}

func idsOf(batch []spool.DeadLetter) []string {
	ids := make([]string, len(batch))
	for i, d := range batch {
		ids[i] = d.ID
	}
	return ids
}
