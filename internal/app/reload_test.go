package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestAReloadThatTheSpoolRefusedIsMadeAgain: a configuration that changed while
// the disk was full was never taken over when there was room again. One that is
// bad is still read once.
func TestAReloadThatTheSpoolRefusedIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		failure error
		loads   int
	}{
		"refused": {fmt.Errorf("set lanes: %w", spool.ErrUnavailable), 2},
		"bad":     {errors.New("bad"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "s.db")
				parse := func(more string) *config.Loaded {
					l, err := config.Parse("c.yaml", fmt.Appendf(nil, "listen: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\"}\nspool: {path: %q}\nshutdown: {delay: 0s, grace: 1s}\n%s", path, more))
					if err != nil {
						t.Fatal(err)
					}
					return l
				}
				loads, changed := 0, parse("log: {level: debug}\n")
				a, err := New(t.Context(), parse(""), Options{
					Log:         slog.New(slog.DiscardHandler),
					Fingerprint: func() (config.Hash, error) { return changed.Hash, nil },
					Load: func() (*config.Loaded, error) {
						if loads++; loads == 1 {
							return nil, c.failure
						}
						return changed, nil
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				go a.watch(ctx)
				time.Sleep(10 * watchEvery)
				cancel()
				synctest.Wait()
				if loads != c.loads || (a.state.Load().loaded == changed) != (c.loads > 1) {
					t.Errorf("the changed configuration was read %d times, want %d", loads, c.loads)
				}
				if err := a.stop(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
