package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// BenchmarkAcceptAlone takes one call after the other, each with a commit and a
// sync of its own: what a callback costs while nothing else happens.
func BenchmarkAcceptAlone(b *testing.B) {
	s := open(b, spool.Config{})
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if _, err := s.Accept(b.Context(), acceptance(fmt.Sprint(n), "first", "crm")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLease reads 32 deliveries from the front of the queue and gives them
// back.
func BenchmarkLease(b *testing.B) {
	s := open(b, spool.Config{})
	backlog(b, s, 1000)
	b.ReportAllocs()
	for b.Loop() {
		leased := lease(b, s, 32)
		if len(leased) != 32 {
			b.Fatalf("%d leased", len(leased))
		}
		for _, d := range leased {
			s.Release(d)
		}
	}
}

// BenchmarkSettle reports deliveries as delivered, until all is committed.
func BenchmarkSettle(b *testing.B) {
	s := openWithRoom(b, 1<<40)
	backlog(b, s, b.N)
	leased := lease(b, s, b.N)
	attempts := []spool.Attempt{{At: time.Now(), Duration: time.Millisecond, Status: 200, Result: "delivered"}}
	b.ReportAllocs()
	b.ResetTimer()
	for _, d := range leased {
		succeed(b, s.Settle(d, attempts))
	}
	for s.Backlog() > 0 {
		<-time.After(100 * time.Microsecond)
	}
	b.StopTimer()
	if len(leased) != b.N {
		b.Fatalf("%d of %d leased", len(leased), b.N)
	}
}
