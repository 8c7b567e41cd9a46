package spooltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func eventCases() []testCase {
	return []testCase{
		{"event/kept with the change, and found by its calls", eventWithChange},
		{"event/parts of one work are one event", eventParts},
		{"event/what changed nothing is none", eventOfNothing},
		{"event/of what redeems a dead letter", eventRedeems},
		{"event/kept by itself, outlives a crash", eventAlone},
		{"event/listed by time and sink, page after page", eventPages},
		{"event/goes after the longer retention", eventRetention},
	}
}

// event is one of now; a context for its changes comes with it.
func (r *rig) event(action spool.Action) (context.Context, spool.Event) {
	r.Helper()
	e := spool.Event{
		ID: ulid.MustNew(ulid.Timestamp(time.Now()), ulid.DefaultEntropy()).String(), Action: action,
		Token: "admin", Address: "127.0.0.1", Via: "api",
	}
	return spool.WithEvent(r.Context(), e), e
}

// did returns the events that a filter selects, newest first, as in
// "replay 2 crm; pause 1 crm".
func (r *rig) did(f spool.EventFilter) string {
	r.Helper()
	page, next, err := r.SearchEvents(r.Context(), f, 100, "")
	r.check(err)
	if next != "" {
		r.Fatalf("a second page of events: %q", next)
	}
	var out []string
	for _, e := range page {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %d %s", e.Action, e.Count, strings.Join(e.Sinks, ","))))
	}
	return strings.Join(out, "; ")
}

func (r *rig) wantEvents(f spool.EventFilter, want string) {
	r.Helper()
	if got := r.did(f); got != want {
		r.Errorf("events of %+v: %q, want %q", f, got, want)
	}
}

func eventWithChange(r *rig) {
	r.acceptAll("a", "b", "c")
	ids := r.bury()
	ctx, e := r.event(spool.ActionReplay)
	_, _, err := r.Replay(ctx, ids[:2], time.Now(), 0)
	r.check(err)
	r.pass(time.Second)
	ctx, _ = r.event(spool.ActionPurge)
	_, err = r.Purge(ctx, ids[2:])
	r.check(err)
	r.pass(time.Second)
	ctx, resent := r.event(spool.ActionResend)
	resent.CallID, resent.Detail = "dialer:a", "asked for"
	_, err = r.Resend(spool.WithEvent(ctx, resent), spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"slack"}})
	r.check(err)
	r.pass(time.Second)
	ctx, _ = r.event(spool.ActionPause)
	r.check(r.SetPause(ctx, "crm", spool.Pause{By: spool.ByOperator}))
	for range 2 {
		r.wantEvents(spool.EventFilter{}, "pause 1 crm; resend 1 slack; purge 1 crm; replay 2 crm")
		r.wantEvents(spool.EventFilter{CallID: "dialer:a"}, "resend 1 slack; replay 2 crm")
		r.wantEvents(spool.EventFilter{CallID: "dialer:b"}, "replay 2 crm")
		r.wantEvents(spool.EventFilter{CallID: "dialer:c"}, "purge 1 crm")
		r.wantEvents(spool.EventFilter{CallID: "dialer:d"}, "")
		r.crash()
	}
	got, err := r.Event(r.Context(), e.ID)
	r.check(err)
	if got.Token != "admin" || got.Address != "127.0.0.1" || got.Via != "api" || got.At.UnixMilli() != int64(ulid.MustParse(e.ID).Time()) { //nolint:gosec // a time
		r.Errorf("the event is %+v", got)
	}
	if got, err = r.Event(r.Context(), resent.ID); err != nil || got.CallID != "dialer:a" || got.Detail != "asked for" {
		r.Errorf("the resend is %+v, error %v", got, err)
	}
	if _, err = r.Event(r.Context(), strings.Repeat("0", 26)); !errors.Is(err, spool.ErrNotFound) {
		r.Errorf("an unknown event: %v", err)
	}
}

func eventParts(r *rig) {
	r.acceptAll("a", "b", "c")
	ids := r.bury()
	ctx, e := r.event(spool.ActionReplay)
	for _, id := range ids {
		_, _, err := r.Replay(ctx, []string{id}, time.Now(), 0)
		r.check(err)
	}
	r.wantEvents(spool.EventFilter{}, "replay 3 crm")
	r.wantEvents(spool.EventFilter{CallID: "dialer:c"}, "replay 3 crm")
	e.Count, e.Sinks, e.Detail = 2, []string{"slack", "crm"}, "more"
	r.check(r.KeepEvent(r.Context(), e))
	r.wantEvents(spool.EventFilter{}, "replay 5 crm,slack")
	e.Count, e.Detail = 0, ""
	r.check(r.KeepEvent(r.Context(), e))
	if got, err := r.Event(r.Context(), e.ID); err != nil || got.Detail != "more" {
		r.Errorf("%+v, error %v", got, err)
	}
}

func eventOfNothing(r *rig) {
	r.acceptAll("a")
	ctx, _ := r.event(spool.ActionReplay)
	_, _, err := r.Replay(ctx, []string{"01ARZ3NDEKTSV4RRFFQ69G5FAV"}, time.Now(), 0)
	r.check(err)
	_, err = r.Purge(ctx, nil)
	r.check(err)
	_, err = r.Resend(ctx, spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm"}}) // it waits
	r.check(err)
	if err := r.SetPause(ctx, "nobody", spool.Pause{By: spool.ByOperator}); err == nil {
		r.Error("a sink that nobody knows is paused")
	}
	r.wantEvents(spool.EventFilter{}, "")
}

func eventRedeems(r *rig) {
	r.check(r.KeepUndecodable(r.Context(), spool.Undecodable{Source: "dialer", Body: []byte("x"), Detail: "no"}))
	letter := r.letters(spool.LetterFilter{})[0].ID
	ctx, _ := r.event(spool.ActionEdit)
	a := acceptance("a", "first", "crm")
	a.Letter = letter
	_, err := r.Accept(ctx, a)
	r.check(err)
	r.wantEvents(spool.EventFilter{CallID: "dialer:a"}, "edit 1")
	_, err = r.Accept(ctx, acceptance("b", "first", "crm")) // redeems nothing
	r.check(err)
	r.wantEvents(spool.EventFilter{CallID: "dialer:b"}, "")
}

func eventAlone(r *rig) {
	_, e := r.event(spool.ActionReload)
	e.Detail = "the configuration is the one that runs"
	r.check(r.KeepEvent(r.Context(), e))
	r.crash()
	got, err := r.Event(r.Context(), e.ID)
	if err != nil || got.Detail != e.Detail || got.Action != spool.ActionReload || got.Count != 0 {
		r.Errorf("%+v, error %v", got, err)
	}
	e.ID = "not one"
	if r.KeepEvent(r.Context(), e) == nil {
		r.Error("an event is kept under an id that is none")
	}
}

func eventPages(r *rig) {
	begun := time.Now()
	for i := range 5 {
		_, e := r.event(spool.ActionTest)
		e.Count, e.Sinks = i, []string{"crm", "slack"}[i%2:][:1]
		r.check(r.KeepEvent(r.Context(), e))
		r.pass(time.Minute)
	}
	r.wantEvents(spool.EventFilter{Sink: "slack"}, "test 3 slack; test 1 slack")
	r.wantEvents(spool.EventFilter{Sink: "cr"}, "")
	r.wantEvents(spool.EventFilter{Since: begun.Add(time.Minute), Until: begun.Add(3 * time.Minute)}, "test 2 crm; test 1 slack")
	var got []string
	for cursor := ""; ; {
		page, next, err := r.SearchEvents(r.Context(), spool.EventFilter{}, 2, cursor)
		r.check(err)
		for _, e := range page {
			got = append(got, fmt.Sprint(e.Count))
		}
		if next == "" {
			break
		}
		cursor = next
	}
	if want := "4 3 2 1 0"; strings.Join(got, " ") != want {
		r.Errorf("pages of %v, want %s", got, want)
	}
	if _, _, err := r.SearchEvents(r.Context(), spool.EventFilter{}, 2, "x"); !errors.Is(err, spool.ErrBadCursor) {
		r.Errorf("a bad cursor: %v", err)
	}
}

func eventRetention(r *rig) {
	r.Configure(spool.Config{Retention: time.Hour, DeadLetterRetention: 2 * time.Hour}.WithDefaults())
	_, e := r.event(spool.ActionReload)
	r.check(r.KeepEvent(r.Context(), e))
	r.pass(119 * time.Minute)
	r.wantEvents(spool.EventFilter{}, "reload 0")
	r.pass(3 * time.Minute)
	r.wantEvents(spool.EventFilter{}, "")
}
