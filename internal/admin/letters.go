package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	defaultLimit = 50
	maxLimit     = 500
)

// query reads the parameters of a listing and collects what is wrong with them.
type query struct {
	url.Values
	problem string
}

func (q *query) complain(format string, args ...any) {
	if q.problem == "" {
		q.problem = fmt.Sprintf(format, args...)
	}
}

// only refuses parameters that nothing reads: a misspelt filter would select
// everything.
func (q *query) only(names ...string) {
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	for name, values := range q.Values {
		if !known[name] {
			q.complain("unknown parameter %q: there are %v", name, names)
		}
		if len(values) > 1 {
			q.complain("the parameter %q stands more than once", name)
		}
	}
}

func (q *query) time(name string) time.Time {
	text := q.Get(name)
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		q.complain("%s=%q is no time: write RFC 3339, as in 2026-01-31T09:30:00Z", name, text)
	}
	return t
}

func (q *query) limit() int {
	text := q.Get("limit")
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		q.complain("limit=%q: write a number from 1 to %d", text, maxLimit)
	}
	return n
}

func (a *api) deadLetters(w http.ResponseWriter, r *http.Request) {
	q := &query{Values: r.URL.Query()}
	q.only("stage", "sink", "reason", "since", "until", "limit", "cursor")
	f := spool.LetterFilter{
		Stage: spool.Stage(q.Get("stage")), Sink: q.Get("sink"), Reason: spool.Reason(q.Get("reason")),
		Since: q.time("since"), Until: q.time("until"),
	}
	limit := q.limit()
	if q.problem != "" {
		problem.Write(w, http.StatusBadRequest, q.problem)
		return
	}
	items, next, err := a.Store.DeadLetters(r.Context(), f, limit, q.Get("cursor"))
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
