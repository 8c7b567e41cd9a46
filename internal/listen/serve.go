package listen

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/wait"
)

// Serve lets a server answer on the listener until it is shut down. It sets the
// server's hooks and its bound on heads.
func (l *Listener) Serve(s *http.Server) error {
	s.MaxHeaderBytes = maxHead - 4096 // net/http adds that much
	s.Handler = l.watch(s.Handler)
	s.ConnState = func(c net.Conn, now http.ConnState) {
		if c, ok := c.(*conn); ok {
			c.become(now)
		}
	}
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	return s.Serve(l)
}

// connKey finds the connection of a request.
type connKey struct{}

func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// become follows what the server does with a connection.
func (c *conn) become(now http.ConnState) {
	switch now {
	case http.StateActive:
		c.head.end()
	case http.StateIdle:
		c.head.begin()
		c.kept.Store(true)
		c.waitFrom(c.from.now())
	case http.StateNew, http.StateHijacked, http.StateClosed:
	}
}

// watch notes for the connection of each request when it has wholly arrived.
func (l *Listener) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := connOf(r.Context()); c != nil {
			if l.wanted(c) {
				w.Header().Set("Connection", "close")
			}
			if r.ContentLength == 0 {
				c.work()
			} else {
				c.body = body{ReadCloser: r.Body, of: c}
				r.Body = &c.body
				// net/http looks at its own body to decide whether what is unread of
				// it is worth waiting for.
				defer func() { r.Body = c.body.ReadCloser }()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// body notices its end.
type body struct {
	io.ReadCloser
	of *conn
}

// Read reads on; after the end or a failure the handler works.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.of.work()
	}
	return n, err
}

// Pause makes the request of the context wait, and its connection count as idle
// meanwhile. It returns early when the context ends.
func Pause(ctx context.Context, d time.Duration) {
	if c := connOf(ctx); c != nil {
		c.waitFrom(c.from.now())
		defer c.work()
	}
	_ = wait.For(ctx, d) // its end is ours
}
