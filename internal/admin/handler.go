package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/problem"
)

// Handler returns the private listener's handler. The configuration is asked for
// at each request, so that a reload can change the token.
func Handler(c func() Config, d Deps) http.Handler {
	a := &api{Deps: d}
	inner := http.NewServeMux()
	inner.HandleFunc("GET /readyz", a.readyz)
	inner.Handle("GET /metrics", d.Metrics)
	inner.Handle("/", doors{c, newSuspects(d.WrongToken, d.Log)}.guard(bounded(a.mux())))
	return a.outer(c, inner)
}

// Starting returns the handler of a private listener whose store is not open yet:
// health, readiness and metrics, and 503 for all else. ready says what it waits
// for.
func Starting(c func() Config, ready func() error, metrics http.Handler) http.Handler {
	a := &api{Deps{Ready: ready}}
	inner := http.NewServeMux()
	inner.Handle("GET /metrics", metrics)
	inner.HandleFunc("/", a.readyz)
	return a.outer(c, inner)
}

// outer is what holds for every path. Health is for whoever asks.
func (a *api) outer(c func() Config, inner http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.Handle("/", hosted(c, inner))
	return headers(mux)
}

// headers are set on every answer: nothing here is to be framed, cached or
// guessed at.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// api holds the handlers.
type api struct{ Deps }

func (a *api) healthz(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

func (a *api) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := a.Ready(); err != nil {
		w.Header().Set("Retry-After", "5")
		problem.Write(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeText(w, http.StatusOK, "ok\n")
}

// answer writes what an operation returned, or what its error means.
func (a *api) answer(w http.ResponseWriter, r *http.Request, out any, err error) {
	wrong, isInput := errors.AsType[*operate.InputError](err)
	switch {
	case err == nil:
		writeJSON(w, out)
	case isInput:
		problem.Write(w, http.StatusBadRequest, wrong.Problem)
	case errors.Is(err, operate.ErrNotFound):
		_, what, _ := strings.Cut(err.Error(), operate.ErrNotFound.Error()+": ")
		problem.Write(w, http.StatusNotFound, "there is "+what)
	case errors.Is(err, operate.ErrBadCursor):
		problem.Write(w, http.StatusBadRequest, err.Error())
	case r.Context().Err() != nil: // the client has gone
	case errors.Is(err, operate.ErrUnavailable):
		w.Header().Set("Retry-After", "5")
		problem.Write(w, http.StatusServiceUnavailable, err.Error())
	default:
		a.Log.ErrorContext(r.Context(), "a request to the private API failed", "path", r.Pattern, "error", err)
		problem.Write(w, http.StatusInternalServerError, "the spool could not be read or written; see the log")
	}
}

// unhurried lets a request that works through many rows take its time: the
// deadlines of the listener are for small ones. It still ends with its client.
func unhurried(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	// A recorder of a test has no deadlines.
	_ = c.SetReadDeadline(time.Time{})
	_ = c.SetWriteDeadline(time.Time{})
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that is gone gets nothing
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := plainjson.Marshal(v)
	if err != nil {
		problem.Write(w, http.StatusInternalServerError, "the answer could not be encoded")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) //nolint:gosec // G705: JSON and nosniff; a client that is gone gets nothing
}
