package sqlite

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

func TestCloseCommitsWhatWaits(t *testing.T) {
	inBubble(t, func(b *bench) {
		release := b.hold()
		if err := b.submit(&op{name: "settle", lazy: true, do: insert(1), done: func(error) {}}); err != nil {
			t.Fatal(err)
		}
		b.running.Go(func() {
			if err := b.wait(b.Context(), "accept", insert(2)); err != nil {
				t.Errorf("an op from before the close: %v", err)
			}
		})
		synctest.Wait()
		b.close()
		for _, err := range []error{
			b.wait(b.Context(), "accept", insert(3)),
			b.submit(&op{name: "settle", lazy: true, do: insert(4)}),
			b.between(b.Context(), func(*sqlite.Conn) error { return nil }),
		} {
			if !errors.Is(err, spool.ErrUnavailable) {
				t.Errorf("after the close: error %v, want %v", err, spool.ErrUnavailable)
			}
		}
		release()
		b.running.Wait()
		n, err := dbfile.Int(b.conn, `SELECT sum(n) FROM done`)
		if err != nil || n != 3 {
			t.Errorf("sum %d, error %v, want the rows 1 and 2", n, err)
		}
	})
}

func TestCloseEndsAlthoughTheDiskRefuses(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.fill(true)
		for range 2 {
			if err := b.submit(&op{name: "settle", lazy: true, do: big, done: func(err error) { t.Errorf("done: %v", err) }}); err != nil {
				t.Fatal(err)
			}
			b.pass(time.Second)
		}
		b.close()
		b.running.Wait() // a test that hangs here has found a deadlock
	})
}

// TestAFileIsReplacedThoughTheWriterCloses: who waits for it is told.
func TestAFileIsReplacedThoughTheWriterCloses(t *testing.T) {
	inBubble(t, func(b *bench) {
		release := b.hold()
		done := false
		b.running.Go(func() {
			if err := b.replace(errDamaged, func(c *sqlite.Conn) (*sqlite.Conn, error) { return c, nil }); err != nil {
				t.Error(err)
			}
			done = true
		})
		synctest.Wait()
		if err := b.wait(b.Context(), "accept", insert(1)); !errors.Is(err, spool.ErrUnavailable) || !errors.Is(err, errDamaged) {
			t.Errorf("a call meanwhile: %v", err)
		}
		b.close()
		release()
		synctest.Wait()
		if !done {
			t.Error("it waits for ever")
			b.swap()
		}
	})
}
