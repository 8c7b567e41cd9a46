package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
)

// servingWithin bounds the wait for what ran beside the listeners: all of it has
// been told to end, but a file of the configuration that hangs holds up its reader.
const servingWithin = time.Second

// stop ends everything in order, each part with its deadline: a reload, a disk or
// a sink that hangs keeps nobody longer than shutdown.grace. What then is still
// held up ends with the process.
func (a *App) stop(ctx context.Context) error {
	settings := a.beginStop()
	a.log.Info("cdrelay stops", "delay", settings.Delay.String(), "grace", settings.Grace.String())
	<-time.After(settings.Delay)
	ctx, cancel := context.WithTimeout(ctx, lessExit(*settings.Grace))
	defer cancel()
	err := a.endWork(ctx, *settings.Grace)
	var closing sync.WaitGroup
	closing.Go(func() { a.tracer.Shutdown(ctx) })
	a.closeSpool(ctx)
	within(ctx, closing.Wait)
	soon, cancel := context.WithTimeout(ctx, servingWithin)
	defer cancel()
	within(soon, a.serving.Wait)
	a.log.Info("cdrelay has stopped")
	return err
}

// beginStop lets no reload change the state any more, and gives its settings.
// From here on every answer closes its connection.
func (a *App) beginStop() config.Shutdown {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.stopping)
	a.intake.Close()
	a.private.Close()
	return a.state.Load().loaded.Shutdown
}

// endWork ends intake, the attempts on their way and the private listener. A slow
// sender takes no time from the attempts, so they end side by side.
func (a *App) endWork(ctx context.Context, grace time.Duration) error {
	attempts, cancel := context.WithTimeout(ctx, lessReserve(grace))
	defer cancel()
	for _, s := range a.state.Load().running {
		s.leave(0, false)
	}
	var ending sync.WaitGroup
	var err error
	ending.Go(func() { err = a.endIntake(attempts) })
	if !within(attempts, a.lives.Wait) {
		close(a.graceOver) // cuts the attempts off
		reports, cancel := context.WithTimeout(ctx, reserve(grace)/2)
		defer cancel()
		if !within(reports, a.lives.Wait) {
			a.log.Error("lanes did not end within shutdown.grace; what they were at is done again at the next start")
		}
	}
	ending.Wait()
	return errors.Join(err, a.private.Shutdown(attempts))
}

// endIntake lets the callbacks in flight have their answers until the context is
// done. What is cut off then was answered nothing, so its sender pushes it again:
// nothing is lost, and the stop is none that failed.
func (a *App) endIntake(ctx context.Context) error {
	err := a.public.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("callbacks in flight were cut off; their senders got no answer", "error", err)
		return nil
	}
	return err
}

// closeSpool commits what lanes have reported. A disk that does not take it costs
// repeated deliveries and no call, so the stop is none that failed.
func (a *App) closeSpool(ctx context.Context) {
	closed := make(chan error, 1)
	if !within(ctx, func() { closed <- a.spool.Close() }) { //nolint:contextcheck // it ends whatever the context says
		a.log.Error("the spool was not closed within shutdown.grace; the last deliveries may be repeated")
		return
	}
	if err := <-closed; err != nil {
		a.log.Error("the spool was not closed as it should be; the last deliveries may be repeated", "error", err)
	}
}

// within waits for f until the context ends, and reports whether f has ended. What
// has not goes on.
func within(ctx context.Context, f func()) bool {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f()
	}()
	select {
	case <-ended:
		return true
	case <-ctx.Done():
		return false
	}
}

// reserve is the part of the grace time that is kept for the last commit.
func reserve(grace time.Duration) time.Duration { return min(2*time.Second, grace/5) }

// lessReserve is what attempts get of the grace time.
func lessReserve(grace time.Duration) time.Duration { return grace - reserve(grace) }

// lessExit is when all waits end, so that the process is gone when the grace time
// is over; whoever allows none gets a moment for the last commit all the same.
func lessExit(grace time.Duration) time.Duration {
	return max(grace-min(200*time.Millisecond, grace/10), 200*time.Millisecond)
}
