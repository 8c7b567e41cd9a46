package operate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/moment"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// SinkPause is what a pause or a resume did.
type SinkPause struct {
	Name   string `json:"name"`
	Paused bool   `json:"paused"`
	// Until is absent where the pause has no end.
	Until  call.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// PauseRequest is what an operator says of a pause.
type PauseRequest struct {
	// For is how long it is to hold, such as 2h or 1d; empty for until it is resumed.
	For string
	// Reason is why.
	Reason string
}

// maxPauseReason bounds the reason of a pause, in bytes.
const maxPauseReason = 200

// Pause makes the calls of a sink wait until its end or until it is resumed.
func (o *Operator) Pause(ctx context.Context, sink string, r PauseRequest) (SinkPause, error) {
	p := spool.Pause{By: spool.ByOperator, Reason: plaintext.Line(call.MaskText(strings.TrimSpace(r.Reason)))}
	if len(r.Reason) > maxPauseReason {
		return SinkPause{}, &InputError{fmt.Sprintf("the reason has %d bytes: at most %d are kept", len(r.Reason), maxPauseReason)}
	}
	if r.For != "" {
		d, ok := moment.Duration(r.For)
		if !ok || d <= 0 {
			return SinkPause{}, &InputError{fmt.Sprintf("%q is not how long a pause can be: write such as 30m, 2h or 1d", r.For)}
		}
		p.Until = o.deps.Store.Now().Add(d).UTC().Truncate(time.Second)
	}
	return o.setPause(ctx, sink, p, o.event(ctx, spool.ActionPause, detail(p)))
}

// detail says of a pause until when and why.
func detail(p spool.Pause) string {
	text := "until it is resumed"
	if !p.Until.IsZero() {
		text = "until " + stamp(p.Until)
	}
	if p.Reason == "" {
		return text
	}
	return text + ": " + p.Reason
}

// Resume ends an operator's pause, and one that the sink asked for too.
func (o *Operator) Resume(ctx context.Context, sink string) (SinkPause, error) {
	return o.setPause(ctx, sink, spool.Pause{}, o.event(ctx, spool.ActionResume, ""))
}

func (o *Operator) setPause(ctx context.Context, sink string, p spool.Pause, e Event) (SinkPause, error) {
	out := SinkPause{Name: sink, Paused: p.By == spool.ByOperator, Until: call.At(p.Until), Reason: p.Reason}
	if err := o.deps.Store.SetPause(spool.WithEvent(ctx, e), sink, p); err != nil {
		return out, err
	}
	o.log.InfoContext(ctx, "an operator changed the pause of a sink", "sink", sink, "paused", out.Paused, "until", stamp(p.Until), "reason", p.Reason)
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
	// The event is there before the first call is gone.
	e := o.event(ctx, spool.ActionErase, "the number "+call.Mask(out.Number))
	if !dry {
		if err := o.deps.Store.KeepEvent(ctx, e); err != nil {
			return out, err
		}
	}
	out.Erased, err = o.deps.Store.Erase(ctx, forms, dry)
	if !dry {
		e.Count = out.Calls + out.DeadLetters
		o.keep(ctx, e)
		o.log.InfoContext(ctx, "an operator erased a number", "number", call.Mask(out.Number), "calls", out.Calls, "dead_letters", out.DeadLetters,
			"in_flight", len(out.InFlight), "residue", out.Residue, "complete", err == nil)
	}
	return out, err
}
