package app

import (
	"context"
	"errors"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// watchEvery is how often the content of the configuration is looked at. It is
	// polled because a ConfigMap changes by a swap of a link that a watch on the
	// path would miss.
	watchEvery = 5 * time.Second
	// missingFor is how long the file may be away before it is reported: an editor
	// or a swap of a link puts it back at once.
	missingFor = 500 * time.Millisecond
)

// refusal is why the configuration in the file is not the one that runs.
type refusal struct {
	err error
	at  time.Time
	// again: the reload is tried again when the spool is well, without a change of
	// the file.
	again bool
}

// refuse keeps why a reload changed nothing, until one does.
func (a *App) refuse(err error) {
	_, again := errors.AsType[*notNow](err)
	a.refused.Store(&refusal{err: err, at: time.Now(), again: again || errors.Is(err, spool.ErrUnavailable)})
	a.metrics.reloadRefused()
}

// watch reloads at each hang-up signal, and when the content of the configuration,
// of a secret's file or of a certificate has changed.
func (a *App) watch(ctx context.Context) {
	look := time.NewTimer(watchEvery)
	defer look.Stop()
	if a.opts.Fingerprint == nil || a.opts.Load == nil {
		look.Stop()
	}
	for missing := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-a.opts.Hangup:
			_ = a.reloadBy(ctx, operate.TokenSignal) // has logged and counted its error
		case <-look.C:
			var next time.Duration
			next, missing = a.look(ctx, missing)
			look.Reset(next)
		}
	}
}

// reloadBy reloads as what the server itself noticed.
func (a *App) reloadBy(ctx context.Context, token string) error {
	return a.noted(a.operator("server", "app"))(operate.WithActor(ctx, operate.Actor{Token: token}))
}

// look reloads where the content is another than the one tried last. It returns
// when to look again, and whether the file was missing.
func (a *App) look(ctx context.Context, wasMissing bool) (next time.Duration, missing bool) {
	now, err := a.opts.Fingerprint()
	switch {
	case err == nil:
		if a.isNews(now) {
			_ = a.reloadBy(ctx, operate.TokenFile) // has logged and counted its error
		}
		return watchEvery, false
	case !wasMissing:
		return missingFor, true
	default:
		a.reportMissing(err)
		return watchEvery, true
	}
}

// isNews reports whether a reload would change something: another content than the
// one tried last, or, after a refusal, one that may do now. What runs always does,
// so a file that is put back ends the refusal.
func (a *App) isNews(now config.Hash) bool {
	refused := a.refused.Load()
	if now != *a.tried.Load() || refused == nil {
		return now != *a.tried.Load()
	}
	return now == a.state.Load().loaded.Hash || refused.again && a.spool.Ready() == nil
}

// reportMissing logs once that the configuration cannot be read. When it can
// again, it is read even if it did not change.
func (a *App) reportMissing(err error) {
	if *a.tried.Swap(&config.Hash{}) == (config.Hash{}) {
		return
	}
	a.refuse(err)
	a.log.Error("the configuration cannot be read; the one that runs goes on", "error", err)
}
