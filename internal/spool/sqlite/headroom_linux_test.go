package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestFastSendersNeverFillTheDiskForGood: several senders fill a disk far smaller than
// max_bytes several times over, as fast as they are answered. What is delivered makes
// room; a WAL without room in the file would end that.
func TestFastSendersNeverFillTheDiskForGood(t *testing.T) {
	t.Parallel()
	const size, sent, senders = 24 << 20, 120 << 20, 8
	folder := t.TempDir()
	if err := syscall.Mount("cdrelay-test", folder, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("DID NOT RUN: this test needs root and tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := open(t, spool.Config{Path: filepath.Join(folder, "cdrelay.db"), MaxBytes: 4 << 30})
	if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	ctx, done := context.WithCancel(t.Context())
	var delivering, sending sync.WaitGroup
	delivering.Go(func() {
		for ctx.Err() == nil {
			for _, d := range lease(t, s, 100) { //nolint:contextcheck // what is leased at the end is settled
				succeed(t, s.Settle(d, nil))
			}
			<-time.After(time.Millisecond)
		}
	})
	var next, bytes atomic.Int64
	for range senders {
		sending.Go(func() {
			refused := time.Time{} // since when
			for bytes.Load() < sent && !t.Failed() {
				n := next.Add(1)
				a := acceptance(fmt.Sprint(n), "first", "crm")
				a.Record.Raw = []byte(`"` + strings.Repeat("x", 20_000+int(n*7919%200_000)) + `"`)
				switch _, err := s.Accept(ctx, a); {
				case err == nil:
					bytes.Add(int64(len(a.Record.Raw)))
					refused = time.Time{}
				case refused.IsZero():
					refused = time.Now()
				case time.Since(refused) > 15*time.Second:
					t.Errorf("after %d bytes calls have been refused for 15 s: %v", bytes.Load(), err)
				default:
					<-time.After(10 * time.Millisecond)
				}
			}
		})
	}
	sending.Wait()
	done()
	delivering.Wait()
}
