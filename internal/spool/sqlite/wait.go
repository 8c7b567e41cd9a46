package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// errNoAnswer ends a wait for a disk that hangs.
var errNoAnswer = errors.New("the disk does not answer; what it was given last may be kept all the same")

// wait submits an urgent op and waits for its outcome, until ctx ends. An op that
// has not begun is taken back then, so that the queue holds nothing that nobody
// waits for. One that has begun goes on: its caller must not use what do writes, and
// change is for those that have a result.
func (w *writer) wait(ctx context.Context, name string, do func(*tx) error) error {
	return w.waitFor(ctx, op{name: name, do: do})
}

// change is wait for an op with a result.
func change[T any](ctx context.Context, w *writer, o op, do func(*tx) (T, error)) (T, error) {
	var made, none T
	o.do = func(t *tx) (err error) {
		made, err = do(t)
		return err
	}
	if err := w.waitFor(ctx, o); err != nil { // do may still write made
		return none, err
	}
	return made, nil
}

// waitFor is wait for any urgent op. Its done, if there is one, is called with the
// outcome once that is certain, which may be after ctx.
func (w *writer) waitFor(ctx context.Context, o op) error {
	outcome, tell := make(chan error, 1), o.done
	o.done = func(err error) {
		if tell != nil {
			tell(err)
		}
		outcome <- err
	}
	err := context.Cause(ctx)
	if err == nil {
		err = w.submit(&o)
	}
	if err != nil {
		o.done(err)
		return err
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
	}
	if w.withdraw(&o) {
		err := fmt.Errorf("%w: the disk does not answer: %w", spool.ErrUnavailable, context.Cause(ctx))
		o.done(err)
		return err
	}
	select {
	case err := <-outcome: // just now
		return err
	default:
		return fmt.Errorf("%w: %w", errNoAnswer, context.Cause(ctx))
	}
}

// withdraw takes an op out of the queue; false when it is not there any more.
func (w *writer) withdraw(o *op) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.urgent, o)
	if i >= 0 {
		w.urgent = slices.Delete(w.urgent, i, i+1)
	}
	return i >= 0
}

// between runs f on the connection outside any transaction, and waits for it until
// ctx ends. After that f still runs: its caller must not use what it writes.
func (w *writer) between(ctx context.Context, f func(*sqlite.Conn) error) error {
	outcome := make(chan error, 1)
	if err := w.task(func(c *sqlite.Conn) { outcome <- f(c) }); err != nil {
		return err
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errNoAnswer, context.Cause(ctx))
	}
}

// task queues what is run between two groups.
func (w *writer) task(f func(*sqlite.Conn)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	why := w.away
	if w.closed {
		why = errClosed
	}
	if why != nil {
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, why)
	}
	w.tasks = append(w.tasks, f)
	w.signal()
	return nil
}
