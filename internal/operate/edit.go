package operate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"mime"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// maxEdited is the largest body of a callback.
	maxEdited       = 1 << 20
	contentType     = "Content-Type"
	contentEncoding = "Content-Encoding"
)

// ReplayEdited takes a callback that could not be understood with another body, in
// UTF-8, as if it had been received then: with the time, the source and all else of the
// dead letter, which goes when the call is kept. Where the body still cannot be
// understood, or is an event and no call, the dead letter stays as it is.
func (o *Operator) ReplayEdited(ctx context.Context, id string, body []byte) (Replayed, error) {
	out := Replayed{Selected: newSelected(&Selection{}), ReplayCounts: ReplayCounts{Failures: []Failure{}}}
	letter, err := o.deps.Store.DeadLetter(ctx, id)
	switch {
	case err != nil:
		return out, err
	case letter.Stage != spool.StageIntake:
		return out, &InputError{fmt.Sprintf("the dead letter %s is a delivery: only a callback that could not be understood is taken with another body", letter.ID)}
	case len(body) > maxEdited:
		return out, &InputError{"the body is over 1 MiB, as no callback may be"}
	}
	out.count([]DeadLetter{letter.DeadLetter})
	ctx, _, err = o.begin(ctx, spool.ActionEdit, "dead letter "+letter.ID, "")
	if err != nil {
		return out, err
	}
	p := replayer{Operator: o, out: out}
	letter.Body, letter.Request = body, edited(letter.Request)
	err = p.retake(ctx, letter)
	o.log.InfoContext(ctx, "an operator edited a callback that could not be understood", "dead_letter", letter.ID, "accepted", p.out.Accepted, "kept", p.out.Kept)
	return p.out, err
}

// retake takes an edited callback. Its error is one that is not about the body.
func (p *replayer) retake(ctx context.Context, letter spool.DeadLetterDetail) error {
	if p.deps.Redeem == nil {
		p.keep(letter.ID, noReading)
		return nil
	}
	err := p.deps.Redeem(ctx, letter)
	switch {
	case err == nil:
		p.out.Accepted++
	case errors.Is(err, spool.ErrUnavailable) || ctx.Err() != nil:
		return err
	case errors.As(err, new(*call.NotACall)):
		p.keep(letter.ID, "with this body it is not a call: "+err.Error())
	default:
		p.keep(letter.ID, noteOf(err))
	}
	return nil
}

// edited returns the request of a callback whose body was rewritten: as text in
// UTF-8, in no coding.
func edited(r spool.Request) spool.Request {
	r.Header = maps.Clone(r.Header)
	if r.Header == nil {
		r.Header = map[string]string{}
	}
	delete(r.Header, contentEncoding)
	kind, params, err := mime.ParseMediaType(r.Header[contentType])
	if err != nil {
		kind, params = "text/plain", map[string]string{}
	}
	params["charset"] = "utf-8"
	r.Header[contentType] = mime.FormatMediaType(kind, params)
	return r
}
