package sqlite

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// bench is a writer on a table of its own, in a bubble.
type bench struct {
	*testing.T
	*writer
	running sync.WaitGroup
}

func inBubble(t *testing.T, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		conn, err := dbfile.OpenWriter(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}.WithDefaults())
		if err != nil {
			t.Fatal(err)
		}
		if err := dbfile.Execute(conn, `CREATE TABLE done (n INTEGER PRIMARY KEY)`); err != nil {
			t.Fatal(err)
		}
		b := &bench{T: t, writer: newWriter(conn, newClock(), slog.New(slog.DiscardHandler), newMetrics(), func(error) {})}
		b.running.Go(b.run)
		f(b)
		b.close()
		b.running.Wait()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}

// pass lets time go by and waits until the writer rests.
func (b *bench) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func insert(n int) func(*tx) error {
	return func(t *tx) error {
		t.calls++
		return dbfile.Execute(t.conn, `INSERT INTO done VALUES (?)`, n)
	}
}

// hold keeps the writer busy until the function that it returns is called.
func (b *bench) hold() (release func()) {
	stop, held := make(chan struct{}), make(chan struct{})
	b.running.Go(func() {
		err := b.between(b.Context(), func(*sqlite.Conn) error {
			close(held)
			<-stop
			return nil
		})
		if err != nil {
			b.Error(err)
		}
	})
	<-held
	return func() { close(stop) }
}

// fill lets the file grow no more, or again.
func (b *bench) fill(full bool) {
	b.Helper()
	if err := b.between(b.Context(), func(c *sqlite.Conn) error { return limitPages(c, full) }); err != nil {
		b.Fatal(err)
	}
}

// limitPages stands for a full disk. SQLite takes the present size where the
// limit is below it.
func limitPages(c *sqlite.Conn, full bool) error {
	if full {
		return dbfile.Execute(c, `PRAGMA max_page_count = 1`)
	}
	return dbfile.Execute(c, `PRAGMA max_page_count = 4294967294`)
}

// big is an op that needs new pages.
func big(t *tx) error {
	if err := dbfile.Execute(t.conn, `CREATE TABLE IF NOT EXISTS big (b BLOB)`); err != nil {
		return err
	}
	return dbfile.Execute(t.conn, `INSERT INTO big VALUES (zeroblob(100000))`)
}

func (b *bench) rows() (out []int) {
	b.Helper()
	err := b.between(b.Context(), func(c *sqlite.Conn) error {
		return dbfile.Query(c, `SELECT n FROM done ORDER BY n`, func(r *sqlite.Stmt) error {
			out = append(out, r.ColumnInt(0))
			return nil
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// commits is the number of commits that held calls, and of those calls.
func (b *bench) commits() (commits, calls uint64) {
	b.Helper()
	return histogram(b.T, b.metrics.calls)
}

func TestAnOpThatFailsDoesNotSpoilItsGroup(t *testing.T) {
	inBubble(t, func(b *bench) {
		release := b.hold()
		outcomes := make([]error, 20)
		for i := range outcomes {
			do := insert(i)
			switch i {
			case 7:
				do = func(t *tx) error { return errors.Join(insert(100)(t), errRefused) }
			case 12:
				do = func(t *tx) error { return errors.Join(insert(101)(t), insert(101)(t)) } // a constraint
			}
			b.running.Go(func() { outcomes[i] = b.wait(b.Context(), "accept", do) })
			synctest.Wait()
		}
		release()
		synctest.Wait()
		b.rows()
		for i, err := range outcomes {
			if want := i == 7 || i == 12; (err != nil) != want || errors.Is(err, spool.ErrUnavailable) {
				t.Errorf("op %d: %v", i, err)
			}
		}
		if got := b.rows(); len(got) != 18 || slices.Contains(got, 100) || slices.Contains(got, 101) {
			t.Errorf("rows: %v", got)
		}
		if commits, calls := b.commits(); commits != 1 || calls != 18 {
			t.Errorf("%d calls in %d commits, want 18 in 1", calls, commits)
		}
		if n := testutil.ToFloat64(b.metrics.errors.WithLabelValues("accept")); n != 1 {
			t.Errorf("%v failed ops counted, want the constraint only", n)
		}
		if err := b.state(); err != nil {
			t.Errorf("the writer takes the disk for broken: %v", err)
		}
	})
}

func TestALazyOpWaitsForCompany(t *testing.T) {
	inBubble(t, func(b *bench) {
		begun := time.Now()
		var took []time.Duration
		lazy := func(n int) {
			if err := b.submit(&op{name: "settle", lazy: true, do: insert(n), done: func(error) { took = append(took, time.Since(begun)) }}); err != nil {
				t.Error(err)
			}
		}
		lazy(1)
		b.pass(lazyDelay / 2)
		lazy(2)
		b.pass(lazyDelay)
		b.rows()
		if len(took) != 2 || took[0] != lazyDelay || took[1] != lazyDelay {
			t.Errorf("reports were committed after %v, want %v", took, lazyDelay)
		}
		begun, took = time.Now(), nil
		lazy(3)
		if err := b.wait(b.Context(), "accept", insert(4)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(took) != 1 || took[0] != 0 {
			t.Errorf("a report beside a call was committed after %v, want at once", took)
		}
		begun, took = time.Now(), nil
		for n := range lazyFull {
			lazy(10 + n)
		}
		synctest.Wait()
		b.rows()
		if len(took) != lazyFull || took[0] != 0 {
			t.Errorf("%d reports were committed at once, want %d", len(took), lazyFull)
		}
		if commits, _ := b.commits(); commits != 3 {
			t.Errorf("%d commits, want 3", commits)
		}
	})
}

func TestReportsAreKeptWhileTheDiskRefuses(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.fill(true)
		done := 0
		for range 3 {
			if err := b.submit(&op{name: "settle", lazy: true, do: big, done: func(error) { done++ }}); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := b.wait(b.Context(), "accept", big); !errors.Is(err, spool.ErrUnavailable) {
				t.Errorf("error %v, want %v", err, spool.ErrUnavailable)
			}
		}
		b.pass(10 * retryDelay)
		if b.backlog() != 3 || done != 0 || b.state() == nil {
			t.Errorf("%d reports are kept, %d done, state %v", b.backlog(), done, b.state())
		}
		b.fill(false)
		b.pass(2 * retryDelay)
		if b.backlog() != 0 || done != 3 {
			t.Errorf("with room again %d reports are kept, %d done", b.backlog(), done)
		}
	})
}

func TestTheDiskIsWellAgainWhenItTakesALargeWriteAfterAWhile(t *testing.T) {
	inBubble(t, func(b *bench) {
		fail := func() {
			b.fill(true)
			if err := b.wait(b.Context(), "accept", big); !errors.Is(err, spool.ErrUnavailable) {
				t.Errorf("error %v, want %v", err, spool.ErrUnavailable)
			}
		}
		probes := 0
		probe := func() error {
			b.probe(b.Context(), func(c *sqlite.Conn) error { probes++; return writeMuch(c) })
			return b.state()
		}
		if err := probe(); err != nil || probes != 0 {
			t.Error("a disk that is well was probed")
		}
		fail()
		b.fill(false)
		b.pass(calm - time.Millisecond)
		if probe() == nil || probes != 0 {
			t.Error("probed too soon")
		}
		fail()
		b.pass(calm)
		if err := b.wait(b.Context(), "accept", insert(1)); err != nil {
			t.Errorf("a small write on the full disk: %v", err)
		}
		if probe() == nil || probes != 1 {
			t.Errorf("well again although a large write has no room; %d probes", probes)
		}
		b.fill(false)
		b.pass(calm / 2)
		if probe() == nil || probes != 1 {
			t.Error("the probe that failed did not count as a failure")
		}
		b.pass(calm / 2)
		if err := b.wait(b.Context(), "accept", insert(2)); err != nil || b.state() == nil {
			t.Errorf("a small write made the disk well: error %v", err)
		}
		if err := probe(); err != nil || probes != 2 {
			t.Errorf("not well again: %v, %d probes", err, probes)
		}
	})
}

func TestReportsThatNeedNoRoomGoOnBesideCallsThatDo(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.fill(true)
		stop := make(chan struct{})
		b.running.Go(func() { // callbacks come and come
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
					if err := b.wait(b.Context(), "accept", big); !errors.Is(err, spool.ErrUnavailable) {
						t.Errorf("error %v, want %v", err, spool.ErrUnavailable)
					}
				}
			}
		})
		b.pass(time.Second)
		done := 0
		for n := range 5 {
			if err := b.submit(&op{name: "settle", lazy: true, do: insert(n), done: func(error) { done++ }}); err != nil {
				t.Fatal(err)
			}
			b.pass(3 * retryDelay)
		}
		close(stop)
		synctest.Wait()
		if done != 5 {
			t.Errorf("%d of 5 reports were committed", done)
		}
	})
}

func TestAReportThatCannotBeCommittedHoldsNobodyUp(t *testing.T) {
	inBubble(t, func(b *bench) {
		done := 0
		for _, do := range []func(*tx) error{insert(1), func(t *tx) error { return dbfile.Execute(t.conn, `INSERT INTO done VALUES ('x')`) }, insert(2)} {
			if err := b.submit(&op{name: "bury", lazy: true, do: do, done: func(error) { done++ }}); err != nil {
				t.Fatal(err)
			}
		}
		b.pass(10 * retryDelay)
		if done != 2 || b.backlog() != 0 {
			t.Errorf("%d reports were committed and %d are kept, want 2 and none", done, b.backlog())
		}
		if n := testutil.ToFloat64(b.metrics.errors.WithLabelValues("bury")); n != 1 {
			t.Errorf("%v failed reports counted, want 1", n)
		}
	})
}

func TestTooManyWaitingCallbacksAreRefused(t *testing.T) {
	inBubble(t, func(b *bench) {
		release := b.hold()
		for n := range queueMax {
			if err := b.submit(&op{name: "accept", do: insert(n), done: func(error) {}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.wait(b.Context(), "accept", insert(-1)); !errors.Is(err, spool.ErrUnavailable) {
			t.Errorf("error %v, want %v", err, spool.ErrUnavailable)
		}
		release()
		if err := b.wait(b.Context(), "accept", func(*tx) error { return nil }); err != nil && !errors.Is(err, spool.ErrUnavailable) {
			t.Error(err)
		}
		for len(b.rows()) < queueMax {
			b.pass(time.Millisecond)
		}
		if commits, calls := b.commits(); calls != queueMax || commits != queueMax/groupMax {
			t.Errorf("%d calls in %d commits", calls, commits)
		}
	})
}
