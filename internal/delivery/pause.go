package delivery

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// pauseMax is the longest pause that a sink can ask for: outbound clamps it.
	pauseMax = time.Hour
	// sameMoment is how far apart the ends of pauses may lie that count as one:
	// answers to deliveries on their way together.
	sameMoment = time.Second
)

// pausedFor is how long the lane must rest by order of its sink or of an
// operator; 0 when neither asks for it. A sink's pause that ends later than any
// can was made before the clock was set back, and is over.
func (l *Lane) pausedFor() time.Duration {
	now := l.deps.Store.Now()
	p := l.deps.Store.PauseOf(l.name)
	left := p.Until.Sub(now)
	if p.By == spool.ByOperator {
		return max(0, left)
	}
	left = max(left, time.UnixMilli(l.rest.Load()).Sub(now))
	if left > pauseMax {
		return 0
	}
	return max(0, left)
}

// pause rests the lane as the sink asked, at once in memory and then durably.
// An operator's pause and a longer one of the sink stand above it. Where the
// disk does not take it, the pause holds in memory.
func (l *Lane) pause(wait time.Duration) (until time.Time) {
	until = l.deps.Store.Now().Add(wait)
	l.pausing.Lock()
	defer l.pausing.Unlock()
	left := l.pausedFor()
	if left > 0 && wait-left < sameMoment {
		return until
	}
	l.rest.Store(until.UnixMilli())
	if err := l.deps.Store.SetPause(l.name, spool.Pause{Until: until, By: spool.BySink}); err != nil {
		l.log.Error("the pause that the sink asked for is not durable", "until", until, "error", err)
		return until
	}
	l.rest.Store(0) // or an operator's resume would not end it
	if left == 0 {
		l.log.Info("the sink asked for a pause", "until", until)
	}
	return until
}
