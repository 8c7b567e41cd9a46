package operate

import (
	"context"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// SinkPause is what a pause or a resume did.
type SinkPause struct {
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
}

// Pause makes the calls of a sink wait until it is resumed.
func (o *Operator) Pause(ctx context.Context, sink string) (SinkPause, error) {
	return o.setPause(ctx, sink, spool.Pause{By: spool.ByOperator})
}

// Resume ends an operator's pause, and one that the sink asked for too.
func (o *Operator) Resume(ctx context.Context, sink string) (SinkPause, error) {
	return o.setPause(ctx, sink, spool.Pause{})
}

func (o *Operator) setPause(ctx context.Context, sink string, p spool.Pause) (SinkPause, error) {
	out := SinkPause{Name: sink, Paused: p.By == spool.ByOperator}
	if err := o.deps.Store.SetPause(ctx, sink, p); err != nil {
		return out, err
	}
	o.log.InfoContext(ctx, "an operator changed the pause of a sink", "sink", sink, "paused", out.Paused)
	return out, nil
}

// Erasure is what an erase took, or would take.
type Erasure struct {
	DryRun bool `json:"dry_run"`
	// Number is the number as it was understood, E.164 or digits.
	Number string `json:"number"`
	spool.Erased
}

// Erase erases every trace of a telephone number; dry only counts.
func (o *Operator) Erase(ctx context.Context, number string, dry bool) (Erasure, error) {
	forms, err := o.deps.NumberForms(number)
	if err != nil {
		return Erasure{}, &InputError{err.Error()}
	}
	out := Erasure{DryRun: dry, Number: forms.E164}
	if out.Number == "" && len(forms.Digits) > 0 {
		out.Number = forms.Digits[0]
	}
	out.Erased, err = o.deps.Store.Erase(ctx, forms, dry)
	if !dry {
		o.log.InfoContext(ctx, "an operator erased a number", "number", call.Mask(out.Number), "calls", out.Calls, "dead_letters", out.DeadLetters,
			"in_flight", len(out.InFlight), "residue", out.Residue, "complete", err == nil)
	}
	return out, err
}
