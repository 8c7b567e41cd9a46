package delivery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// Store is the part of the spool that a lane works with; the spool's comments
// are the contract.
type Store interface {
	spool.Queue
	SetPause(ctx context.Context, sink string, p spool.Pause) error
	PauseOf(sink string) spool.Pause
	Waiting(sink string) int64
}

// Renderer makes the requests for a call record; an error of the Series is a fault of
// this record, never of the sink.
type Renderer interface {
	Series(messageID string, r *call.Record, remembered map[string]string) outbound.Series
}

// Exchanger makes one exchange with the sink; *outbound.Client is one.
type Exchanger interface {
	Do(ctx context.Context, r *outbound.Request) outbound.Outcome
	State() outbound.State
	ReadyAt() time.Time
}

// Deps are what a lane works with.
type Deps struct {
	Store    Store
	Renderer Renderer
	Client   Exchanger
	Metrics  *Metrics
	Log      *slog.Logger
	// Tracer makes the spans of attempts; nil for none.
	Tracer *tracing.Tracer
	// Requests bounds the memory of requests, those of other lanes too; nil for
	// bounds of this lane alone.
	Requests *Requests
}

// Lane delivers to one sink.
type Lane struct {
	name string
	set  Settings
	deps Deps
	log  *slog.Logger
	rate *rate.Limiter // nil for no bound
	jobs chan job
	tell teller
	// health is how the sink answers.
	health *health
	// random spreads the retries: a number in [0, 1).
	random func() float64

	ending  sync.Mutex         // guards retired and stop
	retired bool               // nothing is leased any more
	stop    context.CancelFunc // ends the leasing; nil before Start
	abort   context.CancelFunc // ends the attempts on their way
	running sync.WaitGroup
	busy    atomic.Int64
	// queued is how many fresh deliveries wait for a worker.
	queued atomic.Int64
	// quick is how many workers are at quick tries.
	quick atomic.Int64

	mu       sync.Mutex // guards what the lane has learned of its sink
	proof    proof
	opinions opinions
	quota    quota

	pausing sync.Mutex // one pause is written at a time, and guards written
	// written is the end of the sink's pause that the store has; zero for none.
	written time.Time
}

// New makes a lane for the sink of that name. Start starts it.
func New(name string, s Settings, deps Deps) *Lane {
	s = s.WithDefaults()
	if deps.Requests == nil {
		deps.Requests = NewRequests(0)
	}
	l := &Lane{
		name: name, set: s, deps: deps,
		log:  deps.Log.With("component", "delivery", "sink", name),
		jobs: make(chan job), random: rand.Float64, health: newHealth(),
		quota: quota{workers: s.Concurrency}, rate: s.Rate.Limiter(),
	}
	return l
}

// Succeed shares with the lane that served the same sink before a reload how the sink
// answers. It is called before anybody else knows this lane.
func (l *Lane) Succeed(old *Lane) { l.health = old.health }

// Inherit takes over what the lane knows that served the same sink before a
// reload and has ended: what it learned of the sink, a pause, the tokens that are
// used up, and what was logged. It is called before Start.
func (l *Lane) Inherit(old *Lane) {
	l.mu.Lock()
	l.proof, l.opinions, l.quota.free, l.written = old.proof, old.opinions, old.quota.free, old.written
	l.mu.Unlock()
	l.tell.inherit(&old.tell)
	if l.rate != nil && old.rate != nil && *l.set.Rate == *old.set.Rate {
		l.rate = old.rate
	}
}

// Start begins to deliver. The context ends nothing: Stop does.
func (l *Lane) Start(ctx context.Context) {
	leasing, stop := context.WithCancel(context.WithoutCancel(ctx))
	attempts, abort := context.WithCancel(context.WithoutCancel(ctx))
	l.abort = abort
	l.ending.Lock()
	if l.stop = stop; l.retired {
		stop()
	}
	l.ending.Unlock()
	l.resume()
	for range l.set.Concurrency {
		l.running.Go(func() { l.work(attempts) })
	}
	l.running.Go(func() {
		defer close(l.jobs)
		l.dispatch(leasing)
	})
}

// Retire ends the leasing, and waits for nothing: what is accepted from now on is
// left to the next lane of the sink. It may come before Start.
func (l *Lane) Retire() {
	l.ending.Lock()
	defer l.ending.Unlock()
	l.retired = true
	if l.stop != nil {
		l.stop()
	}
}

// Stop ends the leasing at once, lets attempts on their way finish until the
// context is done, then cuts them off; those spend no attempt. When it returns,
// all that was settled has been reported to the store.
func (l *Lane) Stop(ctx context.Context) {
	l.Retire()
	finished := make(chan struct{})
	go func() {
		l.running.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		l.abort()
		<-finished
	}
	l.abort()
}

// Busy is the number of attempts on their way.
func (l *Lane) Busy() int { return int(l.busy.Load()) }

// work makes the attempts that the dispatcher hands out. Those that meet a pause
// that is younger than their lease go back; an open breaker refuses by itself.
func (l *Lane) work(ctx context.Context) {
	for j := range l.jobs {
		if l.held() > 0 || !j.alone() && l.careful() {
			l.release([]*spool.Delivery{j.delivery})
			j.tell(outbound.Verdict{})
			continue
		}
		j.tell(l.attempt(ctx, j))
	}
}

// alone reports whether the delivery is tried alone, to see how the sink is.
func (j job) alone() bool { return j.done != nil }

// tell ends the wait for one that is tried alone.
func (j job) tell(v outbound.Verdict) {
	if j.done != nil {
		j.done <- v
	}
}
