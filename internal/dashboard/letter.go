package dashboard

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// letterPage shows one dead letter.
type letterPage struct {
	frame
	operate.DeadLetter
	// Record and Raw are those of a call, Callback is what could not be understood.
	Record, Raw, Callback string
	Newest                call.Record
	Attempts              []event
	// Edited is the text of the form that corrects a callback. It is shown with
	// numbers only: a masked one would be sent.
	Edited string
	// Problem is why what was edited is not taken.
	Problem string
}

// Editable reports whether the dead letter is a callback, which can be corrected.
func (p letterPage) Editable() bool { return p.Stage == "intake" }

func (b *Dashboard) letter(w http.ResponseWriter, r *http.Request) error {
	p, err := b.letterPage(r)
	if err != nil {
		return err
	}
	return b.render(w, http.StatusOK, "letter", p)
}

func (b *Dashboard) letterPage(r *http.Request) (letterPage, error) {
	d, err := b.Operate.Letter(r.Context(), r.PathValue("id"))
	if err != nil {
		return letterPage{}, err
	}
	p := letterPage{frame: b.frame(r, "Dead letter"), DeadLetter: d.DeadLetter}
	if d.Kept != nil {
		p.Newest = p.knows(d.Kept)
		p.Record, p.Raw = p.layOut(d.Kept)
	}
	if body := d.DeadLetterDetail.Body; body != nil {
		p.Callback = p.Body(indent(body))
		p.Edited = strings.ToValidUTF8(string(body), string(utf8.RuneError))
	}
	t := timeline{frame: p.frame}
	for _, a := range d.Log {
		t.attempt(d.Sink, a)
	}
	p.Attempts = t.out
	return p, nil
}

// edit takes a callback with the body of the form. One that still cannot be understood
// is shown again, with what is wrong.
func (b *Dashboard) edit(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	body := r.PostForm.Get("body")
	out, err := b.Operate.ReplayEdited(r.Context(), r.PathValue("id"), []byte(body))
	if err != nil {
		return err
	}
	if out.Accepted > 0 {
		return b.see(w, r, "/calls", "taken", out.Accepted)
	}
	p, err := b.letterPage(r)
	if err != nil {
		return err
	}
	p.Edited = body
	for _, f := range out.Failures {
		p.Problem = f.Reason
	}
	return b.render(w, http.StatusOK, "letter", p)
}
