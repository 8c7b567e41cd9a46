package sqlite

import (
	"runtime"
	"time"
)

// gather lets the goroutines that can run go first: callbacks that are ready to
// be kept join the group, which is synced once for all of them. It waits for
// nobody who has to wait; alone a callback is committed at once.
func (w *writer) gather() {
	for before := 0; ; {
		w.mu.Lock()
		waiting := len(w.urgent)
		w.mu.Unlock()
		if waiting <= before || waiting >= gatherMax {
			return
		}
		before = waiting
		runtime.Gosched()
	}
}

// next returns the ops to commit now, or how long to wait for the lazy ones. While
// the disk refuses, the two kinds go apart: reports need little room, and must
// not fail for ever because callbacks do.
func (w *writer) next() (group []*op, wait time.Duration, end bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	due := w.lazyDue
	if w.holdOff.After(due) {
		due = w.holdOff
	}
	ripe := len(w.lazies) > 0 && (w.closed || !now.Before(due) || len(w.lazies) >= lazyFull && !now.Before(w.holdOff))
	switch {
	case w.away != nil:
		return nil, 0, w.closed && w.swap == nil
	case len(w.urgent) == 0 && !ripe:
		if len(w.lazies) > 0 {
			wait = max(due.Sub(now), time.Millisecond)
		}
		return nil, wait, w.closed && len(w.tasks) == 0
	case w.broken == nil:
		group, w.urgent = take(w.urgent, w.most)
		var lazies []*op
		lazies, w.lazies = take(w.lazies, w.most)
		group = append(group, lazies...)
	case ripe:
		group, w.lazies = take(w.lazies, w.most)
	default:
		group, w.urgent = take(w.urgent, w.most)
	}
	return group, 0, false
}

// take splits off as many ops as one transaction may have, and at least one.
func take(q []*op, most int) (head, rest []*op) {
	n := 0
	for bytes := 0; n < min(len(q), groupMax); n++ {
		if bytes += q[n].bytes; n > 0 && bytes > most {
			break
		}
	}
	if n == len(q) {
		return q, nil
	}
	return q[:n:n], append([]*op(nil), q[n:]...)
}
