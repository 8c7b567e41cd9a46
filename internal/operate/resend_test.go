package operate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// deliver accepts calls and has crm take them.
func (r *rig) deliver(ids ...string) {
	r.t.Helper()
	ctx := r.t.Context()
	if err := r.spool.SetLanes(ctx, []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}, {Sink: "new", GiveUpAfter: time.Hour}}); err != nil {
		r.t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := r.spool.Accept(ctx, acceptance(id)); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, d := range r.lease("crm") {
		if err := r.spool.Settle(d, nil); err != nil {
			r.t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if page, err := r.spool.SearchCalls(ctx, spool.CallFilter{State: spool.Waiting}, 1, ""); err == nil && len(page.Calls) == 0 {
			return
		}
	}
	r.t.Fatal("the calls still wait")
}

func (r *rig) lease(sink string) []*spool.Delivery {
	r.t.Helper()
	leased, err := r.spool.Lease(r.t.Context(), sink, spool.Places{Limit: 100, Doubtful: 100})
	if err != nil {
		r.t.Fatal(err)
	}
	return leased
}

// TestTheCRMLostAnAfternoon: the calls that it got within a time go to it again, in
// parts, as one event.
func TestTheCRMLostAnAfternoon(t *testing.T) {
	r := newRig(t)
	r.deliver("a", "b", "c", "d", "e")
	ctx := operate.WithActor(t.Context(), operate.Actor{Token: "admin"})
	again := operate.BulkResend{Filter: &operate.CallFilter{Sink: "crm", Since: time.Now().Add(-time.Hour)}, DryRun: true}
	counted, err := r.operator().ResendCalls(ctx, again)
	if err != nil || counted.Matched != 5 || counted.Resent != 0 || counted.Event != "" || len(r.events()) != 0 {
		t.Fatalf("counted: %+v %v", counted, err)
	}
	again.DryRun, again.Limit = false, 2
	var sum operate.BulkResent
	for parts := 1; ; parts++ {
		part, err := r.operator().ResendCalls(ctx, again)
		if err != nil || part.Matched > 2 {
			t.Fatalf("part %d: %+v %v", parts, part, err)
		}
		sum.Add(part)
		if part.NextCursor == "" {
			break
		}
		again.Cursor, again.Event = part.NextCursor, part.Event
	}
	if sum.Matched != 5 || sum.Resent != 5 || sum.BySink["crm"] != 5 {
		t.Errorf("in all: %+v", sum)
	}
	var order []string
	for _, d := range r.lease("crm") {
		order = append(order, strings.TrimPrefix(d.Record.ID, "dialer:"))
	}
	if got := strings.Join(order, ""); got != "abcde" {
		t.Errorf("sent in the order %s", got)
	}
	if events := r.events(); len(events) != 1 || events[0].Count != 5 || !strings.HasPrefix(events[0].Detail, "calls, sink crm, since 20") {
		t.Errorf("events: %+v", events)
	}
	if detail, err := r.operator().Call(ctx, "dialer:c"); err != nil || len(detail.Events) != 1 || detail.Events[0].Action != spool.ActionResend {
		t.Errorf("of a call: %+v %v", detail.Events, err)
	}
}

// TestABulkResendToAnotherSink: with several revisions of a call, at a rate.
func TestABulkResendToAnotherSink(t *testing.T) {
	r := newRig(t)
	r.deliver("a", "b")
	second := acceptance("a")
	second.Content[31] = 1
	if _, err := r.spool.Accept(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(time.Hour)
	out, err := r.operator().ResendCalls(t.Context(), operate.BulkResend{Filter: &operate.CallFilter{}, Sinks: []string{"new", "new"}, Rate: 0.5, NotBefore: start})
	if err != nil || out.Matched != 3 || out.Resent != 2 || out.BySink["new"] != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	if next := out.NextDueAt.Sub(start).Round(time.Second); next != 4*time.Second {
		t.Errorf("the next one is due %v after the first", next)
	}
	if got := r.lease("new"); len(got) != 0 {
		t.Errorf("%d are due at once", len(got))
	}
}

func TestWhatABulkResendRefuses(t *testing.T) {
	r := newRig(t)
	r.deliver("a")
	for want, b := range map[string]operate.BulkResend{
		`"filter" is missing`:       {Sinks: []string{"crm"}},
		`"sinks" is empty`:          {Filter: &operate.CallFilter{}},
		`there is no outcome`:       {Filter: &operate.CallFilter{Sink: "crm", Outcome: "bored"}},
		`"rate_per_second" must be`: {Filter: &operate.CallFilter{Sink: "crm"}, Rate: -1},
		`be from 0.001 to`:          {Filter: &operate.CallFilter{Sink: "crm"}, Rate: 1e-300},
		`over a year ahead`:         {Filter: &operate.CallFilter{Sink: "crm"}, NotBefore: time.Now().AddDate(7000, 0, 0)},
		`"limit" must be`:           {Filter: &operate.CallFilter{Sink: "crm"}, Limit: -1},
	} {
		if _, err := r.operator().ResendCalls(t.Context(), b); !isInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", b, err, want)
		}
	}
	_, unknown := r.operator().ResendCalls(t.Context(), operate.BulkResend{Filter: &operate.CallFilter{}, Sinks: []string{"nobody"}, DryRun: true})
	if !errors.Is(unknown, operate.ErrNotFound) || !strings.Contains(fmt.Sprint(unknown), `no sink "nobody"`) {
		t.Errorf("an unknown sink: %v", unknown)
	}
	if _, err := r.operator().Resend(t.Context(), "dialer:none", []string{"crm"}); !errors.Is(err, operate.ErrNotFound) {
		t.Errorf("one call that is not there: %v", err)
	}
}
