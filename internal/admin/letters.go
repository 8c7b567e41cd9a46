package admin

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/problem"
)

func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	f := q.letterFilter("limit", "cursor")
	limit := q.limit()
	if q.answered(w) {
		return
	}
	page, err := a.Operate.Letters(r.Context(), f, limit, q.Get("cursor"))
	a.answer(w, r, page, err)
}

func (a *api) deadLetterGroups(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	f := q.letterFilter("cursor")
	if q.answered(w) {
		return
	}
	page, err := a.Operate.Groups(r.Context(), f, q.Get("cursor"))
	a.answer(w, r, page, err)
}

// letterFilter reads a filter; what else may be there is named.
func (q *query) letterFilter(besides ...string) operate.LetterFilter {
	q.only(slices.Concat(operate.LetterFilterNames(), []string{"since", "until"}, besides)...)
	f := operate.LetterFilterOf(q.Get)
	f.Since, f.Until = q.time("since"), q.time("until")
	q.check(operate.CheckLetters(f))
	return f
}

func (a *api) deadLetter(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Letter(r.Context(), r.PathValue("id"))
	a.answer(w, r, out, err)
}

func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	var p operate.Replay
	var id string
	var body json.RawMessage
	fields := append(
		selectionFields(&p.Selection), field{"not_before", &p.NotBefore, "a time in RFC 3339", false},
		field{"id", &id, "the id of a callback that could not be understood", false},
		field{"body", &body, "the callback: a JSON object, or its body as text", false},
	)
	if !a.read(w, r, fields...) {
		return
	}
	unhurried(w)
	if id != "" || body != nil {
		a.replayEdited(w, r, p, id, body)
		return
	}
	out, err := a.Operate.Replay(r.Context(), p)
	a.answer(w, r, out, err)
}

// replayEdited takes one callback with another body, which goes with its id alone.
func (a *api) replayEdited(w http.ResponseWriter, r *http.Request, besides operate.Replay, id string, body json.RawMessage) {
	if id == "" || body == nil || !reflect.ValueOf(besides).IsZero() {
		problem.Write(w, http.StatusBadRequest, `"id" and "body" go together, and alone: they are for one callback that is taken with another body`)
		return
	}
	out, err := a.Operate.ReplayEdited(r.Context(), id, textOf(body))
	a.answer(w, r, out, err)
}

// textOf returns a callback: as it was posted, where it comes as a text, or the JSON.
func textOf(callback json.RawMessage) []byte {
	if text := ""; json.Unmarshal(callback, &text) == nil {
		return []byte(text)
	}
	return callback
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
		{"source", &f.Source, "a text", false},
		{"reason", &f.Reason, "a text", false},
		{"number", &f.Number, "a text", false},
		{"answer", &f.Answer, "a text", false},
		{"since", &f.Since, "a time in RFC 3339", false},
		{"until", &f.Until, "a time in RFC 3339", false},
	}
}
