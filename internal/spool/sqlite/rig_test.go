package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// testContext is for code that has no test around it.
func testContext() context.Context { return context.Background() }

// logText is a log that a spool writes while a test reads it.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns what was written so far.
func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// open opens a spool and closes it with the test, unless the test did.
func open(tb testing.TB, cfg spool.Config) *sqlite.Store {
	tb.Helper()
	return openWith(tb, cfg, sqlite.Deps{Readings: phone.Readings})
}

func openWith(tb testing.TB, cfg spool.Config, deps sqlite.Deps) *sqlite.Store {
	tb.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(tb.TempDir(), "cdrelay.db")
	}
	deps.Log, deps.Repair = quiet(), repair.Tool{}
	s, err := sqlite.Open(tb.Context(), cfg, deps)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close(context.WithoutCancel(tb.Context())) })
	if err := s.SetLanes(tb.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		tb.Fatal(err)
	}
	return s
}

// openWithRoom opens a spool whose lanes have so many bytes of memory, 0 for the
// usual.
func openWithRoom(tb testing.TB, bytes int64) *sqlite.Store {
	tb.Helper()
	return openWith(tb, spool.Config{}, sqlite.Deps{LaneMemory: bytes})
}

// acceptance is a call for sinks.
func acceptance(id, content string, sinks ...string) spool.Acceptance {
	var hash call.ContentHash
	copy(hash[:], id+" "+content)
	return spool.Acceptance{
		Record: &call.Record{
			Schema: call.SchemaID, ID: call.NewID("dialer", id), Source: "dialer", Outcome: "answered",
			From: call.Party{Raw: "081234567890", Number: "+6281234567890"}, ReceivedAt: call.At(time.Now()),
			Raw: fmt.Appendf(nil, `{"callId":%q,"content":%q}`, id, content),
		},
		Content: hash,
		Route:   func(*call.Record) ([]string, error) { return sinks, nil },
	}
}

func accept(tb testing.TB, s *sqlite.Store, ids ...string) {
	tb.Helper()
	for _, id := range ids {
		if _, err := s.Accept(tb.Context(), acceptance(id, "first", "crm")); err != nil {
			tb.Fatal(err)
		}
	}
}

func lease(tb testing.TB, s *sqlite.Store, limit int) []*spool.Delivery {
	tb.Helper()
	ds, err := s.Lease(tb.Context(), "crm", spool.Places{Limit: limit, Doubtful: limit})
	if err != nil {
		tb.Fatal(err)
	}
	return ds
}

// pass lets time go by in a bubble and waits until the spool rests.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// succeed notes the error of something that must not fail.
func succeed(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Error(err)
	}
}
