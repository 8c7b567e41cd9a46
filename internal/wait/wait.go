// Package wait lets time pass, no longer than somebody still waits.
package wait

import (
	"context"
	"time"
)

// For returns after a time, or with the cause of the context as soon as that ends. A
// time that is not positive is over at once.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
