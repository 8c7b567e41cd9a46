package app

import (
	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/call"
)

// status tells what only the whole knows.
func (a *App) status() admin.ServerStatus {
	now := a.state.Load()
	loaded := now.loaded
	out := admin.ServerStatus{
		Version: a.opts.Version, ConfigHash: loaded.Hash.String(), StartedAt: a.started, Ready: a.ready(),
		Sources: []admin.SourceStatus{}, Sinks: []admin.SinkStatus{},
	}
	if r := a.refused.Load(); r != nil {
		out.Refused = &admin.Refusal{At: call.At(r.at), Error: r.err.Error()}
	}
	for _, s := range loaded.Sources {
		out.Sources = append(out.Sources, admin.SourceStatus{Name: s.Name, Format: s.Format, Path: s.Path})
	}
	for _, c := range loaded.Sinks {
		s := now.running[c.Name]
		if s == nil {
			continue
		}
		out.Sinks = append(out.Sinks, admin.SinkStatus{
			Name: c.Name, Kind: c.Kind(), Configured: true, Breaker: s.client.State().String(),
			RetryAt: call.At(s.client.ReadyAt()), InFlight: s.lane.Busy(),
		})
	}
	return out
}
