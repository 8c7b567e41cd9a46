package app

import (
	"net"
	"net/netip"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// status returns what only the whole knows.
func (a *App) status() operate.Server {
	now := a.state.Load()
	loaded := now.loaded
	out := operate.Server{
		Version: a.opts.Version, ConfigHash: loaded.Hash.String(), StartedAt: a.started, ReloadedAt: now.since, Ready: a.ready(),
		Sources: a.sources(loaded), Sinks: []operate.Sink{},
	}
	if r := a.refused.Load(); r != nil {
		out.Refused = &operate.Refusal{At: call.At(r.at), Error: r.err.Error()}
	}
	for _, c := range loaded.Sinks {
		if s := now.running[c.Name]; s != nil {
			out.Sinks = append(out.Sinks, s.status())
		}
	}
	return out
}

// status returns what the lane and the client of a sink know.
func (s *runningSink) status() operate.Sink {
	health := s.lane.Health()
	out := operate.Sink{
		Name: s.config.Name, Kind: s.config.Kind(), Configured: true, Settle: s.config.Settle, Breaker: s.client.State().String(),
		RetryAt: call.At(s.client.ReadyAt()), NotBefore: s.lane.NotBefore(), InFlight: s.lane.Busy(),
		LastDeliveredAt: call.At(health.DeliveredAt), FailingSince: call.At(health.FailingSince),
		Failures: health.Failures, Refusals: health.Refusals, Recent: operate.RecentOf(health.Recent, outbound.Delivered.String()),
	}
	if f := health.LastFailure; f != nil {
		out.LastFailure = &operate.SinkFailure{
			At: call.At(f.At), CallID: f.CallID, Revision: f.Revision, Result: f.Result, Status: f.Status, Detail: f.Detail,
		}
	}
	if len(s.sink.Steps()) > 0 {
		out.Lookups = s.notFound
	}
	if s.config.Lane.Rate != nil {
		out.PerSecond = s.config.Lane.Rate.PerSecond
	}
	return out
}

// notFound returns what lookups of a sink did not find.
func (s *runningSink) notFound() (all []operate.NotFound) {
	for _, m := range s.sink.Missing() {
		all = append(all, operate.NotFound{Step: m.Step, Number: m.Number, Agent: m.Agent, CallID: m.CallID, At: call.At(m.At), Times: m.Times})
	}
	return all
}

// sources returns the configured sources with what came to them.
func (a *App) sources(loaded *config.Loaded) []operate.Source {
	out := []operate.Source{}
	activity := a.intake.Activity()
	for _, c := range loaded.Sources {
		s := operate.Source{Name: c.Name, Format: c.Format, Path: c.Path, Door: a.door(c)}
		if seen, ok := activity[c.Name]; ok {
			s.Recent = operate.RecentOf(seen.Recent, intake.Taken()...)
			if seen.Last != nil {
				last := callbackOf(*seen.Last)
				s.LastCallback = &last
			}
			for _, r := range seen.Refused {
				refused := operate.Refused{Callback: callbackOf(r.Callback), Reason: r.Reason}
				if r.Client.IsValid() {
					refused.Client = r.Client.String()
				}
				s.Refused = append(s.Refused, refused)
			}
		}
		out = append(out, s)
	}
	return out
}

func callbackOf(c intake.Callback) operate.Callback {
	return operate.Callback{At: call.At(c.At), Result: c.Result, Status: c.Status}
}

// door describes how a callback gets to a source.
func (a *App) door(c intake.SourceConfig) operate.Door {
	format := sourceOf(c).Dialect
	door := operate.Door{URL: a.publicURL() + c.Path, Example: format.Example, Signing: format.Signing}
	variable := func(l secret.List) string { return l[0].Origin().Env }
	switch auth := c.Auth; {
	case auth.Header != nil:
		door.Kind, door.Name, door.Secret = "header", auth.Header.Name, variable(auth.Header.Value)
	case auth.Query != nil:
		door.Kind, door.Name, door.Secret = "query", auth.Query.Name, variable(auth.Query.Value)
	case auth.Basic != nil:
		door.Kind, door.Name, door.Secret = "basic", auth.Basic.Username, variable(auth.Basic.Password)
	case auth.Bearer != nil:
		door.Kind, door.Secret = "bearer", variable(auth.Bearer)
	case auth.Digest != nil:
		door.Kind, door.Key, door.Secret = "digest", variable(auth.Digest.AccessKey), variable(auth.Digest.AccessSecret)
	}
	return door
}

// publicURL is the address of the public listener as seen from this machine.
func (a *App) publicURL() string {
	scheme := "http"
	if a.state.Load().loaded.TLS != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(a.Addr().String())
	if err != nil {
		return scheme + "://" + a.Addr().String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
