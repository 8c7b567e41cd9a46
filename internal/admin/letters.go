package admin

import (
	"net/http"

	"github.com/cdrelay/cdrelay/internal/operate"
)

func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	q.only("stage", "sink", "reason", "since", "until", "limit", "cursor")
	f := operate.FilterOf(q.Get("stage"), q.Get("sink"), q.Get("reason"))
	f.Since, f.Until = q.time("since"), q.time("until")
	limit := q.limit()
	q.check(operate.CheckLetters(f))
	if q.answered(w) {
		return
	}
	page, err := a.Operate.Letters(r.Context(), f, limit, q.Get("cursor"))
	a.answer(w, r, page, err)
}

func (a *api) deadLetter(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Letter(r.Context(), r.PathValue("id"))
	a.answer(w, r, out, err)
}

func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	var p operate.Replay
	fields := append(selectionFields(&p.Selection), field{"not_before", &p.NotBefore, "a time in RFC 3339", false})
	if !a.read(w, r, fields...) {
		return
	}
	unhurried(w)
	out, err := a.Operate.Replay(r.Context(), p)
	a.answer(w, r, out, err)
}

func (a *api) purge(w http.ResponseWriter, r *http.Request) {
	var s operate.Selection
	if !a.read(w, r, selectionFields(&s)...) {
		return
	}
	unhurried(w)
	out, err := a.Operate.Purge(r.Context(), s)
	a.answer(w, r, out, err)
}

// selectionFields are the members of a body that selects dead letters.
func selectionFields(s *operate.Selection) []field {
	return []field{
		{"ids", &s.IDs, "a list of ids of dead letters", false},
		{"filter", func(text []byte, at string) error {
			s.Filter = &operate.LetterFilter{}
			return readObject(text, at, filterFields(s.Filter))
		}, "an object", false},
		{"limit", &s.Limit, "a whole number", false},
		{"cursor", &s.Cursor, "a text", false},
		{"dry_run", &s.DryRun, "true or false", false},
		{"rate_per_second", &s.Rate, "a number", false},
		{"event", &s.Event, "a text", false},
	}
}

func filterFields(f *operate.LetterFilter) []field {
	return []field{
		{"stage", &f.Stage, "a text", false},
		{"sink", &f.Sink, "a text", false},
		{"reason", &f.Reason, "a text", false},
		{"since", &f.Since, "a time in RFC 3339", false},
		{"until", &f.Until, "a time in RFC 3339", false},
	}
}
