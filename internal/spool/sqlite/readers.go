package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// readers is a small pool of read-only connections.
type readers struct {
	path   string
	size   int
	damage func(error) // told of damage that a query met
	free   chan *sqlite.Conn

	mu   sync.Mutex    // guards everything below
	n    int           // connections that are open
	gone chan struct{} // closed while there are none
	why  error         // why there are none
}

func openReaders(path string, size int, damage func(error)) (*readers, error) {
	r := &readers{path: path, size: size, damage: damage, free: make(chan *sqlite.Conn, size)}
	return r, r.open()
}

// open opens the connections.
func (r *readers) open() error {
	var all []*sqlite.Conn
	for range r.size {
		c, err := dbfile.OpenReader(r.path)
		if err != nil {
			for _, c := range all {
				err = errors.Join(err, c.Close())
			}
			return err
		}
		all = append(all, c)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n, r.gone, r.why = r.size, make(chan struct{}), nil
	for _, c := range all {
		r.free <- c
	}
	return nil
}

// reopen opens the connections unless they are open.
func (r *readers) reopen() error {
	r.mu.Lock()
	n := r.n
	r.mu.Unlock()
	if n > 0 {
		return nil
	}
	return r.open()
}

// do lends a connection to f; the context ends both the wait and the query.
func (r *readers) do(ctx context.Context, f func(*sqlite.Conn) error) error {
	r.mu.Lock()
	gone := r.gone
	r.mu.Unlock()
	select {
	case c := <-r.free:
		defer func() {
			c.SetInterrupt(nil)
			r.free <- c
		}()
		c.SetInterrupt(ctx.Done())
		err := f(c)
		if err == nil {
			return nil
		}
		if dbfile.IsDamage(err) {
			r.damage(err)
		}
		return errors.Join(context.Cause(ctx), err)
	case <-gone:
		r.mu.Lock()
		why := r.why
		r.mu.Unlock()
		if why == nil { // opened anew since
			return r.do(ctx, f)
		}
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, why)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close waits for the connections that are lent and closes all. Whoever asks for
// one is told why there is none, until they are opened again.
func (r *readers) close(why error) error {
	r.mu.Lock()
	n := r.n
	r.n, r.why = 0, why
	if n > 0 {
		close(r.gone)
	}
	r.mu.Unlock()
	var errs []error
	for range n {
		errs = append(errs, (<-r.free).Close())
	}
	return errors.Join(errs...)
}
