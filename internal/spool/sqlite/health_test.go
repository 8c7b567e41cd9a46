package sqlite_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	zombie "zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// TestADiskThatHangsIsNotReady from three seconds on, answers callbacks at once, and
// is ready again when a probe has shown that it answers.
func TestADiskThatHangsIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logText{}
		s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}, sqlite.Deps{Log: slog.New(slog.NewJSONHandler(log, nil)), Repair: repair.Tool{}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close(t.Context()) }()
		pass(time.Second)
		hangs := make(chan struct{})
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if err := s.OnWriter(func(*zombie.Conn) error { <-hangs; return nil }); err != nil {
				t.Error(err)
			}
		})
		pass(2 * time.Second)
		if err := s.Ready(); err != nil {
			t.Errorf("after two seconds: %v", err)
		}
		pass(2 * time.Second)
		for range 45 {
			begun := time.Now()
			_, err := s.Accept(t.Context(), acceptance("a", "first", "crm"))
			if ready := s.Ready(); ready == nil || !strings.Contains(ready.Error(), "has not answered") || !errors.Is(err, spool.ErrUnavailable) || time.Since(begun) > 0 {
				t.Fatalf("ready says %v; a callback got %v after %v", ready, err, time.Since(begun))
			}
			pass(time.Second)
		}
		close(hangs)
		waiting.Wait()
		pass(time.Second)
		if err := s.Ready(); err == nil {
			t.Error("ready before anything has shown that the disk answers")
		}
		pass(4 * time.Second)
		if err := s.Ready(); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
		if n := strings.Count(log.String(), "the spool cannot write"); n != 1 || s.Errors("hang") != 1 {
			t.Errorf("told %d times and counted %v times\n%s", n, s.Errors("hang"), log)
		}
	})
}
