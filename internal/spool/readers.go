package spool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

// busyTimeout is how long a connection waits for a lock; only another program
// that has the file open can make it wait.
const busyTimeout = 5 * time.Second

// readers is a small pool of read-only connections.
type readers struct {
	free   chan *sqlite.Conn
	closed chan struct{}
	n      int
}

func openReaders(path string, n int) (*readers, error) {
	r := &readers{free: make(chan *sqlite.Conn, n), closed: make(chan struct{})}
	for range n {
		c, err := openReader(path)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.free <- c
		r.n++
	}
	return r, nil
}

func openReader(path string) (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	c.SetBusyTimeout(busyTimeout)
	for _, pragma := range []string{`PRAGMA query_only = ON`, `PRAGMA cache_size = -2000`} {
		if err := execute(c, pragma); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// do lends a connection to f; the context ends both the wait and the query.
func (r *readers) do(ctx context.Context, f func(*sqlite.Conn) error) error {
	select {
	case c := <-r.free:
		defer func() {
			c.SetInterrupt(nil)
			r.free <- c
		}()
		c.SetInterrupt(ctx.Done())
		if err := f(c); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		return nil
	case <-r.closed:
		return fmt.Errorf("%w: it is closed", ErrUnavailable)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close waits for the connections that are lent and closes all.
func (r *readers) close() error {
	close(r.closed)
	var errs []error
	for range r.n {
		errs = append(errs, (<-r.free).Close())
	}
	return errors.Join(errs...)
}
