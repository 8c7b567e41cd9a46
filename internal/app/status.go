package app

import (
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// status returns what only the whole knows.
func (a *App) status() operate.Server {
	now := a.state.Load()
	loaded := now.loaded
	out := operate.Server{
		Version: a.opts.Version, ConfigHash: loaded.Hash.String(), StartedAt: a.started, ReloadedAt: now.since, Ready: a.ready(),
		Sources: []operate.Source{}, Sinks: []operate.Sink{},
	}
	if r := a.refused.Load(); r != nil {
		out.Refused = &operate.Refusal{At: call.At(r.at), Error: r.err.Error()}
	}
	for _, s := range loaded.Sources {
		out.Sources = append(out.Sources, operate.Source{Name: s.Name, Format: s.Format, Path: s.Path})
	}
	for _, c := range loaded.Sinks {
		s := now.running[c.Name]
		if s == nil {
			continue
		}
		sink := operate.Sink{
			Name: c.Name, Kind: c.Kind(), Configured: true, Breaker: s.client.State().String(),
			RetryAt: call.At(s.client.ReadyAt()), InFlight: s.lane.Busy(),
		}
		if c.Lane.Rate != nil {
			sink.PerSecond = c.Lane.Rate.PerSecond
		}
		out.Sinks = append(out.Sinks, sink)
	}
	return out
}
