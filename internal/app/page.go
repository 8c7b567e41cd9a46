package app

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/dashboard"
)

// newPage makes the dashboard. It reads the counters once, so the collectors
// must be registered before.
func (a *App) newPage() (*dashboard.Dashboard, error) {
	d := dashboard.Deps{
		Store: a.spool, Status: a.pageStatus, Counters: dashboard.FromGatherer(a.registry),
		Redeem: a.redeem, Replayed: a.lanes.Replayed, Explain: a.Explain,
		Configuration: func() ([]byte, error) { return a.state.Load().loaded.Masked() },
		Log:           a.opts.Log.With("component", "dashboard"),
	}
	if a.opts.Load != nil {
		d.Reload = a.Reload
	}
	return dashboard.New(d)
}

// pageStatus tells what only the whole knows, for the dashboard.
func (a *App) pageStatus() dashboard.Status {
	now := a.state.Load()
	out := dashboard.Status{
		Version: a.opts.Version, ConfigHash: now.loaded.Hash.String(), StartedAt: a.started, Ready: a.ready(),
		ReloadedAt: now.since,
	}
	if r := a.refused.Load(); r != nil {
		out.ReloadFailed = r.err
	}
	for _, s := range now.loaded.Sources {
		out.Sources = append(out.Sources, dashboard.Source{Name: s.Name, Format: s.Format, Path: s.Path})
	}
	for _, c := range now.loaded.Sinks {
		s := now.running[c.Name]
		if s == nil {
			continue
		}
		sink := dashboard.Sink{
			Name: c.Name, Kind: c.Kind(), Breaker: s.client.State().String(), RetryAt: s.client.ReadyAt(), InFlight: s.lane.Busy(),
		}
		if c.Lane.Rate != nil {
			sink.PerSecond = c.Lane.Rate.PerSecond
		}
		out.Sinks = append(out.Sinks, sink)
	}
	return out
}

// newState is a configuration in use from now on.
func newState(s state) *state {
	s.since = time.Now()
	return &s
}
