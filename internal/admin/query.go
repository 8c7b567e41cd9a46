package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cdrelay/cdrelay/internal/problem"
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

// check takes what is wrong with a filter as a whole.
func (q *query) check(err error) {
	if err != nil {
		q.complain("%v", err)
	}
}

// answered reports whether something is wrong, and says what.
func (q *query) answered(w http.ResponseWriter) bool {
	if q.problem != "" {
		problem.Write(w, http.StatusBadRequest, q.problem)
	}
	return q.problem != ""
}
