package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

const (
	// storeTimeout bounds the wait for the store; then the sender is asked to
	// come back. What is stored after that makes the second push a duplicate.
	storeTimeout = 10 * time.Second
	// maxKeptDetail bounds what is kept beside an undecodable body.
	maxKeptDetail = 2 << 10
)

// exchange is one callback on its way to its answer.
type exchange struct {
	*Handler
	set      *set
	source   *source
	request  *http.Request
	received time.Time
	lease    lease
	// letter is the id of the dead letter that is redeemed; empty for a callback.
	letter string
	// span is that of the callback, from the time when it has wholly arrived.
	span tracing.Span
}

// answer is the way of a callback: doors, body, record, store.
func (x *exchange) answer(ctx context.Context) answer {
	if len(x.source.allow) > 0 {
		if client := x.set.proxies.client(x.request); !x.source.allow.contain(client) {
			x.debug(ctx, "address not allowed", slog.String("client", client.String()))
			a := fault(forbidden, http.StatusForbidden, "this address may not post here")
			a.reason = "the address is not in auth.allow"
			return a
		}
	}
	check, err := x.source.door.open(x.request, x.received)
	if err != nil {
		return x.refuse(ctx, err)
	}
	wire, err := readWire(ctx, x.request, &x.lease)
	if err != nil {
		return x.unread(ctx, err)
	}
	if err := check(wire); err != nil {
		return x.refuse(ctx, err)
	}
	// From here on the callback has arrived: it is stored even when the sender
	// hangs up.
	x.span = x.deps.Tracer.Callback(ctx, tracing.Incoming(x.request.Header), x.source.name, x.received)
	a := x.take(context.WithoutCancel(ctx), wire)
	x.span.Answered(string(a.result), a.id, a.revision, a.status)
	return a
}

// refuse tells the sender nothing about what was wrong.
func (x *exchange) refuse(ctx context.Context, reason error) answer {
	x.debug(ctx, "no good credentials", slog.String("reason", reason.Error()))
	a := fault(unauthorized, http.StatusUnauthorized, "credentials are missing or wrong").
		with("WWW-Authenticate", x.source.door.challenge)
	a.reason = reason.Error()
	return a
}

// unread answers for a body that did not come in.
func (x *exchange) unread(ctx context.Context, err error) answer {
	switch {
	case errors.Is(err, errTooLarge):
		return fault(tooLarge, http.StatusRequestEntityTooLarge, "a callback has at most 1 MiB, before and after gunzip")
	case errors.Is(err, errBusy):
		return busy("too many callbacks are being received; send this one again")
	default:
		x.debug(ctx, "body broke off", slog.Any("error", err))
		return fault(incomplete, http.StatusBadRequest, "the body broke off before its end; send it again")
	}
}

// take goes on with an authentic body.
func (x *exchange) take(ctx context.Context, wire []byte) answer {
	body, err := decodeContent(ctx, x.request.Header, wire, &x.lease)
	if err != nil {
		if u, ok := errors.AsType[*call.Unreadable](err); ok {
			return x.keep(ctx, wire, u.Reason, contentType, contentEncoding)
		}
		return x.unread(ctx, err)
	}
	if err := x.lease.handle(ctx, body); err != nil {
		return x.unread(ctx, err)
	}
	rec, content, err := x.read(ctx, body)
	if event, ok := isEvent(err); ok {
		x.debug(ctx, "event, no call", slog.String("event", event.Event))
		return answer{result: ignored, status: http.StatusOK}
	}
	if err != nil {
		return x.keep(ctx, body, err.Error(), contentType)
	}
	a, err := x.accept(ctx, rec, content)
	if err != nil {
		return x.keep(ctx, body, err.Error(), contentType)
	}
	return a
}

// read turns a body into a record and the hash of its content. It survives a bug
// in an adapter: the body is kept like any other that cannot be understood, and
// can be replayed when the bug is fixed.
func (x *exchange) read(ctx context.Context, body []byte) (rec *call.Record, content call.ContentHash, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			x.deps.Log.ErrorContext(ctx, "an adapter panicked; the callback is kept",
				slog.String("source", x.source.name), slog.String("panic", call.MaskText(plaintext.Cut(fmt.Sprint(bug), maxKeptDetail))), slog.String("stack", string(debug.Stack())))
			rec, err = nil, call.Unreadablef("the adapter has a bug and stopped; the callback is kept for a replay")
		}
	}()
	if rec, content, err = x.source.reader.Read(x.request.Header.Get(contentType), body); err == nil {
		rec.ReceivedAt = call.At(x.received)
	}
	return rec, content, err
}

// accept keeps a call. Its error is a *route.TooCostly: the call was not kept.
func (x *exchange) accept(ctx context.Context, rec *call.Record, content call.ContentHash) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	// Accept calls the closure on whatever goroutine it likes, but is done with
	// it when it returns without an error; only then is the decision read.
	var decision route.Decision
	receipt, err := x.deps.Store.Accept(ctx, spool.Acceptance{
		Record: rec, Content: content, Letter: x.letter, Trace: string(x.span.Context()),
		Route: func(r *call.Record) ([]string, error) {
			decision = x.set.router.Match(r)
			if decision.Err != nil {
				return nil, decision.Err
			}
			return decision.Sinks, nil
		},
		Rules: func() string { return decision.Matched() },
	})
	if costly, ok := errors.AsType[*route.TooCostly](err); ok {
		return answer{}, costly
	}
	if err != nil {
		return x.storeFailed(ctx, err), nil
	}
	a := answer{result: accepted, status: http.StatusOK, id: receipt.ID, revision: receipt.Revision}
	if receipt.Duplicate {
		a.result = duplicate
		return a, nil
	}
	x.storeWorked(ctx)
	countRules(x.set.rules, decision)
	if len(decision.Sinks) == 0 {
		x.source.metrics.unrouted.Inc()
	}
	return a, nil
}

// keep stores what could not be understood, with the headers that its reading
// needs, and only then says so.
func (x *exchange) keep(ctx context.Context, body []byte, reason string, headers ...string) answer {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := x.deps.Store.KeepUndecodable(ctx, spool.Undecodable{
		Source:     x.source.name,
		Body:       body,
		Request:    x.kept(headers),
		Detail:     plaintext.Cut(reason, maxKeptDetail),
		ReceivedAt: x.received,
	})
	if err != nil {
		return x.storeFailed(ctx, err)
	}
	x.storeWorked(ctx)
	x.debug(ctx, "not understood, kept", slog.Int("bytes", len(body)))
	return fault(undecodable, http.StatusBadRequest, reason)
}

func (x *exchange) debug(ctx context.Context, why string, fact slog.Attr) {
	x.deps.Log.DebugContext(ctx, "callback not taken as a call", slog.String("source", x.source.name), slog.String("why", why), fact)
}
