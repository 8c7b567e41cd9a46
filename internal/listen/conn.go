package listen

import (
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// conn is one connection. Its methods of net.Conn may be called concurrently, as
// those of every net.Conn; head and fresh belong to whoever reads.
type conn struct {
	net.Conn          // what the server reads and writes: raw, or TLS over it
	raw      net.Conn // closing it never waits
	from     *Listener
	counted  netip.Addr // zero when it is not counted by address

	// idle is since when the server waits for the client, as time.Duration on the
	// listener's clock; working while it does not wait.
	idle atomic.Int64
	// kept: a request was answered.
	kept atomic.Bool
	head head
	body body // of the present request
	// fresh: the server has not read yet.
	fresh bool
}

// working is later than every time at which a connection became idle.
const working = math.MaxInt64

func (l *Listener) newConn(raw net.Conn) *conn {
	c := &conn{Conn: raw, raw: raw, from: l}
	if l.tls != nil {
		c.Conn = tls.Server(raw, l.tls)
	}
	c.work() // until the server reads
	c.fresh = true
	c.head.begin()
	return c
}

// lull is how long the connection must be idle to give way to another one.
func (c *conn) lull() time.Duration {
	if c.kept.Load() {
		return keptLull
	}
	return lull
}

func (c *conn) idleSince() time.Duration { return time.Duration(c.idle.Load()) }

// waitFrom notes that the server waits for the client since a time.
func (c *conn) waitFrom(t time.Duration) { c.idle.Store(int64(t)) }

// work notes that the server waits for the client no more.
func (c *conn) work() { c.idle.Store(working) }

// Read counts what arrives: it pays for time, and a head has a bound.
func (c *conn) Read(p []byte) (int, error) {
	if c.fresh {
		c.fresh = false
		c.waitFrom(c.from.now())
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.pay(n)
		if c.head.read(p[:n]) {
			return 0, c.refuseHead()
		}
	}
	if plain := (tls.RecordHeaderError{}); errors.As(err, &plain) && plain.Conn != nil {
		_, _ = io.WriteString(plain.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	return n, err
}

// pay moves the beginning of the idle time by what n bytes are worth, at most to
// now.
func (c *conn) pay(n int) {
	since := c.idle.Load()
	if since == working {
		return // net/http looks for the end of the connection while a handler works
	}
	paid := since + int64(n)*int64(time.Second)/bytesPerSecond
	// Where the handler began to work meanwhile, that holds.
	c.idle.CompareAndSwap(since, min(paid, int64(c.from.now())))
}

// refuseHead answers a head that has too many lines, as net/http answers one that
// has too many bytes.
func (c *conn) refuseHead() error {
	const status = "431 Request Header Fields Too Large"
	c.from.count(overHead, c)
	_, _ = io.WriteString(c.Conn, "HTTP/1.1 "+status+"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+status)
	_ = c.CloseWrite() // the client reads the answer before it meets the end
	return io.EOF
}

// Write counts as idle until the client has taken what is written.
func (c *conn) Write(p []byte) (int, error) {
	was := c.idle.Swap(int64(c.from.now()))
	n, err := c.Conn.Write(p)
	c.idle.Store(was)
	return n, err
}

// CloseWrite ends the writing half, for net/http to let a client read an answer.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close frees the place of the connection.
func (c *conn) Close() error {
	c.from.closed(c)
	return c.Conn.Close()
}
