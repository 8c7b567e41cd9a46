package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// lazyDelay bounds how long a report of a lane waits for a commit.
	lazyDelay = 50 * time.Millisecond
	// lazyFull commits lazy work early.
	lazyFull = 512
	// gatherMax is the size of a group that waits for no more company.
	gatherMax = 64
	// groupMax bounds one transaction.
	groupMax = 1024
	// queueMax bounds the callbacks that wait for a commit.
	queueMax = 8192
	// retryDelay is the wait after a commit that failed.
	retryDelay = time.Second
	// calm is how long no commit may fail before the disk is probed.
	calm = 2 * time.Second
	// hangAfter is how long the disk may take for one commit before it counts as one
	// that does not answer.
	hangAfter = 3 * time.Second
)

// op is one change. do runs inside the group's transaction, and again when
// another op spoiled it; done is called at most once, when the outcome is
// certain.
type op struct {
	name string
	do   func(*tx) error
	done func(error)
	// lazy work waits up to lazyDelay for company and is tried again until the
	// disk takes it; done is then called with nil only.
	lazy bool
	// bytes is about what it brings: of lazy work what it holds in memory, of a
	// callback what it takes in the file.
	bytes int
}

// tx is the transaction of one group.
type tx struct {
	conn   *sqlite.Conn
	now    time.Time
	calls  int              // that were accepted
	erased int              // calls that were erased
	after  []func()         // run in order once the group is on the disk
	fresh  map[string]*lane // lanes made in this transaction
	shares map[string]int64 // changes of what sources hold
}

// then registers an effect on memory for after the commit.
func (t *tx) then(f func()) { t.after = append(t.after, f) }

// writer owns the only connection that writes. Its goroutine takes all that
// waits and commits it as one synced transaction.
type writer struct {
	conn    *sqlite.Conn
	clock   *clock
	log     *slog.Logger
	metrics *metrics
	damage  func(error)
	inPlace func() error // reports whether what was committed is in the file of that name
	// keepRoom looks after every commit what the disk has room for, and returns how
	// many bytes the next group may bring.
	keepRoom func(*sqlite.Conn) int
	most     int // what it returned last; run's
	wake     chan struct{}
	long     chan struct{} // told when the WAL has grown
	written  int           // changes since; run's

	mu      sync.Mutex // guards everything below
	urgent  []*op
	lazies  []*op
	tasks   []func(*sqlite.Conn) // run between groups, outside any transaction
	lazyDue time.Time            // when the oldest lazy op must be committed
	holdOff time.Time            // after a failed commit: no commit of lazy work alone before
	closed  bool
	broken  error     // why the disk does not count as well, nil when it does
	failed  time.Time // when a commit or a probe failed last
	busy    time.Time // when what the disk has been given last was begun; zero when it has answered
	away    error     // why there is no connection, nil when there is one
	swap    func()    // changes the connection, run once between groups
}

func newWriter(conn *sqlite.Conn, c *clock, log *slog.Logger, m *metrics, damage func(error)) *writer {
	return &writer{
		conn: conn, clock: c, log: log, metrics: m, damage: damage, inPlace: func() error { return nil },
		keepRoom: func(*sqlite.Conn) int { return groupBytes }, most: groupBytes,
		wake: make(chan struct{}, 1), long: make(chan struct{}, 1),
	}
}

// submit queues an op; an urgent one is committed as soon as the disk is free.
func (w *writer) submit(o *op) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, errClosed)
	case o.lazy:
		if len(w.lazies) == 0 {
			w.lazyDue = time.Now().Add(lazyDelay)
		}
		w.lazies = append(w.lazies, o)
	case w.away != nil:
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, w.away)
	case len(w.urgent) >= queueMax:
		return fmt.Errorf("%w: %d callbacks wait for the disk", spool.ErrUnavailable, queueMax)
	default:
		w.urgent = append(w.urgent, o)
	}
	w.signal()
	return nil
}

// later runs f on the connection outside any transaction, soon, unless the
// writer is closed or has none.
func (w *writer) later(f func(*sqlite.Conn)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.tasks = append(w.tasks, func(c *sqlite.Conn) {
			if c != nil {
				f(c)
			}
		})
		w.signal()
	}
}

// runTasks runs what waits for a moment between groups.
func (w *writer) runTasks() {
	w.mu.Lock()
	tasks, swap := w.tasks, w.swap
	w.tasks, w.swap = nil, nil
	w.mu.Unlock()
	for _, f := range tasks {
		w.time(func() { f(w.conn) })
	}
	if swap != nil {
		swap()
	}
}

// crowded reports whether so many reports wait that no more may be made.
func (w *writer) crowded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	bytes := 0
	for _, o := range w.lazies {
		bytes += o.bytes
	}
	return len(w.lazies) >= reportsMax || bytes >= reportsBytes
}

func (w *writer) signal() { nudge(w.wake) }

// close lets run commit what waits and end.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.signal()
}

func (w *writer) run() {
	for {
		w.runTasks()
		w.gather()
		group, wait, end := w.next()
		switch {
		case len(group) > 0:
			w.time(func() { w.commit(group) })
		case end:
			w.abandon()
			return
		case wait > 0:
			w.sleep(wait)
		default:
			<-w.wake
		}
	}
}

func (w *writer) sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-w.wake:
	}
}

// commit writes a group. An op that fails for a reason of its own is taken out
// and the others are tried again without it.
func (w *writer) commit(group []*op) {
	for len(group) > 0 {
		begun := time.Now()
		t, guilty, err := w.attempt(group)
		if err != nil && guilty >= 0 && !isStorage(err) {
			w.refuse(group[guilty], err)
			group = slices.Delete(group, guilty, guilty+1)
			continue
		}
		w.metrics.commit(time.Since(begun), t.calls, err)
		w.note(err)
		if err != nil {
			w.fail(group, err)
			return
		}
		finish(group, t, w.inPlace())
		w.grew(len(group))
		return
	}
}

// attempt runs a group in one transaction. guilty is the op that failed, -1
// where it was the transaction.
func (w *writer) attempt(group []*op) (t *tx, guilty int, err error) {
	t = &tx{conn: w.conn, now: w.clock.now()}
	guilty = -1
	err = dbfile.Transact(w.conn, func() error {
		for i, o := range group {
			if err := o.do(t); err != nil {
				guilty = i
				return fmt.Errorf("%s: %w", o.name, err)
			}
		}
		guilty = -1
		return t.writeShares()
	})
	return t, guilty, err
}

// finish tells of a commit. Where the file is not in its place, nobody who waits is
// told that anything is kept: it is, if what is open can be saved.
func finish(group []*op, t *tx, displaced error) {
	if displaced != nil {
		displaced = fmt.Errorf("%w: %w", spool.ErrUnavailable, displaced)
	}
	for _, f := range t.after {
		f()
	}
	for _, o := range group {
		if o.lazy {
			o.done(nil)
		} else {
			o.done(displaced)
		}
	}
}

// refuse ends an op that cannot be carried out whatever the disk does. A report
// of a lane should never come to that; where it does, its delivery stays leased,
// so that it is not repeated in a loop, and waits for the next start.
func (w *writer) refuse(o *op, err error) {
	if !errors.Is(err, errRefused) {
		w.metrics.failed(o.name)
	}
	if o.lazy {
		w.log.Error("a report of a lane cannot be committed; its delivery rests until the next start", "op", o.name, "error", err)
		return
	}
	o.done(err)
}

// fail tells the urgent ops and keeps the lazy ones for later: what a lane has
// done must not be forgotten because the disk is full.
func (w *writer) fail(group []*op, err error) {
	err = fmt.Errorf("%w: %w", spool.ErrUnavailable, err)
	var keep []*op
	for _, o := range group {
		if o.lazy {
			keep = append(keep, o)
			continue
		}
		w.metrics.failed(o.name)
		o.done(err)
	}
	if len(keep) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.forget(len(keep), err)
		return
	}
	w.lazies = append(keep, w.lazies...)
	w.holdOff = time.Now().Add(retryDelay)
}

// abandon tells of the reports for which there was no file at the end.
func (w *writer) abandon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.lazies); n > 0 {
		w.lazies = nil
		w.forget(n, w.away)
	}
}

func (w *writer) forget(reports int, err error) {
	w.log.Error("reports of lanes could not be committed before the end; their deliveries will be repeated", "deliveries", reports, "error", err)
}

// note notes that a commit failed. One that succeeds says little: a disk that is
// full still takes what is small. See probe.
func (w *writer) note(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	was := w.broken
	w.broken, w.failed = err, w.clock.now()
	w.mu.Unlock()
	if was == nil {
		w.log.Error("the spool cannot write", "error", err)
	}
	if dbfile.IsDamage(err) {
		w.damage(err)
	}
}
