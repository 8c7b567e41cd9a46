package operate

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/wait"
)

const (
	// maxFailures bounds the failures that an answer lists.
	maxFailures = 20
	// maxNote bounds the reason that is kept with a dead letter, in bytes.
	maxNote = 2 << 10
)

// Replay is a request to replay dead letters.
type Replay struct {
	Selection
	// NotBefore is when the first delivery comes due; the zero time is now.
	NotBefore time.Time
	// AtOnce reads callbacks again without the pace of the rate: the page has no hour
	// for its answer. Deliveries come due at the rate in any case.
	AtOnce bool
}

// Replayed is what a replay did.
type Replayed struct {
	Selected
	ReplayCounts
}

// ReplayCounts is what became of the dead letters of a replay.
type ReplayCounts struct {
	// Replayed are the deliveries that wait in their lanes again.
	Replayed int `json:"replayed"`
	// Accepted are callbacks that became calls; Ignored those that turned out to
	// be events that are no calls.
	Accepted int `json:"accepted"`
	Ignored  int `json:"ignored"`
	// Kept are the dead letters that stay; Failures says why, for the first ones.
	Kept     int       `json:"kept"`
	Failures []Failure `json:"failures"`
	// NextDueAt is when one more would come due at the rate asked for: the
	// not_before of a request that goes on.
	NextDueAt call.Time `json:"next_due_at,omitzero"`
}

// Add adds what a later part of the same work did.
func (c *ReplayCounts) Add(part ReplayCounts) {
	c.Replayed += part.Replayed
	c.Accepted += part.Accepted
	c.Ignored += part.Ignored
	c.Kept += part.Kept
	c.Failures = append(c.Failures, part.Failures...)
	c.NextDueAt = part.NextDueAt
}

// Failure says why a dead letter stays.
type Failure struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Replay puts deliveries back into their lanes and reads callbacks again. Its result
// also holds what was done before an error.
func (o *Operator) Replay(ctx context.Context, r Replay) (Replayed, error) {
	due, err := o.schedule(r.NotBefore, r.Rate)
	p := replayer{Operator: o, Replay: r, schedule: due, out: Replayed{Selected: newSelected(&r.Selection)}}
	p.out.Failures = []Failure{}
	if err := cmp.Or(r.Check(), err); err != nil {
		return p.out, err
	}
	ctx, event, err := o.begin(ctx, spool.ActionReplay, r.describe(), r.Event)
	if err != nil {
		return p.out, err
	}
	if p.sinks, err = o.configured(ctx); err == nil {
		err = o.walk(ctx, &r.Selection, selectionStep, &p.out.Selected, func(page []DeadLetter) error { return p.step(ctx, page) })
	}
	p.out.NextDueAt = p.next()
	if p.out.Replayed+p.out.Accepted+p.out.Ignored > 0 {
		p.out.Event = event.ID
	}
	if !r.DryRun {
		o.log.InfoContext(ctx, "an operator replayed dead letters", "replayed", p.out.Replayed, "accepted", p.out.Accepted,
			"ignored", p.out.Ignored, "kept", p.out.Kept, "complete", err == nil && p.out.NextCursor == "")
	}
	return p.out, err
}

// replayer works through one replay.
type replayer struct {
	*Operator
	Replay
	schedule
	sinks map[string]bool // that are configured
	out   Replayed
}

// step replays dead letters, those of one sink together: each group is one commit.
func (p *replayer) step(ctx context.Context, page []DeadLetter) error {
	for _, group := range groups(page) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		switch {
		case group[0].Stage == spool.StageIntake:
			err = p.redeemAll(ctx, group)
		case !p.sinks[group[0].Sink]:
			for _, l := range group {
				p.keep(l.ID, "the sink "+l.Sink+" is not configured: put it back into the configuration, or purge")
			}
		default:
			err = p.putBack(ctx, group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groups parts dead letters by their sinks, those of stage intake apart, and
// keeps the order within each.
func groups(page []DeadLetter) (out [][]DeadLetter) {
	type place struct {
		stage spool.Stage
		sink  string
	}
	at := map[place]int{}
	for _, l := range page {
		k := place{l.Stage, l.Sink}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], l)
	}
	return out
}

// putBack puts deliveries of one sink back into its lane.
func (p *replayer) putBack(ctx context.Context, group []DeadLetter) error {
	n, _, err := p.deps.Store.Replay(ctx, idsOf(group), p.due(), p.Rate)
	if err != nil {
		return err
	}
	p.done += n
	p.out.Replayed += n
	if p.deps.Replayed != nil {
		p.deps.Replayed(group[0].Sink, n)
	}
	return nil
}

// redeemAll reads callbacks again, at the rate asked for.
func (p *replayer) redeemAll(ctx context.Context, group []DeadLetter) error {
	for _, l := range group {
		err := ctx.Err()
		if !p.AtOnce {
			err = wait.For(ctx, p.due().Sub(p.deps.Store.Now()))
		}
		if err != nil {
			return err
		}
		p.done++
		if err := p.redeem(ctx, l.ID); err != nil {
			return err
		}
	}
	return nil
}

// redeem reads one callback again. Its error is one that ends the replay.
func (p *replayer) redeem(ctx context.Context, id string) error {
	d, err := p.deps.Store.DeadLetter(ctx, id)
	if errors.Is(err, spool.ErrNotFound) {
		return nil // somebody else was quicker
	}
	if err != nil {
		return err
	}
	if p.deps.Redeem == nil {
		p.keep(id, noReading)
		return nil
	}
	err = p.deps.Redeem(ctx, d)
	switch {
	case err == nil:
		p.out.Accepted++
		return nil
	case errors.As(err, new(*call.NotACall)):
		p.out.Ignored++
		_, err = p.deps.Store.Purge(ctx, []string{id})
		return err
	case errors.Is(err, spool.ErrUnavailable) || ctx.Err() != nil:
		return err
	default:
		reason := noteOf(err)
		p.keep(id, reason)
		return p.deps.Store.NoteLetter(ctx, id, reason)
	}
}

// noReading is why a callback stays where there is no Redeem.
const noReading = "this server reads no callbacks"

// noteOf is why a callback stays that cannot be understood.
func noteOf(err error) string { return plaintext.Cut(err.Error(), maxNote) }

func (p *replayer) keep(id, reason string) {
	p.out.Kept++
	if len(p.out.Failures) < maxFailures {
		p.out.Failures = append(p.out.Failures, Failure{id, reason})
	}
}
