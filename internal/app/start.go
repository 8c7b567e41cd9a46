package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// start answers health, opens the spool, and builds everything on it.
func (a *App) start(ctx context.Context, loaded *config.Loaded) error {
	var err error
	if a.private, err = admin.Listen(ctx, a.adminSettings(), admin.Starting(a.adminSettings, a.ready, a.metricsHandler()), a.opts.Log); err != nil {
		return err
	}
	a.serve(a.private.Serve)
	if a.spool, err = a.openStore(ctx, loaded.Spool); err == nil {
		if err = a.build(ctx, loaded); err == nil {
			return nil
		}
		err = errors.Join(err, a.spool.Close(context.WithoutCancel(ctx)))
	}
	err = errors.Join(err, a.private.Shutdown(ctx))
	a.serving.Wait()
	return err
}

// openStore opens the store that the configuration names.
func (a *App) openStore(ctx context.Context, cfg spool.Config) (store, error) {
	return sqlite.Open(ctx, cfg, sqlite.Deps{
		Log: a.opts.Log, Repair: repair.Tool{}, Readings: phone.Readings, OnSinkRemoved: a.sinkRemoved, OnUndecodable: a.undecodable,
		OnHistoryPurged: a.metrics.historyPurged, LaneMemory: laneMemory(), OnOpening: a.waitsFor,
	})
}

// build makes everything on the open spool, and starts the lanes when nothing can
// fail any more.
func (a *App) build(ctx context.Context, loaded *config.Loaded) error {
	p, err := a.plan(ctx, loaded)
	if err != nil {
		return err
	}
	if a.intake, err = intake.New(p.intake, intake.Deps{
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
	if err := a.spool.SetLanes(ctx, lanes(loaded)); err != nil {
		return errors.Join(err, a.public.Shutdown(ctx))
	}
	a.adopt(ctx, p)
	a.reportLoaded(ctx, loaded)
	a.opening.Store(nil)
	a.private.Use(admin.Handler(a.adminSettings, a.adminDeps()))
	return nil
}

func (a *App) adminSettings() admin.Config { return a.state.Load().loaded.Admin.Settings() }

func (a *App) metricsHandler() http.Handler {
	return promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

func (a *App) adminDeps() admin.Deps {
	d := admin.Deps{
		Operate: a.operator("api", "admin"), Ready: a.ready, Log: a.opts.Log.With("component", "admin"), Page: a.page,
		WrongToken: a.metrics.wrongToken.Inc, Metrics: a.metricsHandler(),
	}
	if a.opts.Load != nil {
		d.Reload = a.noted(d.Operate)
	}
	return d
}

// noted returns a reload that is kept as an event of who asked for it.
func (a *App) noted(by *operate.Operator) func(context.Context) error {
	return func(ctx context.Context) error {
		err := a.Reload(ctx)
		if !a.isStopping() {
			by.NoteReload(ctx, err)
		}
		return err
	}
}

// operator returns what does the work of operators for a surface, which logs as a
// component.
func (a *App) operator(via, component string) *operate.Operator {
	return operate.New(via, operate.Deps{
		Store: a.spool, Server: a.status, Redeem: a.redeem, Replayed: a.lanes.Replayed, NumberForms: a.numberForms, Explain: a.Explain, Test: a.testSink,
		Log: a.opts.Log.With("component", component),
	})
}

func (a *App) register() error {
	gauges := &delivery.Gauges{
		Lanes:   a.spool.Lanes,
		Intake:  func() int64 { return a.spool.Totals().IntakeDeadLetters },
		Breaker: a.breaker,
	}
	var errs []error
	for _, c := range []prometheus.Collector{a.spool, a.lanes, a.tracer, gauges, shares{a}} {
		errs = append(errs, a.registry.Register(c))
	}
	return errors.Join(errs...)
}

// sinkRemoved and undecodable count and log the dead letters that no lane
// makes.
func (a *App) sinkRemoved(sink string, n int) {
	a.lanes.SinkRemoved(sink, n)
	a.log.Warn("dead letters", "sink", sink, "reason", string(spool.SinkRemoved), "deliveries", n)
}

func (a *App) undecodable(id, source string) {
	a.lanes.Undecodable()
	a.log.Warn("dead letter", "source", source, "reason", string(spool.Undecoded), "id", id)
}
