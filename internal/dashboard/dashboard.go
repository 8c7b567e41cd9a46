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

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Store is what the pages read and change; the spool's comments are the contract.
type Store interface {
	SearchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string) ([]spool.FoundCall, string, error)
	Call(ctx context.Context, id string) (spool.CallDetail, error)
	LettersOfCall(ctx context.Context, callID string) ([]spool.CallLetter, error)
	Resend(callID string, sinks []string) ([]string, error)
	SearchLetters(ctx context.Context, f spool.LetterFilter, limit int, cursor string) ([]spool.DeadLetter, string, error)
	LettersByID(ctx context.Context, ids []string) ([]spool.DeadLetter, error)
	DeadLetter(ctx context.Context, id string) (spool.DeadLetterDetail, error)
	LastLetter(ctx context.Context) (string, error)
	WalkLetters(ctx context.Context, f spool.LetterFilter, after, upto string, limit int) ([]spool.DeadLetter, string, error)
	Replay(ids []string, start time.Time, perSecond float64) (int, []string, error)
	Purge(ids []string) (int, error)
	NoteLetter(id, detail string) error
	Lanes(ctx context.Context) ([]spool.LaneStatus, error)
	SetPause(sink string, p spool.Pause) error
	Totals() spool.Totals
	// Now is the time by which the store compares, whatever the wall clock says.
	Now() time.Time
}

// Deps are what the pages are made from. All but Store, Status, Counters and Log
// may be nil: then the page says that it cannot do the thing here.
type Deps struct {
	Store Store
	// Status tells what only the whole knows.
	Status func() Status
	// Counters reads the counters of the process; FromGatherer makes one.
	Counters func() Counters
	// Redeem converts a dead letter of stage intake again and accepts it. A
	// *call.NotACall says that it is an event that nobody would keep today, an
	// error that is spool.ErrUnavailable that the store takes nothing now, any
	// other one why the letter stays.
	Redeem func(context.Context, spool.DeadLetterDetail) error
	// Replayed counts dead letters put back into the lane of a sink.
	Replayed func(sink string, n int)
	// Explain says what would become of a callback, in the form that the API's
	// explain has as JSON. Its error is shown to the person.
	Explain func(ctx context.Context, source string, body []byte) (any, error)
	// Configuration gives the configuration in use as YAML, without secrets.
	Configuration func() ([]byte, error)
	// Reload reads the configuration again.
	Reload func(context.Context) error
	Log    *slog.Logger
	// Now is the clock; nil for that of the machine.
	Now func() time.Time
}

// Status is what the server as a whole tells of itself.
type Status struct {
	Version    string
	ConfigHash string
	StartedAt  time.Time
	// Ready is nil when callbacks are taken, else says why not.
	Ready error
	// ReloadedAt is when the configuration in use was read.
	ReloadedAt time.Time
	// ReloadFailed says why the last reload changed nothing; nil when it did.
	ReloadFailed error
	Sources      []Source
	Sinks        []Sink
}

// Source is a configured source.
type Source struct{ Name, Format, Path string }

// Sink is a configured sink.
type Sink struct {
	Name string
	// Kind is webhook or slack.
	Kind string
	// Breaker is closed, open or half_open.
	Breaker string
	// RetryAt is when an open breaker lets the next attempt through.
	RetryAt  time.Time
	InFlight int
	// PerSecond is the configured rate; 0 for none.
	PerSecond float64
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
	b := &Dashboard{Deps: d, mux: http.NewServeMux()}
	var err error
	if b.pages, err = parsePages(); err != nil {
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
	handle("POST /calls/{id}/resend", b.resend)
	handle("GET /dead-letters", b.letters)
	handle("GET /dead-letters/{id}", b.letter)
	handle("POST /dead-letters/replay", b.replay)
	handle("POST /dead-letters/purge", b.purge)
	handle("POST /sinks/{name}/pause", b.pause)
	handle("POST /sinks/{name}/resume", b.resume)
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
	h.Set("Referrer-Policy", "same-origin") // the package comment tells why
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

var errNoPage = &person{http.StatusNotFound, "There is no such page.", "Use the links at the top."}

// fail answers an error with a page that says what to do.
func (b *Dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[*person](err)
	_, tooLong := errors.AsType[*http.MaxBytesError](err)
	switch {
	case ok:
	case r.Context().Err() != nil: // the reader has gone
		return
	case tooLong:
		p = &person{http.StatusRequestEntityTooLarge, "That is too long.", "A callback may have 1 MiB."}
	case errors.Is(err, spool.ErrNotFound):
		p = &person{http.StatusNotFound, "It is not here.", "It may have been purged, or erased when its retention ended. Search for the call by its number."}
	case errors.Is(err, spool.ErrBadCursor):
		p = &person{http.StatusBadRequest, "This page of the list does not exist.", "Start at the first page of the list."}
	case errors.Is(err, spool.ErrUnavailable):
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
