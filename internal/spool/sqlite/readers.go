package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// readers is a small pool of read-only connections, which can be closed and opened
// again while it is in use.
type readers struct {
	path   string
	size   int
	damage func(error) // told of damage that a query met

	mu   sync.Mutex    // guards everything below
	pool *sqlitex.Pool // nil while there is none
	why  error         // why there is none
}

func openReaders(path string, size int, damage func(error)) (*readers, error) {
	r := &readers{path: path, size: size, damage: damage}
	return r, r.reopen()
}

// reopen opens the connections unless they are open.
func (r *readers) reopen() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pool != nil {
		return nil
	}
	pool, err := sqlitex.NewPool(r.path, sqlitex.PoolOptions{
		Flags: sqlite.OpenReadWrite, PoolSize: r.size, PrepareConn: dbfile.PrepareReader,
	})
	if err == nil {
		r.pool, r.why = pool, nil
	}
	return err
}

// open returns the pool, or why there is none.
func (r *readers) open() (*sqlitex.Pool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pool == nil {
		return nil, fmt.Errorf("%w: %w", spool.ErrUnavailable, r.why)
	}
	return r.pool, nil
}

// do lends a connection to f; the context ends both the wait and the query.
func (r *readers) do(ctx context.Context, f func(*sqlite.Conn) error) error {
	pool, err := r.open()
	if err != nil {
		return err
	}
	c, err := pool.Take(ctx)
	if now, why := r.open(); err != nil && ctx.Err() == nil && now != pool {
		if why != nil {
			return why
		}
		return r.do(ctx, f) // opened again since
	}
	if err == nil {
		defer pool.Put(c)
		err = f(c)
	}
	return r.explain(ctx, pool, err)
}

// explain adds to the error of a query why it was interrupted.
func (r *readers) explain(ctx context.Context, pool *sqlitex.Pool, err error) error {
	switch {
	case err == nil:
		return nil
	case dbfile.IsDamage(err):
		r.damage(err)
	case sqlite.ErrCode(err) == sqlite.ResultInterrupt && ctx.Err() == nil:
		if now, why := r.open(); now != pool {
			return errors.Join(why, err)
		}
	}
	return errors.Join(context.Cause(ctx), err)
}

// close interrupts the queries that are running, waits for their connections and
// closes all. Whoever asks for one is told why there is none, until they are opened
// again.
func (r *readers) close(why error) error {
	r.mu.Lock()
	pool := r.pool
	r.pool, r.why = nil, why
	r.mu.Unlock()
	if pool == nil {
		return nil
	}
	return pool.Close()
}
