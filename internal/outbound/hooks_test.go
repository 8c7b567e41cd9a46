package outbound

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRenewGivesOneMoreTryAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := answers(401, 200)
		c := newClient(t, Transport{Wire: net}, quick(0))
		token := "old"
		r := post(anywhere)
		r.Prepare = func(_ context.Context, req *http.Request) error {
			req.Header.Set("Authorization", "Bearer "+token)
			return nil
		}
		r.Renew = func(a Answer) bool { token = "new"; return a.Status == 401 }
		begun := time.Now()
		isMeaning(t, c.Do(t.Context(), r), Delivered, "credentials delivered")
		if got := net.seen[1].Header.Get("Authorization"); got != "Bearer new" || time.Since(begun) != 0 {
			t.Errorf("%s after %v", got, time.Since(begun))
		}
	})
}

func TestRenewIsAskedOnceInAnExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := post(anywhere)
		r.Renew = func(Answer) bool { asked++; return true }
		c := newClient(t, Transport{Wire: answers(401)}, quick(1))
		isMeaning(t, c.Do(t.Context(), r), Credentials, "credentials credentials credentials")
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

// TestExpiredTokensDoNotOpenTheBreaker: every hour all workers meet a 401 at
// once, and nothing is wrong with the sink.
func TestExpiredTokensDoNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := answers(401)
		c := newClient(t, Transport{Wire: net}, quick(0))
		for range 8 {
			net.answers = answers(401, 200).answers
			net.seen = nil
			r := post(anywhere)
			r.Renew = func(Answer) bool { return true }
			isMeaning(t, c.Do(t.Context(), r), Delivered, "credentials delivered")
		}
		net.answers = answers(401).answers
		do(t, c, 4, Credentials)
		if c.State() != Closed {
			t.Error("what was renewed counted")
		}
		do(t, c, 1, Credentials)
		if c.State() != Open {
			t.Error("what was not renewed did not count")
		}
	})
}

type slowToken struct{}

func (slowToken) Error() string   { return "i/o timeout" }
func (slowToken) Timeout() bool   { return true }
func (slowToken) Temporary() bool { return true }

func TestPrepareFailures(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		want   Meaning
		wait   time.Duration
		detail string
	}{
		"any error":          {errors.New("no key"), Credentials, 0, "crm.example.com: no key"},
		"net timeout":        {slowToken{}, Timeout, 0, "crm.example.com: i/o timeout"},
		"decided: pause":     {&Failure{Meaning: Paused, Wait: time.Minute, Err: errRefused}, Paused, time.Minute, "crm.example.com: connection refused"},
		"decided: no wait":   {&Failure{Meaning: Paused}, Paused, time.Second, "crm.example.com: paused"},
		"decided: unwell":    {&Failure{Meaning: Unwell, Err: errRefused}, Unwell, 0, "crm.example.com: connection refused"},
		"decided: delivered": {&Failure{Meaning: Delivered}, Connect, 0, "crm.example.com: delivered"},
	} {
		t.Run(name, func(t *testing.T) {
			net := answers(200)
			r := post(anywhere)
			r.Prepare = func(context.Context, *http.Request) error { return c.err }
			o := newClient(t, Transport{Wire: net}, quick(0)).Do(t.Context(), r)
			isMeaning(t, o, c.want, c.want.String())
			if o.Wait != c.wait || o.Detail != c.detail || len(net.seen) != 0 {
				t.Errorf("%+v, %d sent", o, len(net.seen))
			}
		})
	}
	if !errors.Is(&Failure{Err: errRefused}, errRefused) {
		t.Error("a Failure hides its cause")
	}
}

func TestPrepareIsBoundedByTheTimeoutAndSeenByTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Transport{Wire: answers(200)}, quick(0))
		r := post(anywhere)
		r.Prepare = func(ctx context.Context, _ *http.Request) error { <-ctx.Done(); return ctx.Err() }
		for range 5 {
			isMeaning(t, c.Do(t.Context(), r), Timeout, "timeout")
		}
		isMeaning(t, c.Do(t.Context(), r), BreakerOpen, "")
	})
}

func TestPrepareThatBreaksAHeaderIsAConfigurationFault(t *testing.T) {
	r := post(anywhere)
	r.Prepare = func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer a\nb")
		return nil
	}
	o := newClient(t, Transport{Wire: answers(200)}, quick(0)).Do(t.Context(), r)
	isMeaning(t, o, Credentials, "credentials")
	if !strings.Contains(o.Detail, "header Authorization holds a line break") {
		t.Error(o.Detail)
	}
}

func TestReadOverrulesAndIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		said Verdict
		want Verdict
	}{
		"rejected":   {Verdict{Meaning: Rejected, Detail: "invalid_blocks"}, Verdict{Meaning: Rejected, Detail: "invalid_blocks"}},
		"long pause": {Verdict{Meaning: Paused, Wait: 48 * time.Hour}, Verdict{Meaning: Paused, Wait: time.Hour}},
		"no wait":    {Verdict{Meaning: Paused}, Verdict{Meaning: Paused, Wait: time.Second}},
		"backwards":  {Verdict{Meaning: Unwell, Wait: -5}, Verdict{Meaning: Unwell, Wait: time.Second}},
		"nothing":    {Verdict{Detail: "?"}, Verdict{Meaning: Unwell, Detail: "?"}},
		"impossible": {Verdict{Meaning: BreakerOpen}, Verdict{Meaning: Unwell}},
	} {
		t.Run(name, func(t *testing.T) {
			r := post(anywhere)
			r.FixedURL = true
			r.Read = func(a Answer) Verdict {
				if !a.FixedURL || a.Status != 200 || a.Header == nil {
					t.Errorf("%+v", a)
				}
				return c.said
			}
			if o := newClient(t, Transport{Wire: answers(200)}, quick(0)).Do(t.Context(), r); o.Verdict != c.want {
				t.Errorf("got %+v, want %+v", o.Verdict, c.want)
			}
		})
	}
}

func TestCanceledBeforeDuringAndBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		net := answers(200)
		isMeaning(t, newClient(t, Transport{Wire: net}, Settings{}).Do(ctx, post(anywhere)), Canceled, "")
		if len(net.seen) != 0 {
			t.Error("sent although cancelled")
		}

		// During the second try: the first one is what is known.
		ctx, cancel = context.WithCancel(t.Context())
		calls := 0
		c := newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) {
			if calls++; calls == 2 {
				cancel()
				return hang(r)
			}
			return reply(500, "")(r)
		})}, Settings{})
		isMeaning(t, c.Do(ctx, post(anywhere)), Unwell, "unwell")

		// While waiting for a quick try: at once.
		ctx, cancel = context.WithCancel(t.Context())
		after(t.Context(), 10*time.Millisecond, cancel)
		begun := time.Now()
		isMeaning(t, newClient(t, Transport{Wire: answers(500)}, Settings{}).Do(ctx, post(anywhere)), Unwell, "unwell")
		if time.Since(begun) != 10*time.Millisecond {
			t.Errorf("ended after %v", time.Since(begun))
		}

		// A deadline of the caller is the caller's too.
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		isMeaning(t, newClient(t, Transport{Wire: wire(hang)}, Settings{}).Do(ctx, post(anywhere)), Canceled, "")
	})
}
