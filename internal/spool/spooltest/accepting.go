package spooltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func acceptCases() []testCase {
	return []testCase{
		{"accept/new content is a revision, kept content a duplicate", duplicates},
		{"accept/the last call of route counts", lastRouteCounts},
		{"accept/a call that cannot be routed is not kept", unroutable},
		{"accept/one delivery for each sink, also when named twice", deliveriesPerSink},
		{"accept/a call for nobody is kept", unrouted},
		{"accept/an ended context keeps nothing", endedContext},
		{"accept/many at once get one revision each", manyAtOnce},
		{"undecodable/kept once for each source and body", undecodableOnce},
		{"undecodable/redeemed in the transaction of the acceptance", redeemed},
	}
}

func duplicates(r *rig) {
	for _, push := range []struct {
		content   string
		revision  int
		duplicate bool
	}{
		{"first", 1, false},
		{"first", 1, true},
		{"second", 2, false},
		{"first", 1, true},
		{"second", 2, true},
		{"third", 3, false},
		{"second", 2, true},
	} {
		got := r.accept("a", push.content, "crm")
		want := spool.Receipt{ID: "dialer:a", Revision: push.revision, Duplicate: push.duplicate}
		if got != want {
			r.Errorf("push of %s: %+v, want %+v", push.content, got, want)
		}
	}
	if got := r.accept("b", "first", "crm"); got.Duplicate || got.Revision != 1 {
		r.Errorf("another call is taken for a duplicate: %+v", got)
	}
	r.waiting(4, 0)
}

// unroutable: only the last answer of Route counts, and a duplicate needs none.
func unroutable(r *rig) {
	costly := errors.New("costs too much")
	at := func(revision int) func(*call.Record) ([]string, error) {
		return func(rec *call.Record) ([]string, error) {
			if rec.Revision == revision {
				return nil, costly
			}
			return []string{"crm"}, nil
		}
	}
	a := acceptance("a", "first")
	a.Route = at(1)
	if _, err := r.Accept(r.Context(), a); !errors.Is(err, costly) {
		r.Errorf("the first revision: %v", err)
	}
	r.accept("a", "first", "crm")
	if receipt, err := r.Accept(r.Context(), a); err != nil || !receipt.Duplicate {
		r.Errorf("a duplicate: %+v, %v", receipt, err)
	}
	b := acceptance("a", "second")
	b.Route = at(1) // as it is asked at first
	if receipt, err := r.Accept(r.Context(), b); err != nil || receipt.Revision != 2 {
		r.Errorf("another revision: %+v, %v", receipt, err)
	}
	c := acceptance("a", "third")
	c.Route = at(3)
	if _, err := r.Accept(r.Context(), c); !errors.Is(err, costly) {
		r.Errorf("the third revision: %v", err)
	}
	r.waiting(2, 0)
}

func lastRouteCounts(r *rig) {
	a := acceptance("a", "second")
	var asked []int
	a.Route = func(rec *call.Record) ([]string, error) {
		asked = append(asked, rec.Revision)
		if rec.Revision == 1 {
			return []string{"crm", "slack"}, nil
		}
		return []string{"slack"}, nil
	}
	r.accept("a", "first", "crm")
	receipt, err := r.Accept(r.Context(), a)
	r.check(err)
	if receipt.Revision != 2 || a.Record.Revision != 2 {
		r.Errorf("revision %d, in the record %d, want 2", receipt.Revision, a.Record.Revision)
	}
	if len(asked) == 0 || len(asked) > 2 || asked[len(asked)-1] != 2 {
		r.Errorf("route was asked for revisions %v, want 2 last and two calls at most", asked)
	}
	r.expect(r.lease("crm", 10), "a")
	r.expect(r.lease("slack", 10), "a.2")
}

func deliveriesPerSink(r *rig) {
	r.accept("a", "first", "crm", "slack", "crm")
	crm, slack := r.one("crm"), r.one("slack")
	if crm.MessageID == slack.MessageID || crm.Sink != "crm" || slack.Sink != "slack" {
		r.Errorf("deliveries are not told apart: %q for %q, %q for %q", crm.MessageID, crm.Sink, slack.MessageID, slack.Sink)
	}
	var hash call.ContentHash
	copy(hash[:], "a first")
	if want := call.MessageID("dialer:a", hash, "crm"); crm.MessageID != want {
		r.Errorf("message id %q, want %q", crm.MessageID, want)
	}
	if !crm.Since.Equal(time.Now()) || crm.Tries != 0 {
		r.Errorf("a fresh delivery has since %v and %d tries", crm.Since, crm.Tries)
	}
	if crm.Record.From.Number != "+6281234567890" || crm.Record.Revision != 1 {
		r.Errorf("the record came back changed: %+v", crm.Record)
	}
	r.expect(r.lease("crm", 10), "")
}

func unrouted(r *rig) {
	r.accept("a", "first")
	detail, err := r.Call(r.Context(), "dialer:a")
	r.check(err)
	if len(detail.Revisions) != 1 || len(detail.Deliveries) != 0 {
		r.Errorf("a call for nobody: %+v", detail)
	}
	if got := r.accept("a", "first"); !got.Duplicate {
		r.Error("its repetition is not a duplicate")
	}
	if got := r.Totals().Calls; got != 1 {
		r.Errorf("%d calls, want 1", got)
	}
}

func endedContext(r *rig) {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	if _, err := r.Accept(ctx, acceptance("a", "first", "crm")); !errors.Is(err, context.Canceled) {
		r.Errorf("error %v, want %v", err, context.Canceled)
	}
	if _, err := r.Call(r.Context(), "dialer:a"); !errors.Is(err, spool.ErrNotFound) {
		r.Errorf("error %v, want %v", err, spool.ErrNotFound)
	}
}

func manyAtOnce(r *rig) {
	const pushes = 40
	var mu sync.Mutex
	var revisions []int
	var all sync.WaitGroup
	for i := range pushes {
		all.Go(func() {
			receipt, err := r.Accept(r.Context(), acceptance("a", fmt.Sprint(i), "crm"))
			if err != nil {
				r.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			revisions = append(revisions, receipt.Revision)
		})
	}
	all.Wait()
	slices.Sort(revisions)
	for i, got := range revisions {
		if got != i+1 {
			r.Fatalf("revisions %v, want 1 to %d", revisions, pushes)
		}
	}
	for rev := 1; rev <= pushes; rev++ {
		ds := r.lease("crm", 10)
		if len(ds) != 1 || ds[0].Record.Revision != rev {
			r.Fatalf("leased %v while revision %d is the oldest", ds, rev)
		}
		r.check(r.Settle(ds[0], nil))
		r.commit()
	}
}

func undecodable(source, body string) spool.Undecodable {
	return spool.Undecodable{
		Source: source, Body: []byte(body), Detail: "not JSON", ReceivedAt: time.Now(),
		Request: spool.Request{Header: map[string]string{"Content-Type": "text/plain; charset=gbk"}, Query: "a=1"},
	}
}

func undecodableOnce(r *rig) {
	for _, u := range []spool.Undecodable{
		undecodable("dialer", "<xml>"), undecodable("dialer", "<xml>"), undecodable("nxlink", "<xml>"), undecodable("dialer", "nope"),
	} {
		r.check(r.KeepUndecodable(r.Context(), u))
		r.pass(time.Millisecond)
	}
	letters := r.letters(spool.LetterFilter{})
	if len(letters) != 3 {
		r.Fatalf("%d dead letters, want 3: %+v", len(letters), letters)
	}
	detail, err := r.DeadLetter(r.Context(), letters[0].ID)
	r.check(err)
	if string(detail.Body) != "nope" || detail.Stage != spool.StageIntake || detail.Reason != spool.Undecoded ||
		detail.Source != "dialer" || detail.Detail != "not JSON" || detail.Sink != "" || detail.CallID != "" || detail.Attempts != 0 ||
		detail.Request.Header["Content-Type"] != "text/plain; charset=gbk" || detail.Request.Query != "a=1" {
		r.Errorf("the dead letter came back changed: %+v", detail)
	}
	if got := r.Totals().IntakeDeadLetters; got != 3 {
		r.Errorf("%d dead letters of stage intake, want 3", got)
	}
}

func redeemed(r *rig) {
	for _, body := range []string{"one", "two"} {
		r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", body)))
	}
	letters := r.letters(spool.LetterFilter{})
	fresh := acceptance("a", "first", "crm")
	fresh.Letter = letters[0].ID
	_, err := r.Accept(r.Context(), fresh)
	r.check(err)
	again := acceptance("a", "first", "crm")
	again.Letter = letters[1].ID
	receipt, err := r.Accept(r.Context(), again)
	r.check(err)
	if !receipt.Duplicate {
		r.Errorf("the second is no duplicate: %+v", receipt)
	}
	if left := r.letters(spool.LetterFilter{}); len(left) != 0 || r.Totals().IntakeDeadLetters != 0 {
		r.Errorf("%d dead letters are left, the total says %d", len(left), r.Totals().IntakeDeadLetters)
	}
	r.check(r.KeepUndecodable(r.Context(), undecodable("dialer", "one")))
	if left := r.letters(spool.LetterFilter{}); len(left) != 1 {
		r.Errorf("%d dead letters, want the body that came again", len(left))
	}
}
