package app

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// runningSink is one sink with its client and its lane.
type runningSink struct {
	config config.Sink
	// mark reports whether a later configuration of the sink is the same.
	mark   config.Hash
	sink   contract.Sink
	client *outbound.Client
	lane   *delivery.Lane

	// end tells the sink to end, once.
	end   chan ending
	ended chan struct{} // closed when nothing of it runs any more
}

// buildSink makes a sink without starting it.
func (a *App) buildSink(c config.Sink, mark config.Hash) (*runningSink, error) {
	s := &runningSink{config: c, mark: mark, end: make(chan ending, 1), ended: make(chan struct{})}
	var err error
	if s.sink, err = c.Build(contract.Deps{Keep: keep{a.spool, c.Name}, Lookup: a.lookup, Looked: a.lanes.Looked(c.Name)}); err != nil {
		return nil, err
	}
	transport := s.sink.Transport()
	transport.UserAgent = userAgent(a.opts.Version)
	if s.client, err = outbound.New(c.Name, transport, c.Settings); err != nil {
		return nil, err
	}
	s.lane = delivery.New(c.Name, c.Lane, delivery.Deps{
		Store: a.spool, Renderer: s.sink, Client: s.client, Metrics: a.lanes, Log: a.opts.Log, Tracer: a.tracer, Requests: a.requests,
	})
	return s, nil
}

// lookup looks into the tables of today, so that a table that changes replaces no
// lane.
func (a *App) lookup(table, key string) (string, bool) { return a.tables.Load().Lookup(table, key) }

// userAgent is what we call ourselves.
func userAgent(version string) string { return "cdrelay/" + version }

// ending is how a sink ends.
type ending struct {
	// within bounds the attempts on their way, besides shutdown.grace; 0 for no bound
	// of its own.
	within time.Duration
	// gone says that no other sink takes its place.
	gone bool
}

// leave tells the sink to end. It is called once, and waits for nothing.
func (s *runningSink) leave(how ending) {
	s.lane.Retire()
	s.end <- how
}

// replace ends a sink that another one follows, or none (nil).
func (a *App) replace(old, next *runningSink) {
	old.leave(ending{within: old.config.Timeout, gone: next == nil})
	if next == nil {
		a.lanes.Forget(old.config.Name)
	}
}

// begin starts the life of a sink, which waits for the one before it of the same name
// (nil for none), and for no other.
func (a *App) begin(ctx context.Context, s, before *runningSink) {
	a.watchSeries(s)
	if before != nil {
		s.client.Inherit(before.client)
		s.lane.Succeed(before.lane)
	}
	a.lives.Go(func() {
		defer close(s.ended)
		a.live(ctx, s, before)
	})
}

// watchSeries makes the series of a sink's metrics.
func (a *App) watchSeries(s *runningSink) {
	a.lanes.Watch(s.config.Name)
	a.lanes.WatchSteps(s.config.Name, s.sink.Steps(), contract.LookupResults())
	if s.config.Settle > 0 {
		a.lanes.WatchSettling(s.config.Name)
	}
}

// live is the life of a sink: it waits for the one before it, delivers until it is
// told to end, and waits for the attempts on their way.
func (a *App) live(ctx context.Context, s, before *runningSink) {
	if before != nil {
		<-before.ended
		s.lane.Inherit(before.lane)
		s.sink.Inherit(before.sink)
	}
	var how ending
	select {
	case how = <-s.end: // replaced before its turn came
	default:
		a.watchSeries(s) // which the one before may have forgotten
		s.lane.Start(ctx)
		how = <-s.end
		a.finish(ctx, s, how)
	}
	s.client.Close()
	if how.gone {
		a.lanes.Forget(s.config.Name)
	}
}

// finish waits for the attempts on their way, until they have had their time.
func (a *App) finish(ctx context.Context, s *runningSink, how ending) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if how.within > 0 {
		ctx, cancel = context.WithTimeout(ctx, how.within)
		defer cancel()
	}
	defer cancelWhen(a.graceOver, cancel)()
	s.lane.Stop(ctx)
}

// cancelWhen cancels when a channel is closed, until the returned func is called.
func cancelWhen(closed <-chan struct{}, cancel context.CancelFunc) (release func()) {
	done := make(chan struct{})
	go func() {
		select {
		case <-closed:
			cancel()
		case <-done:
		}
	}()
	return func() { close(done) }
}

// keep is the place in the spool for what one sink must find again.
type keep struct {
	spool spool.Lanes
	sink  string
}

// Get implements contract.Keep.
func (k keep) Get(ctx context.Context, name string) ([]byte, error) {
	return k.spool.Kept(ctx, k.sink, name)
}

// Put implements contract.Keep.
func (k keep) Put(ctx context.Context, name string, value []byte) error {
	return k.spool.Keep(ctx, k.sink, name, value)
}

// breaker returns the state of a sink's breaker.
func (a *App) breaker(sink string) (outbound.State, bool) {
	s := a.state.Load().running[sink]
	if s == nil {
		return outbound.Closed, false
	}
	return s.client.State(), true
}
