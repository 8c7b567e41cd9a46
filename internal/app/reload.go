package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// A reload has three parts: what may fail (prepare), the switch, which cannot, and
// the ends of what was replaced, each on its own and with its deadline (live).

// reloadWithin bounds what a reload waits for the disk of the spool.
const reloadWithin = 30 * time.Second

var errNoReload = errors.New("this server has no configuration file")

// plan is a configuration made ready.
type plan struct {
	loaded *config.Loaded
	intake intake.Config
	// sinks holds every sink by name; kept ones are those that run already.
	sinks map[string]*runningSink
	// spans is where spans go; nil for nowhere.
	spans *tracing.Export
}

// plan builds what the configuration asks for and changes nothing.
func (a *App) plan(ctx context.Context, loaded *config.Loaded) (plan, error) {
	router := route.New(loaded.Rules, loaded.Rows.Lookup)
	p := plan{
		loaded: loaded,
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
	return intake.Source{SourceConfig: s, Dialect: format}
}

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
	if a.isStopping() {
		return errStopping
	}
	if err != nil {
		a.refuse(err)
		a.log.Error("the configuration was not changed", "error", err)
	}
	return err
}

func (a *App) reload(ctx context.Context) error {
	before := a.state.Load().loaded.Hash
	r, err := a.prepare(ctx)
	if err != nil {
		return err
	}
	if err := a.switchTo(ctx, r); err != nil {
		return err
	}
	if hash := r.loaded.Hash; hash != before {
		a.log.Info("the configuration was changed", "hash", hash.String()[:12])
	} else {
		a.log.Info("the configuration was read again; it is the one that runs", "hash", hash.String()[:12])
	}
	a.tellLoaded(ctx, r.loaded)
	return nil
}

// prepared is a reload of which nothing can fail any more.
type prepared struct {
	plan
	intake intake.Prepared
	cert   intake.Certificate
}

// prepare does all of a reload that may fail or wait, and changes nothing that is
// in use: of the lanes only the spool hears.
func (a *App) prepare(ctx context.Context) (r prepared, err error) {
	ctx, cancel := context.WithTimeout(ctx, reloadWithin)
	defer cancel()
	defer cancelWhen(a.stopping, cancel)()
	if a.opts.Fingerprint != nil {
		tried, _ := a.opts.Fingerprint() // Load says what is wrong
		a.tried.Store(&tried)
	}
	loaded, err := a.opts.Load()
	if err != nil {
		return r, err
	}
	a.keepFixed(loaded)
	if r.plan, err = a.plan(ctx, loaded); err != nil {
		return r, err
	}
	if r.intake, err = a.intake.Prepare(r.plan.intake); err != nil {
		return r, err
	}
	if r.cert, err = a.public.ReadCertificate(); err != nil {
		return r, err
	}
	if err := a.spool.SetLanes(ctx, lanes(loaded)); err != nil {
		return r, &notNow{err}
	}
	return r, nil
}

// notNow is a refusal that has nothing to do with the configuration.
type notNow struct{ err error }

func (e *notNow) Error() string {
	return fmt.Sprintf("the spool does not take the list of sinks: %v", e.err)
}
func (e *notNow) Unwrap() error { return e.err }

// switchTo makes what is ready the present state, the certificate last. It waits
// for nothing.
func (a *App) switchTo(ctx context.Context, r prepared) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isStopping() {
		return errStopping
	}
	a.intake.Use(r.intake)
	a.adopt(ctx, r.plan)
	a.public.Use(r.cert)
	return nil
}

// adopt makes a plan the present state: sinks that have changed are told to end,
// and those in their place begin as soon as each has.
func (a *App) adopt(ctx context.Context, p plan) {
	before := a.state.Load().running
	a.tracer.Use(ctx, p.spans)
	a.tables.Store(&p.loaded.Rows)
	for name, old := range before {
		next := p.sinks[name]
		if next == old {
			continue
		}
		old.leave(old.config.Timeout, next == nil)
		if next == nil {
			a.lanes.Forget(name)
		}
	}
	for name, s := range p.sinks {
		if before[name] != s {
			a.begin(ctx, s, a.last[name])
			a.last[name] = s
		}
	}
	a.state.Store(newState(state{loaded: p.loaded, running: p.sinks}))
	a.public.Limit(p.loaded.Connections, p.loaded.TrustedProxies)
	a.spool.Configure(p.loaded.Spool)
	a.metrics.loaded(p.loaded.Hash)
	a.refused.Store(nil)
	if a.opts.Level != nil {
		_ = a.opts.Level.UnmarshalText([]byte(p.loaded.Log.Level)) // Load has checked it
	}
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

// tellLoaded tells of warnings, and of sinks that are gone from the configuration
// and are still owed something: a name that was mistyped or changed leaves its
// deliveries behind.
func (a *App) tellLoaded(ctx context.Context, loaded *config.Loaded) {
	for _, w := range loaded.Warnings {
		a.log.Warn("configuration", "line", w.Line, "key", w.Path, "warning", w.Text)
	}
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

// lanes tells the spool of the configured sinks.
func lanes(loaded *config.Loaded) []spool.LaneConfig {
	var out []spool.LaneConfig
	for _, s := range loaded.Sinks {
		out = append(out, spool.LaneConfig{Sink: s.Name, GiveUpAfter: s.Lane.Retry.GiveUpAfter, LongestWait: s.Lane.Retry.Longest()})
	}
	return out
}
