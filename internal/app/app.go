package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// Options are what a server needs besides its configuration.
type Options struct {
	// Version is that of the binary.
	Version string
	Log     *slog.Logger
	// Level is the level of Log, which a reload may change; may be nil.
	Level *slog.LevelVar
	// Load reads the configuration again, at a reload; nil where there is no file.
	Load func() (*config.Loaded, error)
	// Fingerprint shows cheaply whether Load would return something new; it is
	// asked every few seconds. nil for no such watch.
	Fingerprint func() (config.Hash, error)
	// Hangup asks for a reload by each signal; nil for none.
	Hangup <-chan os.Signal
}

// App is one server.
type App struct {
	opts     Options
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  *metrics
	lanes    *delivery.Metrics
	requests *delivery.Requests
	tracer   *tracing.Tracer
	spool    store
	intake   *intake.Handler
	public   *intake.Server
	private  *admin.Server
	page     *dashboard.Dashboard
	started  time.Time

	// opening is what a start waits for; nil when it is over.
	opening atomic.Pointer[string]
	state   atomic.Pointer[state]
	// tables are those of the state, and set before new lanes render.
	tables  atomic.Pointer[config.Tables]
	refused atomic.Pointer[refusal]     // nil when the configuration was taken
	tried   atomic.Pointer[config.Hash] // the fingerprint at the last reload

	turn      chan struct{} // held by the one reload at a time
	stopping  chan struct{} // closed when the stop begins
	graceOver chan struct{} // closed when attempts have had their time

	mu   sync.Mutex              // guards the switch to another state, and the stop
	last map[string]*runningSink // the latest of each name; it may be ending

	serving sync.WaitGroup // listeners and what runs beside them
	lives   sync.WaitGroup // sinks
	failed  chan error     // of a listener
}

// store is what the server keeps calls in.
type store interface {
	spool.Store
	prometheus.Collector
}

// state is one configuration in use; it is replaced, never changed.
type state struct {
	loaded  *config.Loaded
	running map[string]*runningSink
	// since is when it came into use.
	since time.Time
}

// Serve starts a server and runs it until the context ends. A context that ends
// while the server starts ends it too, and is no error.
func Serve(ctx context.Context, loaded *config.Loaded, opts Options) error {
	type started struct {
		app *App
		err error
	}
	start := make(chan started, 1)
	go func() {
		a, err := New(ctx, loaded, opts)
		start <- started{a, err}
	}()
	s, ok := awaitStart(ctx, start, *loaded.Shutdown.Grace)
	switch {
	case !ok:
		opts.Log.Error("the start did not end within shutdown.grace after the signal; the process ends", "component", "app")
		return nil
	case s.err != nil && ctx.Err() != nil:
		opts.Log.Info("cdrelay was stopped while it started", "component", "app", "reason", s.err)
		return nil
	case s.err != nil:
		return s.err
	}
	return s.app.Run(ctx)
}

// awaitStart waits for a result, but not for long once the context has ended: a
// disk that hangs would hold the process for ever.
func awaitStart[T any](ctx context.Context, from <-chan T, grace time.Duration) (result T, ok bool) {
	select {
	case result = <-from:
		return result, true
	case <-ctx.Done():
	}
	select {
	case result = <-from:
		return result, true
	case <-time.After(deadlinesOf(grace).work):
		return result, false
	}
}

// New opens the spool and binds both listeners. The private one answers health
// from the beginning: a damaged file may take long. What New opened is closed
// again when it fails.
func New(ctx context.Context, loaded *config.Loaded, opts Options) (*App, error) {
	a := &App{
		opts: opts, log: opts.Log.With("component", "app"), registry: prometheus.NewRegistry(),
		lanes: delivery.NewMetrics(), requests: delivery.NewRequests(requestMemory()), tracer: tracing.New(opts.Version, opts.Log), started: time.Now(),
		turn: make(chan struct{}, 1), stopping: make(chan struct{}), graceOver: make(chan struct{}),
		last: map[string]*runningSink{}, failed: make(chan error, 2),
	}
	a.state.Store(newState(state{loaded: loaded}))
	a.tables.Store(&loaded.Rows)
	a.tried.Store(&loaded.Hash)
	first := "the spool is being opened"
	a.opening.Store(&first)
	var err error
	if a.metrics, err = newMetrics(a.registry, opts.Version); err != nil {
		return nil, err
	}
	if err := a.registry.Register(readiness(a.ready)); err != nil {
		return nil, err
	}
	if err := a.start(ctx, loaded); err != nil {
		return nil, err
	}
	return a, nil
}

// Addr is the address of the public listener.
func (a *App) Addr() net.Addr { return a.public.Addr() }

// AdminAddr is the address of the private listener.
func (a *App) AdminAddr() net.Addr { return a.private.Addr() }

// Spool is the open store, for what runs in the same process.
func (a *App) Spool() spool.Store { return a.spool }

// Run serves until the context ends or a listener fails, then stops. It may be
// called once.
func (a *App) Run(ctx context.Context) error {
	a.serve(a.public.Serve)
	watching, stopWatch := context.WithCancel(ctx)
	defer stopWatch()
	a.serving.Go(func() { a.watch(watching) })
	a.serving.Go(func() { a.page.Run(watching) })
	a.log.Info("cdrelay serves", "version", a.opts.Version, "listen", a.Addr().String(), "admin", a.AdminAddr().String())
	var err error
	select {
	case <-ctx.Done():
	case err = <-a.failed:
	}
	stopWatch()
	return errors.Join(err, a.stop(context.WithoutCancel(ctx)))
}

// serve answers on a listener until it is shut down.
func (a *App) serve(listener func() error) {
	a.serving.Go(func() {
		if err := listener(); err != nil {
			a.failed <- err
		}
	})
}

var errStopping = errors.New("the server is stopping")

// ready reports whether callbacks are taken.
func (a *App) ready() error {
	if a.isStopping() {
		return errStopping
	}
	if what := a.opening.Load(); what != nil {
		return errors.New("the server is starting: " + *what)
	}
	return errors.Join(a.spool.Ready(), a.sourcesReady())
}

// sourcesReady returns an error where no source can be taken at all, because each
// fills its share of the spool.
func (a *App) sourcesReady() (err error) {
	for _, s := range a.state.Load().loaded.Sources {
		if err = a.spool.SourceReady(s.Name); err == nil {
			return nil
		}
	}
	return err
}

func (a *App) isStopping() bool {
	select {
	case <-a.stopping:
		return true
	default:
		return false
	}
}

// waitsFor says what the start is at, until it is over.
func (a *App) waitsFor(what string) {
	if now := a.opening.Load(); now != nil {
		a.opening.CompareAndSwap(now, &what)
	}
}
