package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// watchEvery is how often the content of the configuration is looked at. It is
// polled because a ConfigMap changes by a swap of a link that a watch on the
// path would miss.
const watchEvery = 5 * time.Second

// plan is a configuration made ready: all that can fail is done.
type plan struct {
	intake intake.Config
	// sinks holds every sink by name; kept ones are those that run already.
	sinks map[string]*runningSink
	// spans is where spans go; nil for nowhere.
	spans *tracing.Export
}

// plan builds what the configuration asks for and changes nothing.
func (a *App) plan(ctx context.Context, loaded *config.Loaded) (plan, error) {
	router := route.New(loaded.Rules)
	p := plan{
		intake: intake.Config{Router: router, Rules: router.Rules(), TrustedProxies: loaded.TrustedProxies},
		sinks:  map[string]*runningSink{},
	}
	for _, s := range loaded.Sources {
		p.intake.Sources = append(p.intake.Sources, sourceOf(s))
	}
	for _, c := range loaded.Sinks {
		mark := loaded.SinkMarks[c.Name]
		if old := a.state.Load().running[c.Name]; old != nil && old.mark == mark {
			p.sinks[c.Name] = old
			continue
		}
		built, err := a.buildSink(c, mark)
		if err != nil {
			return plan{}, err
		}
		p.sinks[c.Name] = built
	}
	var err error
	p.spans, err = a.tracer.Prepare(ctx, loaded.Tracing)
	return p, err
}

// sourceOf joins a configured source with its format.
func sourceOf(s intake.SourceConfig) intake.Source {
	format, _ := adapter.Lookup(s.Format) // Load knows that it is there
	return intake.Source{SourceConfig: s, Convert: format.Convert, FormField: format.FormField}
}

// Reload reads the configuration again and puts it in the place of the present
// one, or changes nothing and says why.
func (a *App) Reload(ctx context.Context) error {
	if a.opts.Load == nil {
		return errNoReload
	}
	a.reloading.Lock()
	defer a.reloading.Unlock()
	if a.stopping.Load() {
		return a.ready()
	}
	err := a.reload(context.WithoutCancel(ctx))
	a.noteReload(err)
	if err != nil {
		a.log.Error("the configuration was not changed", "error", err)
	}
	return err
}

func (a *App) reload(ctx context.Context) error {
	loaded, err := a.opts.Load()
	if err != nil {
		return err
	}
	a.keepFixed(loaded)
	p, err := a.plan(ctx, loaded)
	if err != nil {
		return err
	}
	if err := a.public.Reload(); err != nil {
		return err
	}
	if err := a.spool.SetLanes(lanes(loaded)); err != nil {
		return err
	}
	if err := a.intake.Update(p.intake); err != nil {
		return err
	}
	a.adopt(ctx, loaded, p)
	a.log.Info("the configuration was changed", "hash", loaded.Hash.String()[:12])
	return nil
}

// keepFixed says which changes need a restart, and keeps what is served now.
func (a *App) keepFixed(loaded *config.Loaded) {
	now := a.state.Load().loaded.Config
	for _, fixed := range []struct{ key, was, is string }{
		{"listen", now.Listen, loaded.Listen},
		{"admin.listen", now.Admin.Listen, loaded.Admin.Listen},
		{"spool.path", now.Spool.Path, loaded.Spool.Path},
		{"tls", tlsText(now.TLS), tlsText(loaded.TLS)},
		{"log.format", now.Log.Format, loaded.Log.Format},
	} {
		if fixed.was != fixed.is {
			a.log.Warn("this change needs a restart", "key", fixed.key, "now", fixed.was, "in_file", fixed.is)
		}
	}
	loaded.Listen, loaded.Admin.Listen, loaded.Spool.Path = now.Listen, now.Admin.Listen, now.Spool.Path
	loaded.TLS, loaded.Log.Format = now.TLS, now.Log.Format
}

// tlsText names the files; what is in them may change at any time.
func tlsText(f *intake.TLSFiles) string {
	if f == nil {
		return "none"
	}
	return f.Cert + ", " + f.Key
}

// adopt makes a plan the present state: lanes that are gone or have changed end
// first, then new ones start. It cannot fail.
func (a *App) adopt(ctx context.Context, loaded *config.Loaded, p plan) {
	before := a.state.Load().running
	a.tracer.Use(ctx, p.spans)
	endReplaced(ctx, before, p.sinks)
	for name, s := range p.sinks {
		a.lanes.Watch(name)
		if before[name] != s {
			s.replace(ctx, before[name])
		}
	}
	a.state.Store(newState(state{loaded: loaded, running: p.sinks}))
	for name := range before {
		if p.sinks[name] == nil {
			a.lanes.Forget(name)
		}
	}
	a.public.Limit(loaded.Connections, loaded.TrustedProxies)
	a.spool.Configure(loaded.Spool)
	a.metrics.loaded(loaded.Hash)
	if a.opts.Level != nil {
		_ = a.opts.Level.UnmarshalText([]byte(loaded.Log.Level)) // Load has checked it
	}
	for _, w := range loaded.Warnings {
		a.log.Warn("configuration", "line", w.Line, "key", w.Path, "warning", w.Text)
	}
	a.tellOwed(ctx)
}

// tellOwed says which sinks are gone from the configuration and are still owed
// something: a name that was mistyped or changed leaves its deliveries behind.
func (a *App) tellOwed(ctx context.Context) {
	lanes, err := a.spool.Lanes(ctx)
	if err != nil {
		return // the spool tells of its troubles itself, and the status of the lanes
	}
	for _, l := range lanes {
		if !l.Configured && l.Waiting > 0 {
			a.log.Warn("deliveries wait for a sink that is not configured", "sink", l.Sink, "deliveries", l.Waiting)
		}
	}
}

// endReplaced stops the lanes that are not kept, all at once, with time for the
// attempts on their way.
func endReplaced(ctx context.Context, before, after map[string]*runningSink) {
	var ending sync.WaitGroup
	for name, old := range before {
		if after[name] != old {
			ending.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, old.config.Timeout)
				defer cancel()
				old.stop(ctx)
			})
		}
	}
	ending.Wait()
}

// watch reloads when the content of the configuration, of a secret's file or of
// a certificate has changed. A file that is bad is read once, not every time; what
// failed because the spool took nothing is tried again when it does.
func (a *App) watch(ctx context.Context) {
	if a.opts.Fingerprint == nil || a.opts.Load == nil {
		return
	}
	last, refused := a.state.Load().loaded.Hash, false
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := a.opts.Fingerprint()
		again := refused && a.spool.Ready() == nil
		if err != nil || now == last && !again {
			continue // a file in the middle of a swap is looked at again
		}
		last, refused = now, false
		if now != a.state.Load().loaded.Hash {
			refused = errors.Is(a.Reload(ctx), spool.ErrUnavailable) // which it has logged and counted
		}
	}
}

// lanes tells the spool of the configured sinks.
func lanes(loaded *config.Loaded) []spool.LaneConfig {
	var out []spool.LaneConfig
	for _, s := range loaded.Sinks {
		out = append(out, spool.LaneConfig{Sink: s.Name, GiveUpAfter: s.Lane.Retry.GiveUpAfter, LongestWait: s.Lane.Retry.Max})
	}
	return out
}
