package dashboard

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// lettersPage lists dead letters.
type lettersPage struct {
	frame
	Filter      letterFields
	Reasons     []spool.Reason
	Sinks       []string
	Items       []spool.DeadLetter
	First, Next string
}

// letterFields are the fields of the filter as typed; they go through every form
// that acts on all that match.
type letterFields struct{ Stage, Sink, Reason, Since, Until string }

func letterFieldsOf(q url.Values) letterFields {
	return letterFields{q.Get("stage"), q.Get("sink"), q.Get("reason"), q.Get("since"), q.Get("until")}
}

func (f letterFields) filter() (spool.LetterFilter, error) {
	out := spool.LetterFilter{Stage: spool.Stage(f.Stage), Sink: f.Sink, Reason: spool.Reason(f.Reason)}
	var err error
	out.Since, out.Until, err = between(url.Values{"since": {f.Since}, "until": {f.Until}})
	return out, err
}

// Any tells whether the filter selects less than all.
func (f letterFields) Any() bool { return f != letterFields{} }

func (b *Dashboard) letters(w http.ResponseWriter, r *http.Request) error {
	p := lettersPage{frame: b.frame(r, "Dead letters"), Filter: letterFieldsOf(r.URL.Query()), Reasons: spool.Reasons()}
	f, err := p.Filter.filter()
	if err != nil {
		return err
	}
	sinks, err := b.sinkRows(r.Context())
	if err != nil {
		return err
	}
	for _, s := range sinks {
		p.Sinks = append(p.Sinks, s.Name)
	}
	var next string
	if p.Items, next, err = b.Store.SearchLetters(r.Context(), f, pageSize, r.URL.Query().Get("cursor")); err != nil {
		return err
	}
	p.First, p.Next = pages(r.URL, next)
	return b.render(w, http.StatusOK, "letters", p)
}

// letterPage shows one dead letter.
type letterPage struct {
	frame
	spool.DeadLetter
	// Record and Raw are those of a call, Callback is what could not be understood.
	Record, Raw, Callback string
	Newest                call.Record
	Attempts              []event
}

func (b *Dashboard) letter(w http.ResponseWriter, r *http.Request) error {
	d, err := b.Store.DeadLetter(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	p := letterPage{frame: b.frame(r, "Dead letter"), DeadLetter: d.DeadLetter}
	if d.Record != nil {
		p.Newest = p.knows(d.Record)
		p.Record, p.Raw = p.layOut(d.Record)
	}
	if d.Body != nil {
		p.Callback = p.Body(strings.ToValidUTF8(indent(d.Body), "\ufffd"))
	}
	t := timeline{frame: p.frame}
	for _, a := range d.Log {
		t.attempt(spool.DeliveryStatus{Sink: d.Sink}, a)
	}
	p.Attempts = t.out
	return b.render(w, http.StatusOK, "letter", p)
}
