package operate

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/wait"
)

// Purged is what a purge did.
type Purged struct {
	Selected
	Purged int `json:"purged"`
}

// Purge deletes dead letters for ever, at the rate of the selection. Its result also
// holds what was done before an error.
func (o *Operator) Purge(ctx context.Context, s Selection) (Purged, error) {
	out := Purged{Selected: newSelected(&s)}
	if err := s.Check(); err != nil {
		return out, err
	}
	ctx, event, err := o.begin(ctx, spool.ActionPurge, s.describe(), s.Event)
	if err != nil {
		return out, err
	}
	pace := newPacer(&s)
	err = o.walk(ctx, &s, pace.step, &out.Selected, func(page []DeadLetter) error {
		if err := pace.wait(ctx, len(page)); err != nil {
			return err
		}
		n, err := o.deps.Store.Purge(ctx, idsOf(page))
		out.Purged += n
		return err
	})
	if out.Purged > 0 {
		out.Event = event.ID
	}
	if !s.DryRun {
		o.log.InfoContext(ctx, "an operator purged dead letters", "purged", out.Purged, "complete", err == nil && out.NextCursor == "")
	}
	return out, err
}

// pacer holds work to a rate, in steps that are even enough for it. A replay does not
// need it: what it replays comes due at the rate, and the request ends at once.
type pacer struct {
	rate float64
	step int
	next time.Time
}

func newPacer(s *Selection) *pacer {
	step := selectionStep
	if s.Rate > 0 && !s.DryRun {
		step = int(min(max(s.Rate/stepsPerSecond, 1), selectionStep))
	}
	return &pacer{rate: s.Rate, step: step, next: time.Now()}
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
