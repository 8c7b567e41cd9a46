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

// What may fail of a start and of a reload: it changes nothing that is in use.

// reloadWithin bounds what a reload waits for the disk of the spool.
const reloadWithin = 30 * time.Second

// plan is a configuration made ready.
type plan struct {
	loaded *config.Loaded
	intake intake.Config
	// sinks holds every sink by name; kept ones are those that run already.
	sinks map[string]*runningSink
	// spans is where spans go; nil for nowhere.
	spans *tracing.Export
}

// plan builds what the configuration asks for.
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

// prepared is a reload of which nothing can fail any more.
type prepared struct {
	plan
	intake intake.Prepared
	cert   intake.Certificate
}

// prepare reads the configuration and makes all of it ready. It waits for the disk of
// the spool, which hears of the lanes; a stop ends the wait.
func (a *App) prepare(ctx context.Context) (r prepared, err error) {
	ctx, cancel := context.WithTimeout(ctx, reloadWithin)
	defer cancel()
	defer cancelWhen(a.stopping, cancel)()
	loaded, err := a.load()
	if err != nil {
		return r, err
	}
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

var errNoReload = errors.New("this server has no configuration file")

// load reads the configuration, with what only a restart changes as it is now.
func (a *App) load() (*config.Loaded, error) {
	if a.opts.Fingerprint != nil {
		tried, _ := a.opts.Fingerprint() // Load says what is wrong
		a.tried.Store(&tried)
	}
	loaded, err := a.opts.Load()
	if err == nil {
		a.keepFixed(loaded)
	}
	return loaded, err
}

// keepFixed logs which changes need a restart, and keeps what is served now.
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

// lanes lists the configured sinks for the spool.
func lanes(loaded *config.Loaded) []spool.LaneConfig {
	var out []spool.LaneConfig
	for _, s := range loaded.Sinks {
		out = append(out, spool.LaneConfig{Sink: s.Name, GiveUpAfter: s.Lane.Retry.GiveUpAfter, LongestWait: max(s.Lane.Retry.Longest(), s.Settle), Settle: s.Settle})
	}
	return out
}
