package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/wait"
)

func TestFor(t *testing.T) {
	gone := errors.New("the client has gone")
	for _, c := range []struct {
		name       string
		d, endedAt time.Duration
		took       time.Duration
		want       error
	}{
		{"the time passes", time.Second, time.Minute, time.Second, nil},
		{"the context ends", time.Minute, time.Second, time.Second, gone},
		{"nothing to wait for", 0, time.Minute, 0, nil},
		{"less than nothing", -time.Hour, time.Minute, 0, nil},
		{"ended before", 0, 0, 0, gone},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			if c.endedAt == 0 {
				cancel(gone)
			}
			stop := time.AfterFunc(c.endedAt, func() { cancel(gone) })
			defer stop.Stop()
			from := time.Now()
			if err := wait.For(ctx, c.d); !errors.Is(err, c.want) || time.Since(from) != c.took {
				t.Errorf("%s: %v after %v, want %v after %v", c.name, err, time.Since(from), c.want, c.took)
			}
		})
	}
}
