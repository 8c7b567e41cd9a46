package crash

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	zombie "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
	"github.com/cdrelay/cdrelay/internal/testbed/bench/stock"
)

const (
	// batch is how many calls one measurement of the rate takes.
	batch = 4000
	// singles is how many calls one measurement of the latency takes, one after
	// the other.
	singles = 200
	rounds  = 5
)

// BenchmarkIsolation measures the healthy lane of two servers in turn, the one
// that is not measured being stopped by SIGSTOP: one with nothing else, one with
// a neighbour in trouble. Both have the same history and the same load. It
// reports the medians and their ratios: rate (1 is as alone, more is better),
// p50 and p99 of the time from the post to the arrival (less is better).
// CDRELAY_CRASH_BACKLOG sets how many deliveries wait for the neighbour.
func BenchmarkIsolation(b *testing.B) {
	backlog := numberFromEnv(b, "CDRELAY_CRASH_BACKLOG", 100_000)
	for _, neighbour := range []struct {
		name    string
		prepare func(path string) error
	}{
		{"dead", func(string) error { return nil }},
		{"paused", pauseNeighbour},
		{"poisoned", poisonNeighbour},
	} {
		b.Run(fmt.Sprintf("%s/waiting=%d", neighbour.name, backlog), func(b *testing.B) {
			alone, beside := newLaneBench(b, 0, nil), newLaneBench(b, backlog, neighbour.prepare)
			for b.Loop() {
				for range rounds {
					alone.measure(b)
					beside.measure(b)
				}
			}
			report(b, alone, beside)
		})
	}
}

// laneBench is a server with a healthy sink and a neighbour.
type laneBench struct {
	process *process
	well    *recorder
	volley  *volley
	rates   []float64
	late    times
}

func newLaneBench(b *testing.B, backlog int, prepare func(string) error) *laneBench {
	b.Helper()
	l := &laneBench{well: newRecorder(b, "well", alike(http.StatusOK)), volley: newVolley(b, 64)}
	config := writeConfig(b, "", fmt.Sprintf(`
sinks:
  - {name: well, webhook: {url: "%s"}}
  - {name: neighbour, webhook: {url: "http://%s"}, breaker: {open_for: 1s}}
rules: [{name: all, to: [well]}]
`, l.well.URL, nobody(b)))
	path := filepath.Join(filepath.Dir(config), "cdrelay.db")
	if backlog > 0 {
		if err := stock.Fill(b.Context(), path, "neighbour", backlog, oldCall); err != nil {
			b.Fatal(err)
		}
		if err := prepare(path); err != nil {
			b.Fatal(err)
		}
	}
	begun := time.Now()
	l.process = launch(b, config)
	l.process.awaitServing()
	_, most := l.process.memory()
	b.Logf("%d waiting: serving after %v with %.0f MB", l.process.sink("neighbour").Pending, time.Since(begun).Round(time.Millisecond), most)
	l.load(b, batch) // warm
	l.rates, l.late = nil, nil
	l.process.signal(syscall.SIGSTOP)
	b.Cleanup(func() { l.process.signal(syscall.SIGCONT) })
	return l
}

// measure runs the server for one measurement.
func (l *laneBench) measure(b *testing.B) {
	b.Helper()
	l.process.signal(syscall.SIGCONT)
	defer l.process.signal(syscall.SIGSTOP)
	wait(b.Context(), 300*time.Millisecond) // what was due meanwhile
	l.load(b, batch)
	n := len(l.volley.acked)
	l.volley.shoot(b.Context(), l.process.public, 1, singles)
	l.arrived(b)
	for _, k := range l.volley.acked[n:] {
		a, _ := l.well.first(k)
		l.late = append(l.late, a.answered.Sub(l.volley.begun[k]))
	}
}

// load posts a batch as fast as it is taken and notes the rate of deliveries.
func (l *laneBench) load(b *testing.B, calls int) {
	b.Helper()
	begun := time.Now()
	l.volley.shoot(b.Context(), l.process.public, 64, calls)
	l.arrived(b)
	l.rates = append(l.rates, float64(calls)/time.Since(begun).Seconds())
}

func (l *laneBench) arrived(b *testing.B) {
	b.Helper()
	for end := time.Now().Add(patience); l.well.count() < len(l.volley.acked); wait(b.Context(), time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%d of %d calls arrived\n%s", l.well.count(), len(l.volley.acked), l.process.log)
		}
	}
	l.volley.verdict(b)
}

func (l *laneBench) rate() float64 {
	slices.Sort(l.rates)
	return l.rates[len(l.rates)/2]
}

// report gives the figures of both and their ratios.
func report(b *testing.B, alone, beside *laneBench) {
	b.Helper()
	_, most := beside.process.memory()
	b.ReportMetric(0, "ns/op") // means nothing here
	b.ReportMetric(alone.rate(), "alone-calls/s")
	b.ReportMetric(beside.rate()/alone.rate(), "rate-ratio")
	b.ReportMetric(float64(alone.late.at(0.5).Microseconds()), "alone-p50-µs")
	b.ReportMetric(float64(beside.late.at(0.5))/float64(alone.late.at(0.5)), "p50-ratio")
	b.ReportMetric(float64(beside.late.at(0.99))/float64(alone.late.at(0.99)), "p99-ratio")
	b.ReportMetric(most, "MB")
}

func openSpool(ctx context.Context, path string) (*sqlite.Store, error) {
	return sqlite.Open(ctx, spool.Config{Path: path}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
}

// oldCall is one call for the neighbour.
func oldCall(n int) (spool.Acceptance, error) {
	raw := fmt.Appendf(nil, `{"callId":"old-%d","caller":"85235757581","callee":"[email protected]:5060","direction":2}`, n)
	content, err := call.HashContent(raw)
	return spool.Acceptance{
		Record: &call.Record{
			Schema: call.SchemaID, ID: call.NewID("old", fmt.Sprint(n)), Source: "old", Format: "nxcc", Direction: "outbound",
			Method: "ai_agent", Outcome: "answered", ReceivedAt: call.At(time.Now()), Raw: raw,
		},
		Content: content, Route: func(*call.Record) ([]string, error) { return []string{"neighbour"}, nil },
	}, err
}

func pauseNeighbour(path string) error {
	ctx := context.Background()
	s, err := openSpool(ctx, path)
	if err != nil {
		return err
	}
	if err := s.SetPause(ctx, "neighbour", spool.Pause{By: spool.ByOperator}); err != nil {
		return err
	}
	return s.Close(ctx)
}

// poisonNeighbour makes the first thousand records unreadable, and then every
// hundredth.
func poisonNeighbour(path string) error {
	c, err := zombie.OpenConn(path, zombie.OpenReadWrite)
	if err != nil {
		return err
	}
	if err := sqlitex.ExecuteTransient(c, `UPDATE calls SET record = x'7b00' WHERE seq <= 1000 OR seq % 100 = 0`, nil); err != nil {
		return err
	}
	return c.Close()
}

// nobody is an address on which nothing listens.
func nobody(tb testing.TB) string {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }() // only its number is wanted
	return l.Addr().String()
}
