package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Store is what the API reads and changes; the spool's comments are the contract.
type Store interface {
	DeadLetters(ctx context.Context, f spool.LetterFilter, limit int, cursor string) ([]spool.DeadLetter, string, error)
	DeadLetter(ctx context.Context, id string) (spool.DeadLetterDetail, error)
	Lanes(ctx context.Context) ([]spool.LaneStatus, error)
	Totals() spool.Totals
}

// Deps are what the handlers work with.
type Deps struct {
	Store Store
	// Metrics answers /metrics.
	Metrics http.Handler
	// Ready gives nil when callbacks are taken, else why not.
	Ready func() error
	// Server tells what only the whole knows: version, sources, breakers.
	Server func() ServerStatus
	// Reload reads the configuration again; nil where there is none to read.
	Reload func(context.Context) error
	Log    *slog.Logger
}

// Handler gives the private listener's handler. The configuration is asked for
// at each request, so that a reload can change the token.
func Handler(c func() Config, d Deps) http.Handler {
	a := &api{Deps: d}
	inner := http.NewServeMux()
	inner.HandleFunc("GET /api/v1/status", a.status)
	inner.HandleFunc("GET /api/v1/dead-letters", a.deadLetters)
	inner.HandleFunc("GET /api/v1/dead-letters/{id}", a.deadLetter)
	inner.HandleFunc("POST /-/reload", a.reload)
	inner.HandleFunc("GET /{$}", a.index)
	inner.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, http.StatusNotFound, "there is nothing here; / lists what there is")
	})
	outer := http.NewServeMux()
	outer.HandleFunc("GET /healthz", a.healthz)
	outer.HandleFunc("GET /readyz", a.readyz)
	outer.Handle("GET /metrics", d.Metrics)
	outer.Handle("/", doors{c}.guard(inner))
	return headers(outer)
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

func (a *api) index(w http.ResponseWriter, _ *http.Request) {
	writeText(w, http.StatusOK, `cdrelay, private listener

GET  /healthz                    the process lives
GET  /readyz                     callbacks are taken
GET  /metrics                    for Prometheus
GET  /api/v1/status              sources, sinks, what waits, dead letters
GET  /api/v1/dead-letters        ?stage=&sink=&reason=&since=&until=&limit=&cursor=
GET  /api/v1/dead-letters/{id}   one dead letter with its record or body
POST /-/reload                   read the configuration again
`)
}

func (a *api) reload(w http.ResponseWriter, r *http.Request) {
	if a.Reload == nil {
		problem.Write(w, http.StatusNotFound, "this server has no configuration file to read again")
		return
	}
	if err := a.Reload(r.Context()); err != nil {
		problem.Write(w, http.StatusUnprocessableEntity, "the configuration was not changed: "+err.Error())
		return
	}
	writeJSON(w, struct {
		Status string `json:"status"`
	}{"reloaded"})
}

// fail answers an error of the store.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, spool.ErrNotFound):
		problem.Write(w, http.StatusNotFound, err.Error())
	case r.Context().Err() != nil: // the client has gone
	default:
		a.Log.ErrorContext(r.Context(), "a request to the private API failed", "path", r.URL.Path, "error", err)
		problem.Write(w, http.StatusInternalServerError, "the spool could not be read; see the log")
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that is gone gets nothing
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		problem.Write(w, http.StatusInternalServerError, "the answer could not be encoded")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // a client that is gone gets nothing
}

// page is the form of every listing.
type page[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor"`
}

func newPage[T any](items []T, next string) page[T] {
	if items == nil {
		items = []T{}
	}
	return page[T]{Items: items, NextCursor: next}
}
