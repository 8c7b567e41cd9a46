package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/wait"
)

const (
	// maxFailures bounds the failures that an answer lists.
	maxFailures = 20
	// maxNote bounds the reason that is kept with a dead letter.
	maxNote = 2 << 10
)

// replayed is the answer to a replay.
type replayed struct {
	selected
	// Replayed are the deliveries that wait in their lanes again.
	Replayed int `json:"replayed"`
	// Accepted are callbacks that became calls; Ignored those that turned out to
	// be events that are no calls.
	Accepted int `json:"accepted"`
	Ignored  int `json:"ignored"`
	// Kept are the dead letters that stay; Failures says why, for the first ones.
	Kept     int       `json:"kept"`
	Failures []failure `json:"failures"`
	// NextDueAt is when one more would come due at the rate asked for: the
	// not_before of a request that goes on.
	NextDueAt call.Time `json:"next_due_at,omitzero"`
}

type failure struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

func (a *api) replay(w http.ResponseWriter, r *http.Request) {
	sel := newSelection()
	p := replayer{api: a, out: replayed{Failures: []failure{}}}
	fields := append(
		sel.fields(),
		field{"not_before", &p.start, "a time in RFC 3339", false},
	)
	if !a.read(w, r, fields...) {
		return
	}
	err := sel.check()
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return
	}
	p.rate = sel.rate
	unhurried(w)
	if err = p.begin(r.Context()); err == nil {
		err = p.run(r.Context(), sel)
	}
	if !sel.dryRun {
		a.Log.InfoContext(r.Context(), "an operator replayed dead letters", "via", via,
			"replayed", p.out.Replayed, "accepted", p.out.Accepted, "ignored", p.out.Ignored, "kept", p.out.Kept, "complete", err == nil)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, p.out)
}

// replayer works through one replay.
type replayer struct {
	*api
	// start is by the store's clock, as all that is due. The API speaks of the wall
	// clock, which is ahead of it where it was set.
	start      time.Time
	ahead      time.Duration
	rate       float64
	done       int // that took a place in the rate
	configured map[string]bool
	out        replayed
}

// begin fixes the time of the first one, and the sinks that there are.
func (p *replayer) begin(ctx context.Context) error {
	now := p.Store.Now()
	p.ahead = time.Now().Round(0).Sub(now).Round(time.Second) // less is no clock that was set
	if p.start = p.start.Add(-p.ahead); p.start.Before(now) {
		p.start = now
	}
	lanes, err := p.Store.Lanes(ctx)
	p.configured = map[string]bool{}
	for _, l := range lanes {
		p.configured[l.Sink] = l.Configured
	}
	return err
}

func (p *replayer) run(ctx context.Context, sel *selection) (err error) {
	p.out.selected = newSelected(sel)
	p.out.Missing, p.out.NextCursor, err = sel.letters(ctx, p.Store, func(page []spool.DeadLetter) error {
		p.out.count(page)
		if sel.dryRun {
			return nil
		}
		return p.step(ctx, page)
	})
	if p.rate > 0 {
		p.out.NextDueAt = call.At(p.due().Add(p.ahead))
	}
	return err
}

// due is when the next one comes due, by the store's clock.
func (p *replayer) due() time.Time {
	return spool.ReplayDue(p.start, p.done, p.rate)
}

// step replays dead letters, those of one sink together: each group is one
// commit.
func (p *replayer) step(ctx context.Context, page []spool.DeadLetter) error {
	for _, group := range groups(page) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		switch {
		case group[0].Stage == spool.StageIntake:
			err = p.redeemAll(ctx, group)
		case !p.configured[group[0].Sink]:
			for _, l := range group {
				p.keep(l.ID, "the sink "+l.Sink+" is not configured: put it back into the configuration, or purge")
			}
		default:
			err = p.replay(group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groups parts dead letters by their sinks, those of stage intake apart, and
// keeps the order within each.
func groups(page []spool.DeadLetter) (out [][]spool.DeadLetter) {
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

func (p *replayer) replay(group []spool.DeadLetter) error {
	n, _, err := p.Store.Replay(idsOf(group), p.due(), p.rate)
	if err != nil {
		return err
	}
	p.done += n
	p.out.Replayed += n
	if p.Replayed != nil {
		p.Replayed(group[0].Sink, n)
	}
	return nil
}

// redeemAll reads callbacks again, at the rate asked for.
func (p *replayer) redeemAll(ctx context.Context, group []spool.DeadLetter) error {
	for _, l := range group {
		if err := wait.For(ctx, p.due().Sub(p.Store.Now())); err != nil {
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
	d, err := p.Store.DeadLetter(ctx, id)
	if errors.Is(err, spool.ErrNotFound) {
		return nil // somebody else was quicker
	}
	if err != nil {
		return err
	}
	err = p.Redeem(ctx, d)
	switch {
	case err == nil:
		p.out.Accepted++
		return nil
	case errors.As(err, new(*call.NotACall)):
		p.out.Ignored++
		_, err = p.Store.Purge([]string{id})
		return err
	case errors.Is(err, spool.ErrUnavailable) || ctx.Err() != nil:
		return err
	default:
		reason := plaintext.Cut(err.Error(), maxNote)
		p.keep(id, reason)
		return p.Store.NoteLetter(id, reason)
	}
}

func (p *replayer) keep(id, reason string) {
	p.out.Kept++
	if len(p.out.Failures) < maxFailures {
		p.out.Failures = append(p.out.Failures, failure{id, reason})
	}
}
