package operate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// otherClock is a store whose clock is not the wall clock, which was set.
type otherClock struct {
	*sqlite.Store
	behind time.Duration
}

func (c otherClock) Now() time.Time { return c.Store.Now().Add(-c.behind) }

// TestReplayGoesByTheClockOfTheStore: after the wall clock was set forward by
// days, what was replayed waited for as long; set back, the rate did not hold.
func TestReplayGoesByTheClockOfTheStore(t *testing.T) {
	for name, behind := range map[string]time.Duration{"forward": 72 * time.Hour, "back": -72 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.deps.Store = otherClock{r.spool, behind}
			due := func(id string) time.Time {
				c, err := r.spool.Call(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				return c.Deliveries[0].DueAt.Add(behind)
			}
			near := func(what string, got, want time.Time) {
				if off := got.Sub(want); off.Abs() > time.Minute {
					t.Errorf("%s: %v off", what, off)
				}
			}
			slow := all()
			slow.Rate = 0.001
			r.bury("a")
			begun := time.Now()
			got := r.replay(operate.Replay{Selection: slow})
			near("at once", due("dialer:a"), begun)
			near("the next one", got.NextDueAt.Time, begun.Add(1000*time.Second))
			r.bury("b")
			r.replay(operate.Replay{Selection: all(), NotBefore: got.NextDueAt.Time})
			near("what goes on", due("dialer:b"), got.NextDueAt.Time)
			r.keep("good-1")
			if got := r.replay(operate.Replay{Selection: slow}); got.Accepted != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestReplayOfRemovedSink: its dead letters stay, with what to do.
func TestReplayOfRemovedSink(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	if err := r.spool.SetLanes(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := r.replay(operate.Replay{Selection: all()})
	if got.Replayed != 0 || got.Kept != 1 || !strings.Contains(got.Failures[0].Reason, "crm is not configured") {
		t.Errorf("replay: %+v", got)
	}
}

// TestReplayReadsCallbacksAtTheRate, or at once for who cannot wait. What was done
// when it was cut off stays done.
func TestReplayReadsCallbacksAtTheRate(t *testing.T) {
	r := newRig(t)
	r.keep("good-1", "good-2", "good-3")
	slow := all()
	slow.Rate = 0.001
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	out, err := r.operator().Replay(ctx, operate.Replay{Selection: slow})
	if !errors.Is(err, context.DeadlineExceeded) || out.Accepted != 1 || !strings.Contains(r.log.String(), "via=test replayed=0 accepted=1 ignored=0 kept=0 complete=false") {
		t.Errorf("cut off: %+v %v\n%s", out, err, r.log.String())
	}
	if got := r.replay(operate.Replay{Selection: slow, AtOnce: true}); got.Accepted != 2 || got.Matched != 2 {
		t.Errorf("at once: %+v", got)
	}
}

func TestReplayWhereNothingIsRead(t *testing.T) {
	r := newRig(t)
	r.deps.Redeem = nil
	r.keep("good-1")
	if got := r.replay(operate.Replay{Selection: all()}); got.Kept != 1 || got.Accepted != 0 {
		t.Errorf("%+v", got)
	}
}

// TestPartsAddUp: a replay in parts is summed up by who asks for them.
func TestPartsAddUp(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	r.bury("b")
	r.keep("bad-1")
	part := all()
	var sum operate.Replayed
	for part.Limit = 2; ; {
		one := r.replay(operate.Replay{Selection: part})
		sum.Counted.Add(one.Counted)
		sum.Add(one.ReplayCounts)
		if part.Cursor = one.NextCursor; part.Cursor == "" {
			break
		}
	}
	sum.Failures[0].ID = "x"
	text, err := json.Marshal(sum)
	const want = `{"dry_run":false,"matched":3,"intake":1,"by_sink":{"crm":2},"missing":0,"next_cursor":"",` +
		`"replayed":2,"accepted":0,"ignored":0,"kept":1,"failures":[{"id":"x","reason":"still not understood"}]}`
	if err != nil || string(text) != want {
		t.Errorf("%s %v, want\n%s", text, err, want)
	}
}

func TestSelectionsThatMeanNothing(t *testing.T) {
	o := newRig(t).operator()
	for name, s := range map[string]operate.Selection{
		"nothing": {}, "both": {IDs: []string{"a"}, Filter: &operate.LetterFilter{}}, "a limit of ids": {IDs: []string{"a"}, Limit: 1},
		"a reason": {Filter: &operate.LetterFilter{Reason: "x"}}, "a stage": {Filter: &operate.LetterFilter{Stage: "x"}}, "a rate": {Filter: &operate.LetterFilter{}, Rate: -1}, "no rate to speak of": {Filter: &operate.LetterFilter{}, Rate: 1e-9},
	} {
		_, replayed := o.Replay(t.Context(), operate.Replay{Selection: s})
		_, purged := o.Purge(t.Context(), s)
		for _, err := range []error{replayed, purged} {
			if _, ok := errors.AsType[*operate.InputError](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestPurgeHoldsToItsRate: the first two at once, the third a tenth of a second later.
func TestPurgeHoldsToItsRate(t *testing.T) {
	r := newRig(t)
	r.keep("a", "b", "c")
	s := all()
	s.Rate = 20
	begun := time.Now()
	out, err := r.operator().Purge(t.Context(), s)
	if took := time.Since(begun); err != nil || out.Purged != 3 || took < 100*time.Millisecond {
		t.Errorf("%+v %v in %v", out, err, took)
	}
	left, err := r.operator().Letters(t.Context(), spool.LetterFilter{}, 10, "")
	if err != nil || left.Items == nil || len(left.Items) != 0 {
		t.Errorf("left: %+v %v", left, err)
	}
}
