package sqlite

import "time"

const (
	// walkTime is how long one page looks for calls or dead letters, so that a filter
	// that selects nothing answers in bounded time, with a cursor to go on from.
	walkTime = 100 * time.Millisecond
	// workAtOnce is how much is looked at, in bytes, before the clock is: what a small
	// store holds is one page, however long a busy machine lets it wait.
	workAtOnce = 1 << 20
	// rowWork is what looking at one row counts for, besides the bytes that are read.
	rowWork = 16 << 10
)

// pace says when the time of a page is over.
type pace struct {
	now  func() time.Time
	end  time.Time
	work int // since the clock was looked at
}

// paceOf returns the pace of a page that begins now, by a clock.
func paceOf(now func() time.Time) pace { return pace{now: now, end: now().Add(walkTime)} }

// read counts bytes that were read.
func (p *pace) read(bytes int) { p.work += bytes }

// over counts one more row, and reports whether the page must end before it.
func (p *pace) over() bool {
	if p.work += rowWork; p.work < workAtOnce {
		return false
	}
	p.work = 0
	return !p.now().Before(p.end)
}
