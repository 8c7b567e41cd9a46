package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/phone"
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
	// Fingerprint tells cheaply whether Load would give something new; it is
	// asked every few seconds. nil for no such watch.
	Fingerprint func() (config.Hash, error)
}

// App is one server.
type App struct {
	opts     Options
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  *metrics
	lanes    *delivery.Metrics
	tracer   *tracing.Tracer
	spool    *spool.Spool
	intake   *intake.Handler
	public   *intake.Server
	private  *admin.Server
	page     *dashboard.Dashboard
	started  time.Time
	stopping atomic.Bool

	reloading sync.Mutex // one reload, or the stop, at a time
	state     atomic.Pointer[state]
	// reloadFailed is why the last reload changed nothing; nil when it did.
	reloadFailed atomic.Pointer[error]
}

// state is one configuration in use; it is replaced, never changed.
type state struct {
	loaded  *config.Loaded
	running map[string]*runningSink
	// since is when it came into use.
	since time.Time
}

// New opens the spool and binds both listeners. What it opened is closed again
// when it fails.
func New(ctx context.Context, loaded *config.Loaded, opts Options) (*App, error) {
	a := &App{
		opts: opts, log: opts.Log.With("component", "app"), registry: prometheus.NewRegistry(),
		lanes: delivery.NewMetrics(), tracer: tracing.New(opts.Version, opts.Log), started: time.Now(),
	}
	a.state.Store(newState(state{loaded: loaded}))
	var err error
	if a.metrics, err = newMetrics(a.registry, opts.Version); err != nil {
		return nil, err
	}
	a.spool, err = spool.Open(ctx, loaded.Spool, spool.Deps{
		Log: opts.Log, Readings: phone.Readings, OnSinkRemoved: a.sinkRemoved, OnUndecodable: a.undecodable,
		OnHistoryPurged: a.metrics.historyPurged, LaneMemory: laneMemory(),
	})
	if err != nil {
		return nil, err
	}
	if err := a.open(ctx, loaded); err != nil {
		return nil, errors.Join(err, a.spool.Close())
	}
	return a, nil
}

// sinkRemoved and undecodable count and tell of the dead letters that no lane
// makes.
func (a *App) sinkRemoved(sink string, n int) {
	a.lanes.SinkRemoved(sink, n)
	a.log.Warn("dead letters", "sink", sink, "reason", string(spool.SinkRemoved), "deliveries", n)
}

func (a *App) undecodable(id, source string) {
	a.lanes.Undecodable()
	a.log.Warn("dead letter", "source", source, "reason", string(spool.Undecoded), "id", id)
}

// open builds everything on the open spool.
func (a *App) open(ctx context.Context, loaded *config.Loaded) error {
	plan, err := a.plan(ctx, loaded)
	if err != nil {
		return err
	}
	if a.intake, err = intake.New(plan.intake, intake.Deps{
		Store: a.spool, Log: a.opts.Log, Now: time.Now, Registry: a.registry, Tracer: a.tracer, Memory: callbackMemory(),
	}); err != nil {
		return err
	}
	if a.public, err = intake.NewServer(loaded.ServerConfig, a.intake, a.opts.Log); err != nil {
		return err
	}
	if err := a.register(); err != nil {
		return err
	}
	if a.page, err = a.newPage(); err != nil {
		return err
	}
	if err := a.public.Listen(ctx); err != nil {
		return err
	}
	if err := a.registry.Register(a.public); err != nil {
		return errors.Join(err, a.public.Shutdown(ctx))
	}
	settings := func() admin.Config { return a.state.Load().loaded.Admin.Settings() }
	handler := admin.Handler(settings, a.adminDeps())
	if a.private, err = admin.Listen(ctx, settings(), handler, a.opts.Log); err != nil {
		return errors.Join(err, a.public.Shutdown(ctx))
	}
	if err := a.spool.SetLanes(lanes(loaded)); err != nil {
		return errors.Join(err, a.public.Shutdown(ctx), a.private.Shutdown(ctx))
	}
	a.adopt(ctx, loaded, plan)
	return nil
}

func (a *App) register() error {
	gauges := &delivery.Gauges{
		Lanes:   a.spool.Lanes,
		Intake:  func() int64 { return a.spool.Totals().IntakeDeadLetters },
		Breaker: a.breaker,
	}
	var errs []error
	for _, c := range []prometheus.Collector{a.spool, a.lanes, a.tracer, gauges, readiness(a.ready)} {
		errs = append(errs, a.registry.Register(c))
	}
	return errors.Join(errs...)
}

func (a *App) adminDeps() admin.Deps {
	d := admin.Deps{
		Store: a.spool, Ready: a.ready, Server: a.status, Log: a.opts.Log.With("component", "admin"), Page: a.page,
		Redeem: a.redeem, Replayed: a.lanes.Replayed, NumberForms: a.numberForms, Explain: a.Explain,
		Metrics: promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{
			ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
		}),
	}
	if a.opts.Load != nil {
		d.Reload = a.Reload
	}
	return d
}

// Addr is the address of the public listener.
func (a *App) Addr() net.Addr { return a.public.Addr() }

// AdminAddr is the address of the private listener.
func (a *App) AdminAddr() net.Addr { return a.private.Addr() }

// Spool is the open store, for what runs in the same process.
func (a *App) Spool() *spool.Spool { return a.spool }

// Run serves until the context ends or a listener fails, then stops. It may be
// called once.
func (a *App) Run(ctx context.Context) error {
	failed := make(chan error, 2)
	var serving sync.WaitGroup
	for _, serve := range []func() error{a.public.Serve, a.private.Serve} {
		serving.Go(func() {
			if err := serve(); err != nil {
				failed <- err
			}
		})
	}
	watching, stopWatch := context.WithCancel(ctx)
	serving.Go(func() { a.watch(watching) })
	serving.Go(func() { a.page.Run(watching) })
	a.log.Info("cdrelay serves", "version", a.opts.Version, "listen", a.Addr().String(), "admin", a.AdminAddr().String())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stopWatch()
	err = errors.Join(err, a.stop(context.WithoutCancel(ctx)))
	serving.Wait()
	return err
}

// ready tells whether callbacks are taken.
func (a *App) ready() error {
	if a.stopping.Load() {
		return errors.New("the server is stopping")
	}
	return a.spool.Ready()
}

// stop ends everything in order.
func (a *App) stop(ctx context.Context) error {
	a.stopping.Store(true)
	a.reloading.Lock()
	defer a.reloading.Unlock()
	now := a.state.Load()
	settings := now.loaded.Shutdown
	a.log.Info("cdrelay stops", "delay", settings.Delay.String(), "grace", settings.Grace.String())
	<-time.After(settings.Delay)
	ctx, cancel := context.WithTimeout(ctx, lessReserve(*settings.Grace))
	defer cancel()
	var ending sync.WaitGroup
	var err error
	ending.Go(func() { err = a.endIntake(ctx) })
	for _, s := range now.running {
		ending.Go(func() { s.stop(ctx) }) // beside it: a slow sender takes no time from attempts on their way
	}
	ending.Wait()
	err = errors.Join(err, a.private.Shutdown(ctx), a.spool.Close())
	a.tracer.Shutdown(ctx) // what the grace time leaves
	a.log.Info("cdrelay has stopped")
	return err
}

// endIntake lets the callbacks in flight have their answers until the context is
// done. What is cut off then was answered nothing, so its sender pushes it again:
// nothing is lost, and the stop is none that failed.
func (a *App) endIntake(ctx context.Context) error {
	err := a.public.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("callbacks in flight were cut off; their senders got no answer", "error", err)
		return nil
	}
	return err
}

// lessReserve keeps a part of the grace time for the last commit.
func lessReserve(grace time.Duration) time.Duration {
	return grace - min(2*time.Second, grace/5)
}

// Handler gives the handler of callbacks, for what runs in the same process.
func (a *App) Handler() http.Handler { return a.intake }

var errNoReload = errors.New("this server has no configuration file")
