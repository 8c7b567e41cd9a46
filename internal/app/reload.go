package app

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/config"
)

// A reload has three parts, in this order: what may fail (prepare), the switch
// (switchTo), and the ends of the sinks that were replaced (live), each on its own
// and with its deadline.

// Reload reads the configuration again and puts it in the place of the present
// one, or changes nothing and says why. It returns after the switch; sinks that
// were replaced may still be ending.
func (a *App) Reload(ctx context.Context) error {
	if a.opts.Load == nil {
		return errNoReload
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-a.stopping:
		return errStopping
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := a.reload(context.WithoutCancel(ctx))
	switch {
	case a.isStopping():
		return errStopping
	case err != nil:
		a.refuse(err)
		a.log.Error("the configuration was not changed", "error", err)
	}
	return err
}

func (a *App) reload(ctx context.Context) error {
	before := a.state.Load().loaded.Hash
	next, err := a.prepare(ctx)
	if err != nil {
		return err
	}
	if err := a.switchTo(ctx, next); err != nil {
		return err
	}
	if hash := next.loaded.Hash; hash != before {
		a.log.Info("the configuration was changed", "hash", hash.String()[:12])
	} else {
		a.log.Info("the configuration was read again; it is the one that runs", "hash", hash.String()[:12])
	}
	a.reportLoaded(ctx, next.loaded)
	return nil
}

// switchTo makes what is ready the present state, the certificate last. It waits for
// nothing, and fails only where a stop came first.
func (a *App) switchTo(ctx context.Context, next prepared) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isStopping() {
		return errStopping
	}
	a.intake.Use(next.intake)
	a.adopt(ctx, next.plan)
	a.public.Use(next.cert)
	return nil
}

// adopt makes a plan the present state, at a start and at a reload. Sinks that have
// changed are told to end, and those in their place begin as soon as each has.
func (a *App) adopt(ctx context.Context, p plan) {
	before := a.state.Load().running
	a.tables.Store(&p.loaded.Rows) // before a new lane renders
	for name, old := range before {
		if p.sinks[name] != old {
			a.replace(old, p.sinks[name])
		}
	}
	for name, s := range p.sinks {
		if before[name] != s {
			a.begin(ctx, s, a.last[name])
			a.last[name] = s
		}
	}
	a.state.Store(newState(state{loaded: p.loaded, running: p.sinks}))
	a.configure(ctx, p)
}

// configure hands the parts that live on what they read of a configuration.
func (a *App) configure(ctx context.Context, p plan) {
	a.tracer.Use(ctx, p.spans)
	a.public.Limit(p.loaded.Connections, p.loaded.TrustedProxies)
	a.spool.Configure(p.loaded.Spool)
	if a.opts.Level != nil {
		_ = a.opts.Level.UnmarshalText([]byte(p.loaded.Log.Level)) // Load has checked it
	}
	a.metrics.loaded(p.loaded.Hash)
	a.refused.Store(nil)
}

// reportLoaded logs the warnings, and the sinks that are gone from the configuration
// and are still owed something: a name that was mistyped or changed leaves its
// deliveries behind.
func (a *App) reportLoaded(ctx context.Context, loaded *config.Loaded) {
	for _, w := range loaded.Warnings {
		a.log.Warn("configuration", "line", w.Line, "key", w.Path, "warning", w.Text)
	}
	lanes, err := a.spool.Lanes(ctx)
	if err != nil {
		return // the spool reports its troubles itself, as does the status of the lanes
	}
	for _, l := range lanes {
		if !l.Configured && l.Waiting > 0 {
			a.log.Warn("deliveries wait for a sink that is not configured", "sink", l.Sink, "deliveries", l.Waiting)
		}
	}
}
