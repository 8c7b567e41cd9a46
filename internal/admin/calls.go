package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
)

func (a *api) calls(w http.ResponseWriter, r *http.Request) {
	q := query{Values: r.URL.Query()}
	q.only(slices.Concat(operate.CallFilterNames(), []string{"since", "until", "limit", "cursor"})...)
	f := operate.CallFilterOf(q.Get)
	f.Since, f.Until = q.time("since"), q.time("until")
	limit := q.limit()
	q.check(operate.CheckCalls(f))
	if q.answered(w) {
		return
	}
	page, err := a.Operate.Calls(r.Context(), f, limit, q.Get("cursor"))
	a.answer(w, r, page, err)
}

func (a *api) call(w http.ResponseWriter, r *http.Request) {
	out, err := a.Operate.Call(r.Context(), r.PathValue("id"))
	a.answer(w, r, out, err)
}

func (a *api) resend(w http.ResponseWriter, r *http.Request) {
	var sinks []string
	if !a.read(w, r, field{"sinks", &sinks, "a list of names of sinks", true}) {
		return
	}
	out, err := a.Operate.Resend(r.Context(), r.PathValue("id"), sinks)
	a.answer(w, r, out, err)
}

func (a *api) resendCalls(w http.ResponseWriter, r *http.Request) {
	var b operate.BulkResend
	if !a.read(
		w, r,
		field{"filter", callFilter(&b.Filter), "an object", true},
		field{"sinks", &b.Sinks, "a list of names of sinks", false},
		field{"limit", &b.Limit, "a whole number", false},
		field{"cursor", &b.Cursor, "a text", false},
		field{"dry_run", &b.DryRun, "true or false", false},
		field{"rate_per_second", &b.Rate, "a number", false},
		field{"event", &b.Event, "a text", false},
		field{"not_before", &b.NotBefore, "a time in RFC 3339", false},
	) {
		return
	}
	unhurried(w)
	out, err := a.Operate.ResendCalls(r.Context(), b)
	a.answer(w, r, out, err)
}

// callFilter reads the filter of calls of a body: the names are those of the listing.
func callFilter(into **operate.CallFilter) func(text []byte, at string) error {
	return func(text []byte, at string) error {
		var since, until time.Time
		fields := []field{{"since", &since, "a time in RFC 3339", false}, {"until", &until, "a time in RFC 3339", false}}
		values := map[string]*string{}
		for _, name := range operate.CallFilterNames() {
			values[name] = new(string)
			fields = append(fields, field{name, values[name], "a text", false})
		}
		err := readObject(text, at, fields)
		f := operate.CallFilterOf(func(name string) string { return *values[name] })
		f.Since, f.Until = since, until
		*into = &f
		return err
	}
}

func (a *api) erase(w http.ResponseWriter, r *http.Request) {
	var number string
	var dry bool
	if !a.read(
		w, r,
		field{"number", &number, "a telephone number as text", true},
		field{"dry_run", &dry, "true or false", false},
	) {
		return
	}
	unhurried(w)
	out, err := a.Operate.Erase(r.Context(), number, dry)
	a.answer(w, r, out, err)
}
