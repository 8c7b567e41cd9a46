package crash

import (
	"context"
	"sync"
	"time"
)

// pulse measures what the machine could not run in time: a timer that fires
// late here says that the server's fire late, too.
type pulse struct {
	mu   sync.Mutex // guards late
	late []timing
}

// beat measures until the context ends.
func (p *pulse) beat(ctx context.Context) {
	const every = 5 * time.Millisecond
	for ctx.Err() == nil {
		begun := time.Now()
		wait(ctx, every)
		now := time.Now()
		if lag := now.Sub(begun) - every; lag > every {
			p.mu.Lock()
			p.late = append(p.late, timing{now, lag})
			p.mu.Unlock()
		}
	}
}

// worst is the greatest lag of the second before now.
func (p *pulse) worst(now time.Time) (lag time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.late) - 1; i >= 0 && now.Sub(p.late[i].at) < time.Second; i-- {
		lag = max(lag, p.late[i].took)
	}
	return lag
}
