package sqlite

import (
	"fmt"
	"time"
)

// hangError is why a disk that does not answer does not count as well.
type hangError struct{ since time.Duration }

func (e *hangError) Error() string {
	return fmt.Sprintf("the disk has not answered for %v", e.since.Round(time.Second))
}

// time runs f, which gives the disk something to do. A disk that took too long for
// it counts as one that refused, until a probe has succeeded.
func (w *writer) time(f func()) {
	w.mu.Lock()
	w.busy = time.Now()
	w.mu.Unlock()
	f()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hangsLocked() != nil {
		w.failed = w.clock.now()
	}
	w.busy = time.Time{}
}

// hangs returns an error while the disk does not answer.
func (w *writer) hangs() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hangsLocked()
}

func (w *writer) hangsLocked() error {
	if w.busy.IsZero() {
		return nil
	}
	if since := time.Since(w.busy); since >= hangAfter {
		return &hangError{since: since}
	}
	return nil
}

// watchDisk notes a disk that does not answer while it is waited for.
func (w *writer) watchDisk() {
	w.mu.Lock()
	hangs := w.hangsLocked()
	first := hangs != nil && w.broken == nil
	if first {
		w.broken, w.failed = hangs, w.clock.now()
	}
	w.mu.Unlock()
	if first {
		w.metrics.failed("hang")
		w.log.Error("the spool cannot write", "error", hangs)
	}
}

// state returns the error of the last commit that failed, nil when the disk is
// well again since.
func (w *writer) state() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch hangs := w.hangsLocked(); {
	case w.away != nil:
		return w.away
	case hangs != nil:
		return hangs
	default:
		return w.broken
	}
}

// refusedWith is the error of the last commit that failed, nil when the disk is well
// again since.
func (w *writer) refusedWith() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}
