package admin

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
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

// number is a telephone number as typed, or the end of one.
func (q *query) number(name string) string {
	text := q.Get(name)
	if text != "" && !strings.ContainsAny(text, "123456789") {
		q.complain("%s=%q holds no digits: write a telephone number or its end", name, text)
	}
	return text
}

// outcome is how calls ended; one that is misspelt would select nothing.
func (q *query) outcome(name string) string {
	text := q.Get(name)
	if text != "" && !slices.Contains(call.Outcomes(), call.Outcome(text)) {
		q.complain("there is no outcome %q: there are %v", text, call.Outcomes())
	}
	return text
}
