package sqlite_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// BenchmarkAccept takes calls from 64 goroutines and reports how many share a
// commit, and so a sync.
func BenchmarkAccept(b *testing.B) {
	s := open(b, spool.Config{})
	var n atomic.Int64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Accept(b.Context(), acceptance(fmt.Sprint(n.Add(1)), "first", "crm")); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
	commits, calls := s.Commits(b)
	b.ReportMetric(float64(commits)/float64(calls), "commits/call")
	b.ReportMetric(float64(calls)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkAcceptNumbers takes calls of other numbers each, beside few and many
// that are stored: what a number costs must not grow with what is stored.
func BenchmarkAcceptNumbers(b *testing.B) {
	for _, stored := range []int{0, 100_000} {
		b.Run(fmt.Sprint(stored), func(b *testing.B) {
			s := open(b, spool.Config{MaxBytes: 1 << 40, Retention: 1000 * time.Hour})
			if stored > 0 {
				fill(b, s, stored, "6281200000000 + i * 7919 % 1000000")
			}
			var n atomic.Int64
			b.SetParallelism(64 / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					a := acceptance(fmt.Sprint("new", i), "first", "crm")
					a.Record.From.Number = fmt.Sprintf("+6281%09d", i*7919%1e9)
					a.Record.To.Number = fmt.Sprintf("+6221%09d", i*104729%1e9)
					if _, err := s.Accept(b.Context(), a); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkLeaseSettle leases and settles what was accepted before, as one lane
// does.
func BenchmarkLeaseSettle(b *testing.B) {
	s := open(b, spool.Config{})
	backlog(b, s, b.N)
	b.ResetTimer()
	for done := 0; done < b.N; {
		for _, d := range lease(b, s, 32) {
			succeed(b, s.Settle(d, nil))
			done++
		}
	}
}

// BenchmarkBacklog leases from the front of ever longer queues: neither the time
// nor the memory of a lease may grow with what waits behind.
func BenchmarkBacklog(b *testing.B) {
	for _, waiting := range []int{1_000, 200_000} {
		b.Run(fmt.Sprint(waiting), func(b *testing.B) {
			s := open(b, spool.Config{})
			before := heap()
			backlog(b, s, waiting)
			held := lease(b, s, 64)
			grown := heap() - before
			runtime.KeepAlive(held)
			for b.Loop() {
				for _, d := range lease(b, s, 8) {
					s.Release(d)
				}
			}
			b.ReportMetric(float64(max(0, grown))/1e3, "heap-kB")
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// backlog accepts n calls for crm.
func backlog(b *testing.B, s *sqlite.Store, n int) {
	b.Helper()
	var next atomic.Int64
	done := make(chan error)
	for range 64 {
		go func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					done <- nil
					return
				}
				if _, err := s.Accept(b.Context(), acceptance(fmt.Sprint(i), "first", "crm")); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}
