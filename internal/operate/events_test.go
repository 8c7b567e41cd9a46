package operate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// events returns all events, newest first.
func (r *rig) events() []operate.Event {
	r.t.Helper()
	page, err := r.operator().Events(r.t.Context(), operate.EventFilter{}, 100, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return page.Items
}

func TestEventsSayWhoDidWhat(t *testing.T) {
	r := newRig(t)
	r.deps.NumberForms = func(typed string) (spool.NumberForms, error) {
		return spool.NumberForms{E164: typed, Digits: []string{typed[1:]}}, nil
	}
	r.bury("a")
	r.keep("good b")
	ctx := operate.WithActor(t.Context(), operate.Actor{Token: "admin", Address: "192.0.2.7"})
	o := r.operator()
	pause, err := o.Pause(ctx, "crm", operate.PauseRequest{For: "2h", Reason: "ask +62 812-3456-7890\nfirst"})
	if err != nil || !strings.HasPrefix(pause.Reason, "ask +62*") || !strings.HasSuffix(pause.Reason, " first") || strings.Contains(pause.Reason, "3456") {
		t.Fatalf("%+v %v", pause, err)
	}
	if left := time.Until(pause.Until.Time); left < 119*time.Minute || left > 2*time.Hour+time.Second {
		t.Errorf("paused for %v", left)
	}
	if _, err := o.Resume(ctx, "crm"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Replay(ctx, operate.Replay{Selection: all()}); err != nil {
		t.Fatal(err)
	}
	o.NoteReload(operate.WithActor(t.Context(), operate.Actor{Token: operate.TokenSignal}), errors.New("line 7: no such key"))
	if _, err := o.Erase(ctx, "+6285712345678", false); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.events() {
		if e.Via != "test" || e.Address != "192.0.2.7" && e.Action != spool.ActionReload || time.Since(e.At.Time) > time.Minute {
			t.Errorf("%+v", e)
		}
		if strings.Contains(e.Detail, "3456") {
			t.Errorf("a number is in %+v", e)
		}
		got = append(got, string(e.Action)+" "+e.Token+" "+strings.Join(e.Sinks, ","))
	}
	want := "erase admin |reload signal |replay admin crm|resume admin crm|pause admin crm"
	if text := strings.Join(got, "|"); text != want {
		t.Errorf("%s, want %s", text, want)
	}
	detail, err := o.Call(t.Context(), call.NewID("dialer", "good b"))
	if err != nil || len(detail.Events) != 1 || detail.Events[0].Action != spool.ActionReplay || detail.Events[0].Count != 2 {
		t.Errorf("of the call that was redeemed: %+v %v", detail.Events, err)
	}
	for _, f := range []operate.PauseRequest{{For: "soon"}, {For: "0s"}, {For: "-2h"}, {Reason: strings.Repeat("x", 201)}} {
		if _, err := o.Pause(ctx, "crm", f); !isInput(err) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func isInput(err error) bool {
	_, ok := errors.AsType[*operate.InputError](err)
	return ok
}

// TestAWorkInPartsIsOneEvent: the next part names the event of the first, and no other
// work and nobody else can.
func TestAWorkInPartsIsOneEvent(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	r.bury("b")
	ctx := operate.WithActor(t.Context(), operate.Actor{Token: "admin"})
	part := operate.Replay{Selection: operate.Selection{Filter: &operate.LetterFilter{Sink: "crm", Since: time.Now().Add(-time.Hour)}, Limit: 1}}
	first, err := r.operator().Replay(ctx, part)
	if err != nil || first.Event == "" || first.NextCursor == "" {
		t.Fatalf("%+v %v", first, err)
	}
	part.Cursor, part.Event = first.NextCursor, first.Event
	for name, wrong := range map[string]func() error{
		"somebody else": func() error { _, err := r.operator().Replay(t.Context(), part); return err },
		"another work": func() error {
			_, err := r.operator().Purge(ctx, part.Selection)
			return err
		},
		"no event": func() error {
			other := part
			other.Event = strings.Repeat("0", 26)
			_, err := r.operator().Replay(ctx, other)
			return err
		},
	} {
		if err := wrong(); !isInput(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if second, err := r.operator().Replay(ctx, part); err != nil || second.Event != first.Event || second.Replayed != 1 {
		t.Fatalf("%+v %v", second, err)
	}
	events := r.events()
	if len(events) != 1 || events[0].Count != 2 || !strings.HasPrefix(events[0].Detail, "dead letters, sink crm, since 20") {
		t.Errorf("%+v", events)
	}
}

// TestOtherCallsOfTheNumber: newest first, each once, without the call itself.
func TestOtherCallsOfTheNumber(t *testing.T) {
	r := newRig(t)
	for _, id := range []string{"a", "b", "b", "c", "d", "e", "f", "g"} {
		a := acceptance(id)
		a.Content[31] = byte(time.Now().Nanosecond()) // another revision
		a.Record.Customer = &call.Party{Number: "+6281234567890"}
		a.Record.From, a.Record.Outcome = *a.Record.Customer, call.NoAnswer
		a.Rules = func() string { return "first\nsecond" }
		if _, err := r.spool.Accept(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	var detail operate.CallDetail
	var err error
	for range 20 { // a search has its time, and the first one reads what is known of numbers
		if detail, err = r.operator().Call(t.Context(), call.NewID("dialer", "g")); err != nil || len(detail.Others) == 5 {
			break
		}
	}
	var got []string
	for _, o := range detail.Others {
		got = append(got, strings.TrimPrefix(o.ID, "dialer:"))
	}
	if strings.Join(got, " ") != "f e d c b" || err != nil || detail.Others[0].Outcome != call.NoAnswer {
		t.Errorf("%v %v", got, err)
	}
	if strings.Join(detail.Rules, "|") != "first|second" || strings.Join(detail.Revisions[0].Rules, "|") != "first|second" {
		t.Errorf("rules %q", detail.Rules)
	}
}
