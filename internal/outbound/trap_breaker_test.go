package outbound

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The tests TestTrap… here are the traps of gobreaker, one each.

// TestTrapProbeThatNeverReturns: half-open has no timer, so a hanging probe
// would reject everything for ever; the timeout ends it.
func TestTrapProbeThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Transport{Wire: wire(hang)}, quick(0))
		do(t, c, 5, Timeout)
		time.Sleep(time.Until(c.ReadyAt()))
		probe := make(chan Outcome)
		go func() { probe <- c.Do(t.Context(), post(anywhere)) }()
		synctest.Wait()
		if o := c.Do(t.Context(), post(anywhere)); o.Meaning != BreakerOpen || o.Wait <= 0 || len(o.Tries) != 0 {
			t.Errorf("beside a probe: %+v", o)
		}
		isMeaning(t, <-probe, Timeout, "timeout")
		if c.State() != Open {
			t.Errorf("after the probe: %v", c.State())
		}
		time.Sleep(time.Until(c.ReadyAt()))
		do(t, c, 1, Timeout) // the next probe passes
	})
}

// TestTrapStallInTheBodyCounts: a breaker in a RoundTripper sees only headers;
// ours has read the body.
func TestTrapStallInTheBodyCounts(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	s := quick(0)
	s.Timeout, s.Breaker.ConsecutiveFailures = 50*time.Millisecond, 3
	c := newClient(t, Transport{}, s)
	for range 3 {
		o := c.Do(t.Context(), post(server.URL))
		isMeaning(t, o, Timeout, "timeout")
		if o.Tries[0].Status != http.StatusOK {
			t.Errorf("the headers had come: %+v", o.Tries[0])
		}
	}
	if c.State() != Open {
		t.Errorf("six timeouts and no failure counted: %v", c.State())
	}
}

// TestTrapOpenStateIsNotRetried: the library's own policy retries ErrOpenState.
func TestTrapOpenStateIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(3)
		s.Breaker.ConsecutiveFailures = 2
		sick, sent := reply(500, ""), 0
		var c *Client
		c = newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) {
			if sent++; sent == 2 { // the breaker opens while this one is on its way
				do(t, c, 2, Unwell)
			}
			return sick(r)
		})}, s)
		isMeaning(t, c.Do(t.Context(), post(anywhere)), Unwell, "unwell unwell")
		before, begun := sent, time.Now()
		o := c.Do(t.Context(), post(anywhere))
		isMeaning(t, o, BreakerOpen, "")
		if time.Since(begun) != 0 || sent != before {
			t.Errorf("waited %v, %d on the wire", time.Since(begun), sent-before)
		}
		if d := o.Wait - 30*time.Second; d < 0 || d > 2*time.Second {
			t.Errorf("wait %v", o.Wait)
		}
	})
}

// TestAnExchangeIsOnePieceOfEvidence: quick tries before the last one are none,
// and neither is a second exchange for the same delivery.
func TestAnExchangeIsOnePieceOfEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(2)
		s.Breaker.ConsecutiveFailures = 3
		c := newClient(t, Transport{Wire: answers(500)}, s)
		for _, d := range []struct {
			name string
			want State
		}{{"a", Closed}, {"a", Closed}, {"b", Closed}, {"a", Closed}, {"c", Open}} {
			r := post(anywhere)
			r.Delivery = d.name
			isMeaning(t, c.Do(t.Context(), r), Unwell, "unwell unwell unwell")
			if got := c.State(); got != d.want {
				t.Fatalf("%v after a failure of %s, want %v", got, d.name, d.want)
			}
		}
	})
}

// TestADoubtfulDeliveryIsNoEvidence: its failures neither open the breaker nor
// keep a half-open one from the next probe; its success counts.
func TestADoubtfulDeliveryIsNoEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(0)
		s.Breaker.ConsecutiveFailures = 2
		net := answers(500)
		c := newClient(t, Transport{Wire: net}, s)
		doubtful := post(anywhere)
		doubtful.Doubtful = func() bool { return true }
		for range 10 {
			isMeaning(t, c.Do(t.Context(), doubtful), Unwell, "unwell")
		}
		if c.State() != Closed {
			t.Fatalf("%v after failures of a doubtful delivery", c.State())
		}
		do(t, c, 2, Unwell)
		time.Sleep(31 * time.Second)
		isMeaning(t, c.Do(t.Context(), doubtful), Unwell, "unwell")
		if c.State() != HalfOpen {
			t.Errorf("%v after a doubtful probe, want half open", c.State())
		}
		net.answers = []wire{reply(200, "")}
		isMeaning(t, c.Do(t.Context(), doubtful), Delivered, "delivered")
		if c.State() != Closed {
			t.Errorf("%v after a probe that was delivered", c.State())
		}
	})
}

// TestQuickTriesMayBeForbidden: the caller is asked before each.
func TestQuickTriesMayBeForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		allowed := 1
		r := post(anywhere)
		r.Quick = func() bool { allowed--; return allowed >= 0 }
		isMeaning(t, newClient(t, Transport{Wire: answers(500)}, quick(5)).Do(t.Context(), r), Unwell, "unwell unwell")
	})
}

// TestTrapCountsRollOutOfTheWindow: with Interval 0 a thousand successes of
// last week would hide a sink that fails now.
func TestTrapCountsRollOutOfTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quick(0)
		s.Breaker = BreakerSettings{ConsecutiveFailures: 1000, MinRequests: 10}
		status := 200
		c := newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) { return reply(status, "")(r) })}, s)
		do(t, c, 1000, Delivered)
		time.Sleep(2 * time.Minute)
		status = 500
		do(t, c, 9, Unwell)
		if c.State() != Closed {
			t.Fatal("opened before min_requests")
		}
		do(t, c, 1, Unwell)
		if c.State() != Open {
			t.Error("a sink that fails now hides behind old successes")
		}
	})
}

// TestTrapFailuresSlowerThanTheWindowCount: gobreaker forgets a failure whose
// try began before the window, so the window is at least twice the timeout.
func TestTrapFailuresSlowerThanTheWindowCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Settings{Timeout: 2 * time.Minute, QuickTries: new(0), Breaker: BreakerSettings{ConsecutiveFailures: 1000, MinRequests: 3}}
		c := newClient(t, Transport{Wire: wire(hang)}, s)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { do(t, c, 1, Timeout) })
		}
		group.Wait()
		if c.State() != Open {
			t.Error(c.State())
		}
	})
}

// TestTrapBusyProbeIsNotRetried: a quick try that finds another's probe under
// way ends the exchange with what was known.
func TestTrapBusyProbeIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := false
		c := newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) {
			if hanging {
				return hang(r)
			}
			return reply(500, "")(r)
		})}, quick(0))
		do(t, c, 5, Unwell)
		time.Sleep(time.Until(c.ReadyAt()))
		hanging = true
		go c.Do(t.Context(), post(anywhere))
		synctest.Wait()

		e := &exchange{client: c, request: post(anywhere), quickLeft: 2}
		e.tries, e.last = []Try{{Meaning: Unwell}}, Verdict{Meaning: Unwell, Detail: "first"}
		req, err := e.request.build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		resp, err := e.RoundTrip(req.Request)
		if err == nil {
			_ = resp.Body.Close()
		}
		if again, _ := e.check(t.Context(), nil, err); again || err == nil || e.outcome(err).Detail != "first" {
			t.Errorf("again %v, %+v", again, e.outcome(err))
		}
		time.Sleep(time.Minute)
	})
}

// TestTrapConsecutiveFailuresOutliveTheWindow: gobreaker subtracts them when
// they leave it; with a schedule of minutes five in a row would never meet.
func TestTrapConsecutiveFailuresOutliveTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Transport{Wire: answers(500, 500, 500, 500, 200, 500)}, quick(0))
		for i := range 9 {
			c.Do(t.Context(), post(anywhere))
			time.Sleep(15 * time.Minute)
			if c.State() != Closed {
				t.Fatalf("not closed after %d", i+1)
			}
		}
		do(t, c, 1, Unwell) // the fifth after the success
		if c.State() != Open {
			t.Error(c.State())
		}
	})
}

// TestTrapStateChangeOnlyRecords: OnStateChange runs under gobreaker's mutex
// and would deadlock on any question; askers beside it must not either.
func TestTrapStateChangeOnlyRecords(t *testing.T) {
	s := quick(0)
	s.Breaker = BreakerSettings{ConsecutiveFailures: 1, OpenFor: 100 * time.Millisecond}
	c := newClient(t, Transport{Wire: answersAtRandom()}, s)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	var opened atomic.Int64
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				c.Do(ctx, post(anywhere))
				if c.State() == Open && !c.ReadyAt().IsZero() {
					opened.Add(1)
				}
			}
		})
	}
	group.Wait()
	if opened.Load() == 0 {
		t.Error("never open")
	}
}

func answersAtRandom() wire {
	var n atomic.Int64
	return func(r *http.Request) (*http.Response, error) { return reply([]int{200, 500, 429}[n.Add(1)%3], "")(r) }
}

// TestTrapStateIsComputedWhenAsked: gobreaker notices the end of the open time
// only at the next call, so a gauge set by its callback would be stale.
func TestTrapStateIsComputedWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := answers(500, 500, 500, 500, 500, 200)
		c := newClient(t, Transport{Wire: net}, quick(0))
		if !c.ReadyAt().IsZero() || c.State() != Closed {
			t.Error("a new breaker is closed")
		}
		do(t, c, 5, Unwell)
		if d := time.Until(c.ReadyAt()); c.State() != Open || d < 30*time.Second || d > 31*time.Second {
			t.Errorf("%v for %v", c.State(), d)
		}
		time.Sleep(time.Until(c.ReadyAt()))
		if c.State() != HalfOpen || !c.ReadyAt().IsZero() {
			t.Errorf("nobody called, and it is %v", c.State())
		}
		do(t, c, 1, Delivered)
		if c.State() != Closed {
			t.Errorf("after a good probe: %v", c.State())
		}
	})
}

// TestTrapOnlyEvidenceCounts: a 5xx is no failure to gobreaker unless it is an
// error, and a cancelled context is one unless it is excluded.
func TestTrapOnlyEvidenceCounts(t *testing.T) {
	cases := map[string]struct {
		answer  wire
		fixed   bool
		meaning Meaning
		counts  bool
	}{
		"200":                   {answer: reply(200, ""), meaning: Delivered},
		"422":                   {answer: reply(422, ""), meaning: Rejected},
		"404 of a template":     {answer: reply(404, ""), meaning: Rejected},
		"302":                   {answer: reply(302, ""), meaning: Rejected},
		"429 with Retry-After":  {answer: reply(429, "", "Retry-After", "1"), meaning: Paused},
		"503 with Retry-After":  {answer: reply(503, "", "Retry-After", "1"), meaning: Paused},
		"429":                   {answer: reply(429, ""), meaning: Unwell, counts: true},
		"500":                   {answer: reply(500, ""), meaning: Unwell, counts: true},
		"401":                   {answer: reply(401, ""), meaning: Credentials, counts: true},
		"404 of a fixed URL":    {answer: reply(404, ""), fixed: true, meaning: Credentials, counts: true},
		"connection refused":    {answer: fail(errRefused), meaning: Connect, counts: true},
		"time is up in the net": {answer: fail(context.DeadlineExceeded), meaning: Timeout, counts: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, Transport{Wire: c.answer}, quick(0))
			r := post(anywhere)
			r.FixedURL = c.fixed
			for range 5 {
				if o := client.Do(t.Context(), r); o.Meaning != c.meaning {
					t.Fatalf("got %v (%s), want %v", o.Meaning, o.Detail, c.meaning)
				}
			}
			if (client.State() == Open) != c.counts {
				t.Errorf("the breaker is %v", client.State())
			}
		})
	}
}

// TestTrapOurShutdownIsNoFailure is the other half of the same trap.
func TestTrapOurShutdownIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Transport{Wire: wire(hang)}, quick(2))
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			after(t.Context(), time.Second, cancel)
			isMeaning(t, c.Do(ctx, post(anywhere)), Canceled, "")
		}
		if c.State() != Closed {
			t.Error(c.State())
		}
	})
}

// TestTrapOurShutdownIsNoSuccess: a cancelled probe must not close the breaker.
func TestTrapOurShutdownIsNoSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := answers(500, 500, 500, 500, 500)
		net.answers = append(net.answers, hang)
		c := newClient(t, Transport{Wire: net}, quick(0))
		do(t, c, 5, Unwell)
		time.Sleep(time.Until(c.ReadyAt()))
		ctx, cancel := context.WithCancel(t.Context())
		after(t.Context(), time.Second, cancel)
		isMeaning(t, c.Do(ctx, post(anywhere)), Canceled, "")
		if c.State() != HalfOpen {
			t.Error(c.State())
		}
	})
}

// TestPauseOfAProbeLeavesTheBreakerHalfOpen: it says nothing either way, and
// must not use up the one probe.
func TestPauseOfAProbeLeavesTheBreakerHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := answers(500, 500, 500, 500, 500)
		net.answers = append(net.answers, reply(503, "", "Retry-After", "5"))
		c := newClient(t, Transport{Wire: net}, quick(0))
		do(t, c, 5, Unwell)
		time.Sleep(time.Until(c.ReadyAt()))
		for range 3 {
			do(t, c, 1, Paused)
			if c.State() != HalfOpen {
				t.Fatal(c.State())
			}
		}
	})
}

// TestTrapReloadKeepsTheBreaker: a reload that built a new breaker would close
// it, and send a herd at a sink that is down.
func TestTrapReloadKeepsTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := newClient(t, Transport{Wire: answers(500)}, quick(0))
		do(t, old, 4, Unwell)
		same := newClient(t, Transport{Wire: answers(500, 200)}, quick(0))
		same.Inherit(old)
		do(t, same, 1, Unwell) // the fifth
		if same.State() != Open {
			t.Fatalf("counts were lost: %v", same.State())
		}
		changed := quick(0)
		changed.Breaker.OpenFor = time.Second
		other := newClient(t, Transport{Wire: answers(200)}, changed)
		other.Inherit(same)
		if d := time.Until(other.ReadyAt()); other.State() != Open || d > 2*time.Second {
			t.Fatalf("with other settings: %v for %v", other.State(), d)
		}
		time.Sleep(time.Until(other.ReadyAt()))
		do(t, other, 1, Delivered)
		if other.State() != Closed || same.State() != Open {
			t.Errorf("%v, %v", other.State(), same.State())
		}
		closed := newClient(t, Transport{Wire: answers(200)}, quick(0))
		closed.Inherit(other)
		do(t, closed, 1, Delivered)
	})
}

// TestAReloadOpensABreakerOfManyFailuresAtOnce: it was opened by as many failures
// as its settings ask for, which took minutes at the most that they may ask for.
func TestAReloadOpensABreakerOfManyFailuresAtOnce(t *testing.T) {
	old := newClient(t, Transport{Wire: answers(500)}, quick(0))
	do(t, old, 5, Unwell)
	patient := quick(0)
	patient.Breaker.ConsecutiveFailures, patient.Breaker.MinRequests = math.MaxInt32, math.MaxInt32
	heir := newClient(t, Transport{Wire: answers(200)}, patient)
	inherited := make(chan struct{})
	go func() {
		heir.Inherit(old)
		close(inherited)
	}()
	select {
	case <-inherited:
	case <-time.After(10 * time.Second):
		t.Fatal("not within 10 s")
	}
	if heir.State() != Open {
		t.Errorf("the breaker is %v", heir.State())
	}
}

func TestStateNames(t *testing.T) {
	if got := Closed.String() + " " + Open.String() + " " + HalfOpen.String() + " " + State(9).String(); got != "closed open half_open unknown" {
		t.Error(got)
	}
}

func TestEvidenceSaysWhatItIs(t *testing.T) {
	if got := (&evidence{meaning: Unwell}).Error(); got != "evidence: unwell" {
		t.Error(got)
	}
	if isSuccess(errors.New("a panic in a reader")) {
		t.Error("what is unknown is no success")
	}
}
