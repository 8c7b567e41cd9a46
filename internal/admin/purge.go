package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/wait"
)

// purged is the answer to a purge.
type purged struct {
	selected
	Purged int `json:"purged"`
}

func (a *api) purge(w http.ResponseWriter, r *http.Request) {
	sel := newSelection()
	if !a.read(w, r, sel.fields()...) {
		return
	}
	if err := sel.check(); err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	unhurried(w)
	ctx := r.Context()
	pace := newPacer(sel)
	out := purged{selected: newSelected(sel)}
	var err error
	out.Missing, out.NextCursor, err = sel.letters(ctx, a.Store, func(page []spool.DeadLetter) error {
		out.count(page)
		if sel.dryRun || len(page) == 0 {
			return ctx.Err()
		}
		if err := pace.wait(ctx, len(page)); err != nil {
			return err
		}
		n, err := a.Store.Purge(idsOf(page))
		out.Purged += n
		return err
	})
	if !sel.dryRun {
		a.Log.InfoContext(ctx, "an operator purged dead letters", "via", via, "purged", out.Purged, "complete", err == nil)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, out)
}

// stepsPerSecond is into how many steps the work of a second is cut where there
// is a rate.
const stepsPerSecond = 10

// pacer holds work to a rate. A replay does not need it: what it replays comes
// due at the rate, and the request ends at once.
type pacer struct {
	rate float64
	next time.Time
}

// newPacer cuts the selection into steps that are even enough for its rate.
func newPacer(s *selection) *pacer {
	if s.rate > 0 && !s.dryRun {
		s.step = int(min(max(s.rate/stepsPerSecond, 1), selectionStep))
	}
	return &pacer{rate: s.rate, next: time.Now()}
}

// wait returns when n more may be worked on.
func (p *pacer) wait(ctx context.Context, n int) error {
	if p.rate <= 0 {
		return nil
	}
	err := wait.For(ctx, time.Until(p.next))
	p.next = spool.ReplayDue(p.next, n, p.rate)
	return err
}
