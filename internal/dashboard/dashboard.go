package dashboard

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// Deps are what the pages are made from. Configuration, Reload, Zone and Now may be
// nil.
type Deps struct {
	// Operate does what the buttons say.
	Operate *operate.Operator
	// Counters reads the counters of the process; FromGatherer makes one.
	Counters func() Counters
	// Configuration returns the configuration in use as YAML, without secrets.
	Configuration func() ([]byte, error)
	// Reload reads the configuration again.
	Reload func(context.Context) error
	// Zone is that of the times where the browser does not say its own; nil for UTC.
	Zone func() *time.Location
	Log  *slog.Logger
	// Now is the clock; nil for that of the machine.
	Now func() time.Time
}

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// Dashboard serves the pages.
type Dashboard struct {
	Deps
	pages map[string]*template.Template
	ring  ring
	mux   *http.ServeMux
}

// New makes the pages; Run takes the samples for the pictures.
func New(d Deps) (*Dashboard, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Zone == nil {
		d.Zone = func() *time.Location { return time.UTC }
	}
	b := &Dashboard{Deps: d, mux: http.NewServeMux()}
	var err error
	if b.pages, err = parsePages(clock{d.Zone, d.Now}); err != nil {
		return nil, err
	}
	assets, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		return nil, err
	}
	b.routes(http.StripPrefix("/assets/", http.FileServerFS(assets)))
	b.ring.add(d.Now(), d.Counters())
	return b, nil
}

func (b *Dashboard) routes(assets http.Handler) {
	handle := func(pattern string, h func(w http.ResponseWriter, r *http.Request) error) {
		b.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				b.fail(w, r, err)
			}
		})
	}
	handle("GET /{$}", b.overview)
	handle("GET /calls", b.calls)
	handle("GET /calls/{id}", b.call)
	handle("POST /calls/resend", b.resendCalls)
	handle("POST /calls/{id}/resend", b.resend)
	handle("GET /dead-letters", b.letters)
	handle("GET /dead-letters/groups", b.groups)
	handle("GET /dead-letters/{id}", b.letter)
	handle("POST /dead-letters/{id}/edit", b.edit)
	handle("POST /dead-letters/replay", b.replay)
	handle("POST /dead-letters/purge", b.purge)
	handle("GET /sinks/{name}", b.sink)
	handle("GET /sources/{name}", b.source)
	handle("POST /sinks/{name}/pause", b.pause)
	handle("POST /sinks/{name}/resume", b.resume)
	handle("GET /events", b.events)
	handle("GET /playground", b.playground)
	handle("POST /playground", b.explain)
	handle("GET /configuration", b.configuration)
	handle("POST /configuration/reload", b.reload)
	handle("GET /", func(http.ResponseWriter, *http.Request) error { return errNoPage })
	b.mux.Handle("GET /assets/{file}", assets)
}

// policy lets the browser load our own files and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// maxForm bounds a form: a callback of 1 MiB, each byte of it percent-encoded.
const maxForm = 3<<20 + 64<<10

// ServeHTTP implements http.Handler.
func (b *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin") // the package comment says why
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	b.mux.ServeHTTP(w, r)
}

// Run takes a sample every minute until the context ends.
func (b *Dashboard) Run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.ring.add(b.Now(), b.Counters())
		}
	}
}

// person is an error whose text is for the reader of the page.
type person struct {
	status int
	// what happened, and what to do.
	what, do string
}

func (p *person) Error() string { return p.what }

var errNoPage = &person{http.StatusNotFound, "Page not found.", "Use the links at the top."}

// fail answers an error with a page that says what to do.
func (b *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[*person](err)
	wrong, isInput := errors.AsType[*operate.InputError](err)
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	switch {
	case ok:
	case r.Context().Err() != nil: // the reader has gone
		return
	case isInput:
		p = &person{http.StatusBadRequest, "That cannot be done: " + wrong.Problem + ".", "Go back and correct it."}
	case tooLong:
		p = &person{http.StatusRequestEntityTooLarge, "That is too long.", "A callback may have 1 MiB."}
	case errors.Is(err, operate.ErrNotFound):
		p = &person{http.StatusNotFound, "Page not found.", "It may have been purged, or erased when its retention ended. Search for the call by its number."}
	case errors.Is(err, operate.ErrBadCursor):
		p = &person{http.StatusBadRequest, "This page of the list does not exist.", "Start at the first page of the list."}
	case errors.Is(err, operate.ErrUnavailable):
		p = &person{http.StatusServiceUnavailable, "The store takes no changes at the moment.", "Look at the space on its disk and at the log; it goes on by itself when there is room. Then do this again."}
	default:
		b.Log.ErrorContext(r.Context(), "a page could not be made", "path", r.URL.Path, "error", err)
		p = &person{http.StatusInternalServerError, "This did not work.", "The log of the server says why. Try again; if it stays so, see whether /readyz is well."}
	}
	page := struct {
		frame
		What, Do string
	}{b.frame(r, "Sorry"), p.what, p.do}
	if err := b.render(w, p.status, "error", page); err != nil {
		http.Error(w, p.what+" "+p.do, p.status)
	}
}
