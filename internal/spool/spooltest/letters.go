package spooltest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func letterCases() []testCase {
	return []testCase{
		{"replay/the same message id, counted anew", replaySameID},
		{"replay/a rate spaces the due times", replayRate},
		{"replay/ids of intake come back, unknown ones are passed over", replayMixed},
		{"replay/a repeated replay does no harm", replayTwice},
		{"purge/erases both stages, counts what was there", purge},
		{"resend/the newest revision, whatever became of it", resend},
		{"resend/what is not there changes nothing", resendUnknown},
		{"letter/resend of many calls, at a rate", resendMany},
		{"letters/an unknown id is not found", unknownLetter},
		{"letters/counted by the reason, and the newest of a source", lettersOf},
	}
}

func lettersOf(r *rig) {
	r.acceptAll("a", "b", "c")
	for _, reason := range []spool.Reason{spool.Rejected, spool.Expired, spool.Rejected} {
		r.check(r.Bury(r.one("crm"), attempt("rejected"), reason, "no"))
	}
	r.commit()
	counts := func(sink string, rejected, expired int64) {
		r.Helper()
		got, err := r.LettersByReason(r.Context(), sink)
		r.check(err)
		if got[spool.Rejected] != rejected || got[spool.Expired] != expired || (rejected == 0) != (len(got) == 0) {
			r.Errorf("%s: %v, want %d rejected and %d expired", sink, got, rejected, expired)
		}
	}
	counts("crm", 2, 1)
	counts("slack", 0, 0)
	counts("nobody", 0, 0)
	for i, body := range []string{"x", "y", "z"} {
		r.pass(time.Second)
		source := []string{"dialer", "other", "dialer"}[i]
		r.check(r.KeepUndecodable(r.Context(), spool.Undecodable{Source: source, Body: []byte(body), Detail: "not JSON: " + body}))
	}
	for limit, want := range map[int]string{1: "z", 5: "zx"} {
		page, err := r.LettersOfSource(r.Context(), "dialer", limit)
		r.check(err)
		var got []byte
		for _, l := range page {
			got = append(got, l.Detail[len("not JSON: "):]...)
			if l.Stage != spool.StageIntake || l.Source != "dialer" {
				r.Errorf("%+v", l)
			}
		}
		if string(got) != want {
			r.Errorf("the newest %d of the dialer: %q, want %q", limit, got, want)
		}
	}
}

func replaySameID(r *rig) {
	r.acceptAll("a")
	first := r.one("crm")
	r.check(r.Bury(first, attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	r.pass(time.Minute)
	r.replay([]string{r.letters(spool.LetterFilter{})[0].ID})
	if left := r.letters(spool.LetterFilter{}); len(left) != 0 {
		r.Errorf("%d dead letters are left", len(left))
	}
	if !r.woken() {
		r.Error("the lane was not woken")
	}
	again := r.one("crm")
	if again.MessageID != first.MessageID {
		r.Errorf("message id %q, want %q as before", again.MessageID, first.MessageID)
	}
	if !again.Since.Equal(time.Now()) || again.Tries != 1 || again.History != (spool.History{}) {
		r.Errorf("since %v with %d tries, %+v; want now with 1, and the schedule from its beginning", again.Since, again.Tries, again.History)
	}
	r.check(r.Retry(again, attempt("unwell"), time.Now(), spool.History{Spent: 1}))
	r.commit()
	if again = r.one("crm"); again.Tries != 2 || again.History.Spent != 1 {
		r.Errorf("after one more: %d tries, %+v", again.Tries, again.History)
	}
	r.waiting(1, 0)
	r.check(r.Settle(again, attempt("delivered")))
	r.commit()
	if got := r.detail(); len(got.Attempts) != 3 || got.State != "delivered" {
		r.Errorf("delivery: %+v", got)
	}
}

func replayRate(r *rig) {
	r.acceptAll("a", "b", "c")
	letters := r.bury()
	done, _, err := r.Replay(r.Context(), letters, time.Now().Add(time.Second), 2)
	r.check(err)
	if done != 3 {
		r.Fatalf("%d replayed, want 3", done)
	}
	for _, step := range []struct {
		wait time.Duration
		want string
	}{{0, ""}, {time.Second, "a"}, {499 * time.Millisecond, ""}, {time.Millisecond, "b"}, {500 * time.Millisecond, "c"}} {
		r.pass(step.wait)
		r.expect(r.lease("crm", 10), step.want)
	}
}

func replayMixed(r *rig) {
	r.acceptAll("a")
	delivery := r.bury()[0]
	r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", "nope")))
	intake := r.letters(spool.LetterFilter{Stage: spool.StageIntake})[0].ID
	done, back, err := r.Replay(r.Context(), []string{intake, "01ARZ3NDEKTSV4RRFFQ69G5FAV", delivery, "nonsense"}, time.Now(), 0)
	r.check(err)
	if done != 1 || !slices.Equal(back, []string{intake}) {
		r.Errorf("%d replayed and %v came back, want 1 and %s", done, back, intake)
	}
	if left := r.letters(spool.LetterFilter{}); len(left) != 1 || left[0].ID != intake {
		r.Errorf("left: %+v", left)
	}
	r.expect(r.lease("crm", 10), "a")
}

func replayTwice(r *rig) {
	r.acceptAll("a")
	letters := r.bury()
	r.replay(letters)
	done, _, err := r.Replay(r.Context(), append(letters, letters...), time.Now(), 0)
	r.check(err)
	if done != 0 {
		r.Errorf("%d replayed a second time", done)
	}
	r.waiting(1, 0)
	r.expect(r.lease("crm", 10), "a")
}

func purge(r *rig) {
	r.acceptAll("a", "b")
	letters := r.bury()
	r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", "nope")))
	intake := r.letters(spool.LetterFilter{Stage: spool.StageIntake})[0].ID
	n, err := r.Purge(r.Context(), []string{letters[0], intake, letters[0], "nonsense"})
	r.check(err)
	if n != 2 {
		r.Errorf("%d purged, want 2", n)
	}
	if left := r.letters(spool.LetterFilter{}); len(left) != 1 || left[0].ID != letters[1] {
		r.Errorf("left: %+v", left)
	}
	r.waiting(0, 1)
	if got := r.Totals(); got.IntakeDeadLetters != 0 || got.Calls != 2 {
		r.Errorf("totals: %+v", got)
	}
	r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", "nope")))
	if got := r.Totals().IntakeDeadLetters; got != 1 {
		r.Errorf("a purged body that comes again is not kept")
	}
}

func resend(r *rig) {
	r.revisions(2)
	send := func(want ...string) {
		r.Helper()
		sent, err := r.Resend(r.Context(), spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm", "slack"}})
		r.check(err)
		if got := slices.Sorted(maps.Keys(sent.BySink)); !slices.Equal(got, want) || sent.Calls != 1 {
			r.Errorf("sent to %q, want %q: %+v", got, want, sent)
		}
	}
	r.check(r.Settle(r.one("crm"), nil))
	r.commit()
	send("slack") // revision 2 waits in crm
	second := r.one("crm")
	r.check(r.Settle(second, attempt("delivered")))
	r.expect(r.lease("slack", 10), "a.2")
	r.commit()
	r.pass(time.Minute)
	send("crm")
	again := r.one("crm")
	if again.MessageID != second.MessageID || again.Record.Revision != 2 || !again.Since.Equal(time.Now()) {
		r.Errorf("resent %s revision %d since %v", again.MessageID, again.Record.Revision, again.Since)
	}
	r.check(r.Bury(again, nil, spool.Rejected, "no"))
	r.commit()
	r.waiting(0, 1)
	send("crm")
	r.waiting(1, 0)
	r.expect(r.lease("crm", 10), "a.2")
}

// resendMany: many calls at a rate, in the order of the ids, behind live traffic.
func resendMany(r *rig) {
	r.acceptAll("a", "b", "c", "d")
	for _, d := range r.lease("crm", 3) {
		r.check(r.Settle(d, nil))
	}
	r.commit()
	r.pass(time.Minute)
	got, err := r.Resend(r.Context(), spool.Resend{
		CallIDs: []string{"dialer:a", "dialer:none", "dialer:b", "dialer:c", "dialer:d"}, Sinks: []string{"crm"}, Start: time.Now(), PerSecond: 0.5,
	})
	r.check(err)
	if got.Calls != 3 || got.Missing != 1 || got.BySink["crm"] != 3 { // d waits
		r.Errorf("%+v", got)
	}
	r.expect(r.lease("crm", 10), "d a")
	r.pass(2 * time.Second)
	r.expect(r.lease("crm", 10), "b")
	r.pass(2 * time.Second)
	r.expect(r.lease("crm", 10), "c")
}

func resendUnknown(r *rig) {
	r.acceptAll("a")
	r.check(r.Settle(r.one("crm"), nil))
	r.commit()
	if got, err := r.Resend(r.Context(), spool.Resend{CallIDs: []string{"dialer:none"}, Sinks: []string{"crm"}}); err != nil || got.Missing != 1 || got.Calls != 0 {
		r.Errorf("resend of a call that is not there: %+v, error %v", got, err)
	}
	if _, err := r.Resend(r.Context(), spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm", "unknown"}}); !errors.Is(err, spool.ErrNotFound) {
		r.Errorf("resend to an unknown sink: error %v, want %v", err, spool.ErrNotFound)
	}
	r.waiting(0, 0)
	if st := r.status("unknown"); st.Sink != "" {
		r.Errorf("a lane was made: %+v", st)
	}
}

func unknownLetter(r *rig) {
	for _, id := range []string{"", "nonsense", "01ARZ3NDEKTSV4RRFFQ69G5FAV"} {
		if _, err := r.DeadLetter(r.Context(), id); !errors.Is(err, spool.ErrNotFound) {
			r.Errorf("dead letter %q: error %v, want %v", id, err, spool.ErrNotFound)
		}
	}
}
