package operate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// maxEventDetail bounds what an event says beside its fields, in bytes.
	maxEventDetail = 500
	// eventsOfCall bounds the events that are shown with a call.
	eventsOfCall = 100
	// keepWithin bounds the wait for a store that does not take an event whose change
	// is made already.
	keepWithin = 5 * time.Second
)

// Actor is who asks for something.
type Actor struct {
	// Token is the name of the token that let them in: admin or read-only. Where no
	// token was asked for, it says what is in its place.
	Token string
	// Address is that of the client; empty for what comes from the machine itself.
	Address string
}

// The actors that show no token.
const (
	// TokenNone is that of a private listener without a token.
	TokenNone = "none"
	// TokenSignal is that of a signal to the process.
	TokenSignal = "signal"
	// TokenFile is that of a file that was changed.
	TokenFile = "file"
	// TokenCommand is that of a command that works on the spool without a server.
	TokenCommand = "command"
	// TokenUnknown is that of a caller that names nobody.
	TokenUnknown = "unknown"
)

type actorKey struct{}

// WithActor returns a context for what somebody asks for.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

func actorOf(ctx context.Context) Actor {
	a, ok := ctx.Value(actorKey{}).(Actor)
	if !ok {
		return Actor{Token: TokenUnknown}
	}
	return a
}

// event returns the event of something that is asked for now. Numbers in its detail
// are masked: an event outlives the calls that it is about.
func (o *Operator) event(ctx context.Context, action spool.Action, detail string) Event {
	a := actorOf(ctx)
	return Event{
		ID: ulid.MustNew(ulid.Timestamp(o.deps.Store.Now()), ulid.DefaultEntropy()).String(), Action: action,
		Token: a.Token, Address: a.Address, Via: o.via, Detail: plaintext.Cut(plaintext.Blank(call.MaskText(detail)), maxEventDetail),
	}
}

// begin returns the context of a change, and its event. Where the change is a later
// part of a work, it is the event of the first part.
func (o *Operator) begin(ctx context.Context, action spool.Action, detail, continues string) (context.Context, Event, error) {
	e := o.event(ctx, action, detail)
	if continues != "" {
		first, err := o.deps.Store.Event(ctx, strings.ToUpper(continues))
		if err != nil || first.Action != action || first.Token != e.Token {
			return ctx, e, &InputError{fmt.Sprintf("event %q is not one that an earlier part of this work returned", continues)}
		}
		first.Detail = ""
		e = first
	}
	return spool.WithEvent(ctx, e), e, nil
}

// keep keeps the event of what does not change the store. What it tells of has
// happened, so it fails only in the log.
func (o *Operator) keep(ctx context.Context, e Event) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
	defer cancel()
	if err := o.deps.Store.KeepEvent(ctx, e); err != nil {
		o.log.WarnContext(ctx, "what an operator did could not be kept as an event", "action", string(e.Action), "error", err)
	}
}

// NoteReload keeps that the configuration was read again, and what came of it.
func (o *Operator) NoteReload(ctx context.Context, refused error) {
	detail := "the configuration in use has the hash " + plaintext.Cut(o.deps.Server().ConfigHash, 12)
	if refused != nil {
		detail = "not taken: " + refused.Error()
	}
	o.keep(ctx, o.event(ctx, spool.ActionReload, detail))
}

// Events returns a page of what operators did, newest first.
func (o *Operator) Events(ctx context.Context, f EventFilter, limit int, cursor string) (Page[Event], error) {
	found, next, err := o.deps.Store.SearchEvents(ctx, f, limit, cursor)
	return newPage(found, next), err
}

// eventsOf returns the latest events that changed something of a call, oldest first.
func (o *Operator) eventsOf(ctx context.Context, id string) ([]Event, error) {
	found, _, err := o.deps.Store.SearchEvents(ctx, EventFilter{CallID: id}, eventsOfCall, "")
	out := make([]Event, len(found))
	for i, e := range found {
		out[len(found)-1-i] = e
	}
	return out, err
}

// describe says in a few words what a selection of dead letters is.
func (s *Selection) describe() string {
	switch {
	case len(s.IDs) == 1:
		return "dead letter " + plaintext.Cut(s.IDs[0], 26)
	case s.Filter == nil:
		return "dead letters by their ids"
	}
	f := s.Filter
	return "dead letters" + facts("stage", string(f.Stage), "sink", f.Sink, "source", f.Source, "reason", string(f.Reason), "number", f.Number, "answer", f.Answer,
		"since", stamp(f.Since), "until", stamp(f.Until))
}

// facts writes names and values, in pairs; those without a value are left out.
func facts(pairs ...string) string {
	var b strings.Builder
	for pair := range slices.Chunk(pairs, 2) {
		if value := pair[len(pair)-1]; value != "" {
			b.WriteString(", " + pair[0] + " " + value)
		}
	}
	return cmp.Or(b.String(), ", all of them")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
