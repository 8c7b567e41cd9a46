package webhook

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

func TestWhatALookupMissesIsFilled(t *testing.T) {
	to := &crm{answer: answersOf(known())}
	counts := map[string]int{}
	sink := stepped(t, finding, contract.Deps{Looked: func(step, result string) { counts[step+" "+result]++ }})
	for range 2 {
		if out, _ := attempt(t.Context(), t, sink, to, caller("+622"), nil); out.Meaning != outbound.Delivered {
			t.Fatal(out.Detail)
		}
	}
	want := []string{
		"GET /api/contacts?phone=%2B622", `POST /api/leads {"phone":"+622"}`, `POST /api/calls {"contact":"lead-1"}`,
		`POST /api/calls {"contact":"lead-1"}`,
	}
	if diff := cmp.Diff(want, to.seen()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"contact asked": 1, "contact hit": 1}, counts); diff != "" {
		t.Error(diff)
	}
	missing := sink.Missing()
	if len(missing) != 1 || missing[0].Step != "contact" || missing[0].Number != call.Mask("+622") || missing[0].Agent != "" || missing[0].Times != 1 {
		t.Errorf("not found: %+v", missing)
	}
}

// Two calls of one unknown number make one lead, even where the first one fails.
func TestTwoCallsOfOneUnknownNumber(t *testing.T) {
	for name, c := range map[string]struct {
		lead  string
		leads int
	}{
		"made":    {`201 {"id":"lead-1"}`, 1},
		"refused": {`422 no`, 3},
		"unwell":  {`500 no`, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := known()
				answers["POST /api/leads"] = c.lead
				to := &crm{answer: answersOf(answers), took: time.Second}
				sink := stepped(t, finding, contract.Deps{})
				var all sync.WaitGroup
				for range 3 {
					all.Go(func() { attempt(t.Context(), t, sink, to, caller("+622"), nil) })
				}
				all.Wait()
				leads := slices.DeleteFunc(to.seen(), func(s string) bool { return !strings.HasPrefix(s, "POST /api/leads") })
				if len(leads) != c.leads {
					t.Errorf("%d leads were asked for, want %d", len(leads), c.leads)
				}
				if len(sink.lookups.held) != 0 {
					t.Error("a question is held for ever")
				}
			})
		})
	}
}

// One who waits for the answer of another gives up with the context.
func TestWaitEndsWithTheContext(t *testing.T) {
	sink := stepped(t, finding, contract.Deps{})
	first, second := sink.Series("msg_1", caller("+621"), nil), sink.Series("msg_2", caller("+621"), nil)
	if turn, err := first.Next(); err != nil || turn.Request == nil {
		t.Fatal(err)
	}
	turn, err := second.Next()
	if err != nil || turn.Wait == nil {
		t.Fatalf("%+v, %v", turn, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := turn.Wait(ctx); err == nil {
		t.Error("the wait goes on")
	}
	first.End(outbound.Canceled)
	if err := turn.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if turn, err := second.Next(); err != nil || turn.Request == nil {
		t.Errorf("%+v, %v", turn, err)
	}
}

func TestAgeOfLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &crm{answer: answersOf(known())}
		sink := stepped(t, strings.Replace(finding, `steps.contact == ""`, "false", 1), contract.Deps{})
		asked := func(number string) int {
			attempt(t.Context(), t, sink, to, caller(number), nil)
			return len(slices.DeleteFunc(to.seen(), func(s string) bool { return !strings.HasPrefix(s, "GET") }))
		}
		for _, c := range []struct {
			number string
			after  time.Duration
			want   int
		}{
			{"+621", 0, 1},
			{"+621", 9 * time.Minute, 0},
			{"+621", 2 * time.Minute, 1},
			{"+622", 0, 1},
			{"+622", 50 * time.Second, 0},
			{"+622", 20 * time.Second, 1},
		} {
			time.Sleep(c.after)
			if got := asked(c.number); got != c.want {
				t.Errorf("%s after %v: asked %d times, want %d", c.number, c.after, got, c.want)
			}
		}
	})
}

// A result that is out of date is asked for again after a refusal.
func TestRefusalDropsWhatItUsed(t *testing.T) {
	answers := known()
	to := &crm{answer: answersOf(answers)}
	sink := stepped(t, finding, contract.Deps{})
	attempt(t.Context(), t, sink, to, caller("+621"), nil)
	answers["POST /api/calls"] = `422 no such contact`
	if out, _ := attempt(t.Context(), t, sink, to, caller("+621"), nil); out.Meaning != outbound.Rejected {
		t.Fatal(out.Meaning)
	}
	to.seen()
	attempt(t.Context(), t, sink, to, caller("+621"), nil)
	if got := to.seen(); !strings.HasPrefix(got[0], "GET") {
		t.Errorf("asked %v", got)
	}
}

func TestLookupsAreBounded(t *testing.T) {
	l := newLookups()
	big, err := expr.ParseResult(strings.Repeat("x", 4000))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxLookups {
		q := questionOf(i, &outbound.Request{})
		r := big
		if i%2 == 0 {
			r, _ = expr.ParseResult("7")
		}
		l.keep(q, r, time.Hour)
		l.keep(q, r, time.Hour)
	}
	sum := 0
	for _, k := range l.kept.Values() {
		sum += k.size()
	}
	if l.bytes != sum || sum > maxLookupsBytes || l.kept.Len() > maxLookups {
		t.Errorf("%d results take %d bytes, counted as %d", l.kept.Len(), sum, l.bytes)
	}
}

// A result that was kept is remembered as one that was asked for.
func TestRememberWhatWasKept(t *testing.T) {
	to := &crm{answer: answersOf(known())}
	sink := stepped(t, strings.Replace(finding, "cache: 10m", "cache: 10m\n    remember: true", 1), contract.Deps{})
	for range 2 {
		if _, kept := attempt(t.Context(), t, sink, to, caller("+621"), nil); kept["contact"] != "7" {
			t.Errorf("kept %v", kept)
		}
	}
}
