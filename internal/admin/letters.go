package admin

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	q := &query{Values: r.URL.Query()}
	q.only("stage", "sink", "reason", "since", "until", "limit", "cursor")
	f := spool.LetterFilter{
		Stage: spool.Stage(q.Get("stage")), Sink: q.Get("sink"), Reason: spool.Reason(q.Get("reason")),
		Since: q.time("since"), Until: q.time("until"),
	}
	limit := q.limit()
	if err := checkFilter(f); err != nil {
		q.complain("%v", err)
	}
	if q.problem != "" {
		problem.Write(w, http.StatusBadRequest, q.problem)
		return
	}
	items, next, err := a.Store.SearchLetters(r.Context(), f, limit, q.Get("cursor"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, newPage(items, next))
}

// letterDetail adds the body of a dead letter of stage intake, as text where it
// is text, else in base64.
type letterDetail struct {
	spool.DeadLetterDetail
	Body       string `json:"body,omitempty"`
	BodyBase64 []byte `json:"body_base64,omitempty"`
}

func (a *api) deadLetter(w http.ResponseWriter, r *http.Request) {
	d, err := a.Store.DeadLetter(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	out := letterDetail{DeadLetterDetail: d}
	if utf8.Valid(d.Body) {
		out.Body = string(d.Body)
	} else {
		out.BodyBase64 = d.Body
	}
	if !json.Valid(d.Record) {
		out.Record = nil // a damaged record must not spoil the answer
	}
	writeJSON(w, out)
}
