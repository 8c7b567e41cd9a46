package spooltest

import (
	"fmt"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func reportCases() []testCase {
	return []testCase{
		{"report/a delivery shows each attempt", attemptsKept},
		{"report/the log of attempts is bounded at both ends", attemptsBounded},
		{"bury/a dead letter has all fields", buryFields},
		{"expire/old ones only, oldest first, in bounded steps", expireSteps},
		{"expire/scheduled and replayed ones by their own time", expireScheduled},
		{"expire/nothing that is leased", expireLeased},
	}
}

// detail returns the delivery of the first revision of call a to crm.
func (r *rig) detail() spool.DeliveryStatus {
	r.Helper()
	c, err := r.Call(r.Context(), "dialer:a")
	r.check(err)
	for _, d := range c.Deliveries {
		if d.Sink == "crm" && d.Revision == 1 {
			return d
		}
	}
	r.Fatal("call a has no delivery to crm")
	return spool.DeliveryStatus{}
}

func attemptsKept(r *rig) {
	r.acceptAll("a")
	begun := time.Now().UTC()
	due := begun.Add(time.Minute)
	r.check(r.Postpone(r.one("crm"), append(attempt("timeout"), attempt("unwell")...), due))
	r.commit()
	got := r.detail()
	if got.State != "waiting" || got.Tries != 2 || !got.DueAt.Equal(due) || !got.EndedAt.IsZero() || !got.Since.Equal(begun) {
		r.Errorf("after a retry: %+v", got)
	}
	r.pass(time.Minute)
	r.check(r.Settle(r.one("crm"), attempt("delivered")))
	r.commit()
	got = r.detail()
	if got.State != "delivered" || got.Tries != 3 || got.EndedAt.IsZero() || !got.DueAt.IsZero() {
		r.Errorf("after the settlement: %+v", got)
	}
	want := []spool.Attempt{
		{Status: 500, Result: "timeout", Detail: "detail of timeout", Millis: 20},
		{Status: 500, Result: "unwell", Detail: "detail of unwell", Millis: 20, NextAt: &due},
		{Status: 500, Result: "delivered", Detail: "detail of delivered", Millis: 20},
	}
	if diff := cmp.Diff(want, got.Attempts, cmpopts.IgnoreFields(spool.Attempt{}, "At")); diff != "" {
		r.Errorf("attempts (-want +got):\n%s", diff)
	}
	if at := got.Attempts[0].At; !at.Equal(begun) {
		r.Errorf("the first attempt is dated %v, want %v", at, begun)
	}
}

func attemptsBounded(r *rig) {
	const rounds = 60
	r.acceptAll("a")
	for i := range rounds {
		d := r.one("crm")
		if d.Tries != i {
			r.Fatalf("%d tries in round %d", d.Tries, i)
		}
		r.check(r.Postpone(d, attempt(fmt.Sprint(i)), time.Now()))
		r.commit()
	}
	got := r.detail()
	if got.Tries != rounds || len(got.Attempts) < 5 || len(got.Attempts) > 30 {
		r.Fatalf("%d tries with %d kept attempts", got.Tries, len(got.Attempts))
	}
	if first, last := got.Attempts[0].Result, got.Attempts[len(got.Attempts)-1].Result; first != "0" || last != fmt.Sprint(rounds-1) {
		r.Errorf("kept from %s to %s", first, last)
	}
}

func buryFields(r *rig) {
	r.acceptAll("a")
	r.pass(time.Minute)
	r.check(r.Bury(r.one("crm"), attempt("rejected"), spool.Rejected, "field phone is required"))
	r.commit()
	letters := r.letters(spool.LetterFilter{})
	if len(letters) != 1 {
		r.Fatalf("%d dead letters, want 1", len(letters))
	}
	want := spool.DeadLetter{
		Stage: spool.StageDelivery, Sink: "crm", Source: "dialer", CallID: "dialer:a",
		Reason: spool.Rejected, Detail: "field phone is required", Attempts: 1,
	}
	if diff := cmp.Diff(want, letters[0], cmpopts.IgnoreFields(spool.DeadLetter{}, "ID", "CreatedAt")); diff != "" {
		r.Errorf("dead letter (-want +got):\n%s", diff)
	}
	if age := time.Since(letters[0].CreatedAt.Time); age < 0 || age > time.Second || letters[0].ID == "" {
		r.Errorf("dead letter %q was made %v ago", letters[0].ID, age)
	}
	detail, err := r.DeadLetter(r.Context(), letters[0].ID)
	r.check(err)
	if diff := cmp.Diff(letters[0], detail.DeadLetter); diff != "" {
		r.Errorf("detail (-listed +got):\n%s", diff)
	}
	if len(detail.Log) != 1 || detail.Log[0].Result != "rejected" || len(detail.Record) == 0 || detail.Body != nil {
		r.Errorf("detail: %+v", detail)
	}
	if got := r.detail(); got.State != "dead_letter" || got.EndedAt.IsZero() {
		r.Errorf("delivery: %+v", got)
	}
	r.waiting(0, 1)
}

func expireSteps(r *rig) {
	for i := range 5 {
		r.acceptAll(fmt.Sprint(i))
		r.pass(time.Minute)
	}
	step := func(want int) {
		r.Helper()
		n, err := r.Expire(r.Context(), "crm", time.Now().Add(-2*time.Minute), spool.Expired, "too old", 2)
		r.check(err)
		if n != want {
			r.Errorf("%d expired, want %d", n, want)
		}
	}
	step(2)
	if letters := r.letters(spool.LetterFilter{}); len(letters) != 2 || letters[0].CallID != "dialer:1" || letters[1].CallID != "dialer:0" {
		r.Errorf("expired first: %+v", letters)
	}
	step(1)
	step(0)
	letter := r.letters(spool.LetterFilter{})[0]
	if letter.CallID != "dialer:2" || letter.Reason != spool.Expired || letter.Detail != "too old" || letter.Source != "dialer" {
		r.Errorf("dead letter: %+v", letter)
	}
	r.waiting(2, 3)
	r.expect(r.lease("crm", 10), "3 4")
}

func expireScheduled(r *rig) {
	r.acceptAll("old")
	letters := r.bury()
	r.pass(time.Minute)
	r.retried(time.Hour, "retried")
	r.pass(2 * time.Minute)
	r.replay(letters)
	if n := r.expire(3 * time.Minute); n != 0 {
		r.Errorf("%d expired, want none: a replay counts anew", n)
	}
	if n := r.expire(time.Minute); n != 1 {
		r.Errorf("%d expired, want the retried one", n)
	}
	letter := r.letters(spool.LetterFilter{})[0]
	if letter.CallID != "dialer:retried" || letter.Attempts != 1 {
		r.Errorf("dead letter: %+v", letter)
	}
	r.pass(time.Minute + time.Second)
	if n := r.expire(time.Minute); n != 1 {
		r.Errorf("%d expired, want the replayed one", n)
	}
	r.waiting(0, 2)
}

func expireLeased(r *rig) {
	r.acceptAll("a", "b")
	d := r.one("crm")
	r.pass(time.Minute)
	if n := r.expire(0); n != 1 {
		r.Errorf("%d expired, want the one that nobody has", n)
	}
	r.check(r.Settle(d, nil))
	if n := r.expire(0); n != 0 {
		r.Errorf("%d expired, although its settlement is on its way", n)
	}
	synctest.Wait()
	r.commit()
	r.waiting(0, 1)
}
