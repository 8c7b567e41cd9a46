package delivery

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// proof is what a lane knows about its sink taking deliveries. It is pure: it is
// told what happened, and when.
//
// Invariant: an attempt is doubtful only if another delivery was delivered by an
// attempt that began after the attempt before had failed. So a sink that is down
// puts nothing in doubt, however often it is tried.
type proof struct {
	// since is when the lane began to watch; nothing is known of before.
	since time.Time
	// newest is when the attempt began that began last of those that delivered.
	newest time.Time
}

// delivered notes an attempt that delivered, by when it began.
func (p *proof) delivered(begun time.Time) {
	if begun.After(p.newest) {
		p.newest = begun
	}
}

// taken reports whether the sink took another delivery after that time, and
// whether that is known.
func (p *proof) taken(after time.Time) (taken, known bool) {
	// The store keeps milliseconds.
	if p.newest.Truncate(time.Millisecond).After(after) {
		return true, true
	}
	return false, !after.Before(p.since)
}

// doubtful reports whether an attempt that fails now is doubtful. Where a restart
// hides what was delivered meanwhile, a delivery stays what it was.
func (p *proof) doubtful(h spool.History) (doubtful, known bool) {
	if h.FailedAt.IsZero() {
		return false, true
	}
	taken, known := p.taken(h.FailedAt)
	if !known {
		return h.Doubtful, false
	}
	return taken, true
}

// judge returns the history of a delivery after an attempt that ended and did not
// deliver.
func (p *proof) judge(h spool.History, ended time.Time) spool.History {
	doubtful, known := p.doubtful(h)
	h.Spent++
	h.Doubtful = doubtful
	if doubtful && known {
		h.Doubts++
	}
	h.FailedAt = ended.Truncate(time.Millisecond)
	return h
}
