package listen

import (
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// reason is why a connection was closed, as the metric counts it.
type reason string

const (
	overMax     reason = "max"
	overAddress reason = "per_address"
	overHead    reason = "headers"
)

// admit finds places for connections that wait, the oldest first, and looks again
// after a lull while some wait on. The caller holds mu.
func (l *Listener) admit() {
	crowded := map[netip.Addr]bool{} // addresses that have no place for one more
	waiting := l.waiting[:0]
	for i, c := range l.waiting {
		if crowded[c.counted] || !l.addressHasRoom(c.counted) {
			crowded[c.counted] = true
			waiting = append(waiting, c)
			continue
		}
		if len(l.open) >= l.limits.Max && !l.closeIdle(overMax, anyAddress) {
			waiting = append(waiting, l.waiting[i:]...)
			break
		}
		l.enter(c)
	}
	clear(l.waiting[len(waiting):])
	l.waiting = waiting
	for len(l.waiting) > l.limits.Max {
		l.refuse(overMax, l.waiting[0])
		l.waiting = slices.Delete(l.waiting, 0, 1)
	}
	switch {
	case len(l.waiting) == 0:
	case l.again == nil:
		l.again = time.AfterFunc(lull, l.lookAgain)
	default:
		l.again.Reset(lull)
	}
}

func (l *Listener) lookAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.admit()
	}
}

// addressHasRoom reports whether there is a place for one more connection of an
// address, after closing an idle one of the same address where it must.
func (l *Listener) addressHasRoom(of netip.Addr) bool {
	if !of.IsValid() || l.limits.PerAddress == 0 || l.places[of] < l.limits.PerAddress {
		return true
	}
	return l.closeIdle(overAddress, func(c *conn) bool { return c.counted == of })
}

func anyAddress(*conn) bool { return true }

// closeIdle closes the connection that has been idle longest among some, and
// reports whether there was one.
func (l *Listener) closeIdle(why reason, among func(*conn) bool) bool {
	for {
		var longest *conn
		now := l.now()
		since := now
		for c := range l.open {
			if at := c.idleSince(); at <= since && now-at >= c.lull() && among(c) {
				longest, since = c, at
			}
		}
		if longest == nil {
			return false
		}
		if hasUnread(longest.raw) { // the client does not keep the server waiting
			// Unless it has become busy meanwhile.
			longest.idle.CompareAndSwap(int64(since), int64(now))
			continue
		}
		l.leave(longest)
		l.refuse(why, longest)
		return true
	}
}

// enter gives a connection its place.
func (l *Listener) enter(c *conn) {
	l.open[c] = struct{}{}
	if c.counted.IsValid() {
		l.places[c.counted]++
	}
	l.ready = append(l.ready, c)
	l.changed.Signal()
}

// leave frees the place of a connection, if it still has one.
func (l *Listener) leave(c *conn) {
	if _, ok := l.open[c]; !ok {
		return
	}
	delete(l.open, c)
	if !c.counted.IsValid() {
		return
	}
	if l.places[c.counted]--; l.places[c.counted] == 0 {
		delete(l.places, c.counted)
	}
}

// refuse closes a connection that has no place any more. A connection that the
// server has not yet asked for is found closed by it.
func (l *Listener) refuse(why reason, c *conn) {
	_ = c.raw.Close() // whoever reads from it is told
	l.count(why, c)
}

func (l *Listener) count(why reason, c *conn) {
	l.metrics.refused.WithLabelValues(string(why)).Inc()
	l.told.Do(func() {
		l.log.Warn("connections were closed because of a bound", slog.String("reason", string(why)), slog.String("client", c.raw.RemoteAddr().String()))
	})
}

// closed notes that the server has closed a connection.
func (l *Listener) closed(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave(c)
	if l.err == nil && len(l.waiting) > 0 {
		l.admit()
	}
}

// wanted reports whether a connection that waits could have the place of c.
func (l *Listener) wanted(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= l.limits.Max {
		return len(l.waiting) > 0
	}
	return slices.ContainsFunc(l.waiting, func(w *conn) bool { return w.counted == c.counted })
}
