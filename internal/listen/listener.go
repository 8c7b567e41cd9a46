package listen

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// lull is how long a connection must have been idle to be closed for another
	// one: a client that has just connected is about to send. Between two requests
	// it is keptLull, so that seldom a request meets the end of its connection.
	lull     = 20 * time.Millisecond
	keptLull = time.Second
	// bytesPerSecond is the pace at which a client that sends is not idle.
	bytesPerSecond = 8 << 10
)

// Limits bound the connections that are served at a time.
type Limits struct {
	Max int
	// PerAddress is 0 for no bound.
	PerAddress int
	// Exempt reports whether connections of an address are not counted by
	// address; nil for none.
	Exempt func(netip.Addr) bool
}

// Config is what a Listener works with.
type Config struct {
	Limits Limits
	// TLS is nil for plain HTTP.
	TLS *tls.Config
	Log *slog.Logger
}

// Listener accepts connections within its limits.
type Listener struct {
	inner   net.Listener
	tls     *tls.Config
	log     *slog.Logger
	born    time.Time
	start   sync.Once
	told    rate.Sometimes
	metrics *metrics

	mu     sync.Mutex // guards everything below
	limits Limits
	// open are the connections that have a place.
	open   map[*conn]struct{}
	places map[netip.Addr]int // of the open ones that are counted by address
	// waiting have no place yet, the oldest first; ready have one and were not
	// yet given to the server.
	waiting, ready []*conn
	changed        sync.Cond // ready or err
	err            error     // why nothing more is accepted
	again          *time.Timer
}

// New returns a listener that takes its connections from another one.
func New(inner net.Listener, c Config) *Listener {
	l := &Listener{
		inner: inner, tls: c.TLS, log: c.Log, born: time.Now(), told: rate.Sometimes{Interval: time.Minute},
		limits: c.Limits, open: map[*conn]struct{}{}, places: map[netip.Addr]int{},
	}
	l.changed.L = &l.mu
	l.metrics = newMetrics(l)
	return l
}

// SetLimits changes the limits. Connections that stand are not touched.
func (l *Listener) SetLimits(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits
	l.admit()
}

// Addr returns the address of the inner listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Accept returns the next connection that has a place.
func (l *Listener) Accept() (net.Conn, error) {
	l.start.Do(func() { go l.receive() })
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ready) == 0 && l.err == nil {
		l.changed.Wait()
	}
	if l.err != nil {
		return nil, l.err
	}
	c := l.ready[0]
	l.ready = l.ready[1:]
	return c, nil
}

// Close ends Accept and closes the connections that were not yet returned by it.
func (l *Listener) Close() error {
	l.end(net.ErrClosed)
	return l.inner.Close()
}

// receive takes connections until the inner listener fails.
func (l *Listener) receive() {
	for pause := time.Duration(0); ; {
		raw, err := l.inner.Accept()
		if passing(err) {
			// As net/http does; most often the process has too many open files.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.log.Warn("connections cannot be accepted at the moment", slog.Any("error", err))
			<-time.After(pause)
			continue
		}
		if err != nil {
			l.end(err)
			return
		}
		pause = 0
		l.arrive(raw)
	}
}

// passing reports whether a failed Accept may succeed later.
func passing(err error) bool {
	e, ok := err.(interface{ Temporary() bool })
	return ok && e.Temporary()
}

func (l *Listener) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	l.changed.Broadcast()
	for _, c := range l.waiting {
		_ = c.raw.Close() // nothing was read from it
	}
	l.waiting = nil
	for _, c := range l.ready {
		l.leave(c)
		_ = c.raw.Close() // nothing was read from it
	}
	l.ready = nil
	if l.again != nil {
		l.again.Stop()
	}
}

func (l *Listener) arrive(raw net.Conn) {
	c := l.newConn(raw)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		_ = raw.Close() // nothing was read from it
		return
	}
	if from := addressOf(raw); l.limits.Exempt == nil || !l.limits.Exempt(from) {
		c.counted = Network(from)
	}
	l.waiting = append(l.waiting, c)
	l.admit()
}

// addressOf returns the address of the client, or the zero one for what is no
// TCP connection.
func addressOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// Network returns the address under which a client is counted: an IPv4 address
// itself, and the /64 of an IPv6 one, because whoever has one has all of it.
func Network(client netip.Addr) netip.Addr {
	client = client.Unmap().WithZone("")
	if !client.Is6() {
		return client
	}
	p, _ := client.Prefix(64) // which every IPv6 address has
	return p.Addr()
}

// now is the time since the listener was made, by the monotonic clock.
func (l *Listener) now() time.Duration { return time.Since(l.born) }
