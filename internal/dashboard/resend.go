package dashboard

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// resendPart is how many calls one request sends again; the page goes on by itself.
const resendPart = 500

// resendPage asks before the calls of a filter are sent again, and shows how far that
// has come.
type resendPage struct {
	frame
	Filter []field
	Sinks  []choice
	Count  int
	// More is set where there are more than were counted.
	More bool
	// Hidden are the fields of the next part; none before the first.
	Hidden []field
	Done   int
}

// field is one of a form.
type field struct{ Name, Value string }

// choice is a sink that may get the calls.
type choice struct {
	Name   string
	Chosen bool
}

// resendCalls sends the calls of a filter again: it asks, and then works in parts.
func (b *Dashboard) resendCalls(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	filter, fields, err := b.callFilter(r.Context(), r.PostForm)
	if err != nil {
		return err
	}
	p := resendPage{frame: b.frame(r, "Send again"), Filter: fields}
	if p.failed != nil {
		return p.failed
	}
	p.offer(r.PostForm["to"], filter.Sink)
	if r.PostForm.Get("confirmed") != "yes" {
		return b.confirmResend(w, r, p, filter)
	}
	if len(r.PostForm["to"]) == 0 {
		return b.seeAt(w, r, "/calls", queryOf(fields), "nothing", 0)
	}
	return b.resendOne(w, r, p, filter)
}

// offer lists the sinks; those that were chosen, or else that of the filter, are ticked.
func (p *resendPage) offer(chosen []string, filtered string) {
	for _, s := range p.Status.Sinks {
		if s.Configured {
			p.Sinks = append(p.Sinks, choice{s.Name, slices.Contains(chosen, s.Name) || len(chosen) == 0 && s.Name == filtered})
		}
	}
}

func (b *Dashboard) confirmResend(w http.ResponseWriter, r *http.Request, p resendPage, f operate.CallFilter) error {
	if len(p.Sinks) > 0 {
		out, err := b.Operate.ResendCalls(r.Context(), operate.BulkResend{Filter: &f, Sinks: []string{p.Sinks[0].Name}, DryRun: true, Limit: redressMax})
		if err != nil {
			return err
		}
		p.Count, p.More = out.Matched, out.NextCursor != ""
	}
	return b.render(w, http.StatusOK, "resend", p)
}

// resendOne does one part, and shows what is done or that all is.
func (b *Dashboard) resendOne(w http.ResponseWriter, r *http.Request, p resendPage, f operate.CallFilter) error {
	form := r.PostForm
	rate, err := readRate(form.Get("per_second"))
	if err != nil {
		return err
	}
	notBefore, _ := time.Parse(time.RFC3339Nano, form.Get("not_before")) // of the first part none
	out, err := b.Operate.ResendCalls(r.Context(), operate.BulkResend{
		Filter: &f, Sinks: form["to"], Limit: resendPart, Rate: rate, NotBefore: notBefore, Cursor: form.Get("cursor"), Event: form.Get("event"),
	})
	if err != nil {
		return err
	}
	p.Count, p.Done = number(form.Get("total")), number(form.Get("done"))+out.Matched
	sent := number(form.Get("sent")) + out.Resent
	if out.NextCursor == "" {
		return b.seeAt(w, r, "/calls", queryOf(p.Filter), "sent", sent)
	}
	p.Count = max(p.Count, p.Done)
	p.Hidden = []field{
		{"confirmed", "yes"},
		{"cursor", out.NextCursor},
		{"event", cmp.Or(form.Get("event"), out.Event)},
		{"per_second", form.Get("per_second")},
		{"total", strconv.Itoa(p.Count)},
		{"done", strconv.Itoa(p.Done)},
		{"sent", strconv.Itoa(sent)},
	}
	if !out.NextDueAt.IsZero() {
		p.Hidden = append(p.Hidden, field{"not_before", out.NextDueAt.Format(time.RFC3339Nano)})
	}
	for _, sink := range form["to"] {
		p.Hidden = append(p.Hidden, field{"to", sink})
	}
	return b.render(w, http.StatusOK, "resend", p)
}

// number reads a number of our own forms.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// queryOf returns fields as the query of a list.
func queryOf(fields []field) url.Values {
	q := url.Values{}
	for _, f := range fields {
		q.Set(f.Name, f.Value)
	}
	return q
}
