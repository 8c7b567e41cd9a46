package app

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// runningSink is one sink with its client and its lane.
type runningSink struct {
	config config.Sink
	// mark tells whether a later configuration of the sink is the same.
	mark   config.Hash
	sink   contract.Sink
	client *outbound.Client
	lane   *delivery.Lane
}

// buildSink makes a sink without starting it.
func (a *App) buildSink(c config.Sink, mark config.Hash) (*runningSink, error) {
	s := &runningSink{config: c, mark: mark}
	var err error
	if s.sink, err = c.Build(); err != nil {
		return nil, err
	}
	transport := s.sink.Transport()
	transport.UserAgent = userAgent(a.opts.Version)
	if s.client, err = outbound.New(c.Name, transport, c.Settings); err != nil {
		return nil, err
	}
	s.lane = delivery.New(c.Name, c.Lane, delivery.Deps{
		Store: a.spool, Renderer: s.sink, Client: s.client, Metrics: a.lanes, Log: a.opts.Log, Tracer: a.tracer,
	})
	return s, nil
}

// userAgent is what we call ourselves.
func userAgent(version string) string { return "cdrelay/" + version }

// replace starts the sink in the place of the one that served before, if any:
// what the breaker knows stays known.
func (s *runningSink) replace(ctx context.Context, old *runningSink) {
	if old != nil {
		s.client.Inherit(old.client)
	}
	s.lane.Start(ctx)
}

// stop lets attempts on their way finish until the context is done.
func (s *runningSink) stop(ctx context.Context) {
	s.lane.Stop(ctx)
	s.client.Close()
}

// breaker gives the state of a sink's breaker.
func (a *App) breaker(sink string) (outbound.State, bool) {
	s := a.state.Load().running[sink]
	if s == nil {
		return outbound.Closed, false
	}
	return s.client.State(), true
}
