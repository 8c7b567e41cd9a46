package app

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
)

// deadlines bound the parts of a stop. All of them are over within shutdown.grace,
// whatever a reload, a disk or a sink is doing; what is held up longer ends with the
// process.
type deadlines struct {
	// work bounds callbacks and attempts on their way.
	work time.Duration
	// reports bounds the lanes whose attempts were cut off at the end of work.
	reports time.Duration
	// all bounds everything, so that the process is gone when the grace time is over.
	all time.Duration
	// beside bounds what runs beside the listeners: it was told to end long ago, but
	// a file of the configuration that hangs holds up its reader.
	beside time.Duration
}

func deadlinesOf(grace time.Duration) deadlines {
	reserve := min(2*time.Second, grace/5) // for the last commit
	const least = 200 * time.Millisecond   // also where no grace time is allowed
	return deadlines{
		work:    grace - reserve,
		reports: reserve / 2,
		all:     max(grace-min(least, grace/10), least),
		beside:  time.Second,
	}
}

// stop ends everything, in this order.
func (a *App) stop(ctx context.Context) error {
	settings := a.beginStop()
	a.log.Info("cdrelay stops", "delay", settings.Delay.String(), "grace", settings.Grace.String())
	<-time.After(settings.Delay)
	within := deadlinesOf(*settings.Grace)
	ctx, cancel := context.WithTimeout(ctx, within.all)
	defer cancel()
	err := a.endWork(ctx, within)
	a.endSpool(ctx)
	a.endServing(ctx, within.beside)
	a.log.Info("cdrelay has stopped")
	return err
}

// beginStop ends all changes of the state, and returns its settings. From here on
// every answer closes its connection.
func (a *App) beginStop() config.Shutdown {
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.stopping)
	a.intake.Close()
	a.private.Close()
	return a.state.Load().loaded.Shutdown
}

// endWork ends intake and the attempts on their way, side by side, so that a slow
// sender takes no time from the attempts; and then the private listener.
func (a *App) endWork(ctx context.Context, within deadlines) error {
	work, cancel := context.WithTimeout(ctx, within.work)
	defer cancel()
	var callbacks sync.WaitGroup
	var err error
	callbacks.Go(func() { err = a.endIntake(work) })
	for _, s := range a.state.Load().running {
		s.leave(ending{})
	}
	if !ended(work, a.lives.Wait) {
		a.cutAttempts(ctx, within.reports)
	}
	callbacks.Wait()
	return errors.Join(err, a.private.Shutdown(work))
}

// endIntake waits until the callbacks in flight have their answers. What is cut off
// then was answered nothing, so its sender pushes it again: nothing is lost, and the
// stop has not failed.
func (a *App) endIntake(ctx context.Context) error {
	err := a.public.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("callbacks in flight were cut off; their senders got no answer", "error", err)
		return nil
	}
	return err
}

// cutAttempts ends the attempts that the grace time was too short for, and waits for
// what their lanes report.
func (a *App) cutAttempts(ctx context.Context, within time.Duration) {
	close(a.graceOver)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if !ended(ctx, a.lives.Wait) {
		a.log.Error("lanes did not end within shutdown.grace; what they were at is done again at the next start")
	}
}

// endSpool commits what lanes have reported, and ends the tracer beside it. A disk
// that does not take it costs repeated deliveries and no call, so the stop has not
// failed.
func (a *App) endSpool(ctx context.Context) {
	var spans sync.WaitGroup
	spans.Go(func() { a.tracer.Shutdown(ctx) })
	defer ended(ctx, spans.Wait)
	switch err := a.spool.Close(ctx); {
	case err != nil && ctx.Err() != nil:
		a.log.Error("the spool was not closed within shutdown.grace; the last deliveries may be repeated")
	case err != nil:
		a.log.Error("the spool was not closed as it should be; the last deliveries may be repeated", "error", err)
	}
}

// endServing waits for the listeners and what ran beside them.
func (a *App) endServing(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ended(ctx, a.serving.Wait)
}

// ended waits for f until the context ends, and reports whether f has ended. What
// has not goes on.
func ended(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
