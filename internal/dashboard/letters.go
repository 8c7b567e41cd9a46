package dashboard

import (
	"net/http"
	"net/url"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// lettersPage lists dead letters.
type lettersPage struct {
	frame
	Filter      letterFields
	Reasons     []string
	Sinks       []string
	Items       []operate.LetterItem
	First, Next string
}

// letterFields are the fields of the filter as typed; they go through every form
// that acts on all that match.
type letterFields struct{ Stage, Sink, Reason, Since, Until string }

func letterFieldsOf(q url.Values) letterFields {
	return letterFields{q.Get("stage"), q.Get("sink"), q.Get("reason"), q.Get("since"), q.Get("until")}
}

// filter reads the fields.
func (b *Dashboard) filter(f letterFields) (operate.LetterFilter, error) {
	out := operate.LetterFilterOf(url.Values{"stage": {f.Stage}, "sink": {f.Sink}, "reason": {f.Reason}}.Get)
	var err error
	out.Since, out.Until, err = b.between(url.Values{"since": {f.Since}, "until": {f.Until}})
	return out, err
}

// Any reports whether the filter selects less than all.
func (f letterFields) Any() bool { return f != letterFields{} }

func (b *Dashboard) letters(w http.ResponseWriter, r *http.Request) error {
	p := lettersPage{frame: b.frame(r, "Dead letters"), Filter: letterFieldsOf(r.URL.Query())}
	if p.failed != nil {
		return p.failed
	}
	for _, reason := range operate.Reasons() {
		p.Reasons = append(p.Reasons, string(reason))
	}
	f, err := b.filter(p.Filter)
	if err != nil {
		return err
	}
	for _, s := range p.Status.Sinks {
		p.Sinks = append(p.Sinks, s.Name)
	}
	found, err := b.Operate.Letters(r.Context(), f, pageSize, r.URL.Query().Get("cursor"))
	if err != nil {
		return err
	}
	p.Items = found.Items
	p.First, p.Next = pages(r.URL, found.NextCursor)
	return b.render(w, http.StatusOK, "letters", p)
}

// letterPage shows one dead letter.
type letterPage struct {
	frame
	operate.DeadLetter
	// Record and Raw are those of a call, Callback is what could not be understood.
	Record, Raw, Callback string
	Newest                call.Record
	Attempts              []event
}

func (b *Dashboard) letter(w http.ResponseWriter, r *http.Request) error {
	d, err := b.Operate.Letter(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p := letterPage{frame: b.frame(r, "Dead letter"), DeadLetter: d.DeadLetter}
	if d.Kept != nil {
		p.Newest = p.knows(d.Kept)
		p.Record, p.Raw = p.layOut(d.Kept)
	}
	if body := d.DeadLetterDetail.Body; body != nil {
		p.Callback = p.Body(indent(body))
	}
	t := timeline{frame: p.frame}
	for _, a := range d.Log {
		t.attempt(d.Sink, a)
	}
	p.Attempts = t.out
	return b.render(w, http.StatusOK, "letter", p)
}
