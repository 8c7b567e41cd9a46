package delivery

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// traffic is a simulated lane: calls come at an even pace, and the sink answers
// some of them in its own way, all others with 200 after 200 ms.
type traffic struct {
	setup
	first int            // bad ones before all others
	every time.Duration  // between calls
	lasts time.Duration  // how long calls come
	after time.Duration  // how long the lane goes on then
	bad   func(int) bool // which of the calls are bad
	// answer is what the sink says to a call.
	answer behaviour
}

// report is what came of it.
type report struct {
	w         *world
	latencies []time.Duration // of healthy calls that were delivered, sorted
	healthy   int             // calls
	letters   map[spool.Reason]int
	requests  []request
}

// isHealthy fails the test unless all healthy calls were delivered, 99 of 100
// within that time, and no call ended as failing.
func (r report) isHealthy(within time.Duration) {
	r.w.t.Helper()
	if len(r.latencies) != r.healthy || r.quantile(.99) > within || r.letters[spool.Failing]+r.letters[spool.Expired] > 0 {
		r.w.t.Errorf("%v; want all, and p99 below %v", r, within)
	}
	r.w.t.Log(r)
}

func (r report) quantile(q float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(int(q*float64(len(r.latencies))), len(r.latencies)-1)]
}

func (r report) String() string {
	return fmt.Sprintf("%d of %d healthy calls delivered, p50 %v, p99 %v, longest %v; %d requests; dead letters %v; %d wait",
		len(r.latencies), r.healthy, r.quantile(.5), r.quantile(.99), r.quantile(1), len(r.requests), r.letters, r.w.waiting("crm"))
}

const took = 200 * time.Millisecond

// run simulates it, with ten seconds as the timeout.
func (s traffic) run(w *world) report {
	w.t.Helper()
	begun := time.Now()
	to := answers(func(_ int, body string) reply {
		r := s.answer(time.Since(begun), strings.HasPrefix(body, "bad"))
		r.took = took
		return r
	})
	s.timeout = 10 * time.Second
	w.start("crm", s.setup, to).random = chance(1, 2)
	out := report{w: w, letters: map[spool.Reason]int{}}
	sent := map[string]time.Time{}
	for i := 0; i < s.first || time.Since(begun) < s.lasts; i++ {
		key := fmt.Sprint("ok-", i)
		if i < s.first || s.bad != nil && s.bad(i) {
			key = fmt.Sprint("bad-", i)
		} else {
			out.healthy++
		}
		sent[key+"/1"] = time.Now()
		w.accept("crm", key)
		if i >= s.first {
			w.sleep(s.every)
		}
	}
	w.sleep(s.after + time.Minute)
	out.requests = to.seen()
	for _, r := range out.requests {
		if r.status == 200 && strings.HasPrefix(r.body, "ok") {
			out.latencies = append(out.latencies, r.at.Add(took).Sub(sent[r.body]))
		}
	}
	slices.Sort(out.latencies)
	for _, l := range w.letters("crm") {
		out.letters[l.Reason]++
	}
	return out
}

// chance returns the same numbers in [0, 1) in each run; workers share it.
func chance(seed1, seed2 uint64) func() float64 {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed1, seed2))
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return r.Float64()
	}
}

// oneOf is every nth call.
func oneOf(n int) func(int) bool { return func(i int) bool { return i%n == n/2 } }

// The figures of the contract: with one of twenty calls that the sink never takes,
// the others are delivered at their rate, 99 of 100 within five seconds.
func TestHealthyCallsBesideOthersThatFail(t *testing.T) {
	answers := map[string]reply{
		"500": sick, "404 of a fixed URL": {status: 404}, "timeouts": {hang: true},
		"429, 0 s": asks(429, "0"), "429, 1 s": asks(429, "1"), "503, 10 s": asks(503, "10"), "429, an hour": asks(429, "3600"),
	}
	for name, r := range answers {
		for concurrency, quick := range map[int]int{1: 2, 8: 0} {
			if r.hang && concurrency == 1 {
				continue // 0.1 bad calls a second × 10 s take a whole worker
			}
			simulate(t, fmt.Sprintf("%s, concurrency %d, quick tries %d", name, concurrency, quick), func(w *world) {
				s := traffic{every: time.Second / 2, lasts: 3 * time.Minute, bad: oneOf(20), answer: toBad(r)}
				s.Concurrency, s.quick = concurrency, quick
				s.run(w).isHealthy(5 * time.Second)
			})
		}
		simulate(t, name+", one call", func(w *world) {
			s := traffic{every: time.Second / 2, lasts: 3 * time.Minute, bad: func(i int) bool { return i == 3 }, answer: toBad(r)}
			s.Concurrency = 8
			s.run(w).isHealthy(2500 * time.Millisecond)
		})
		simulate(t, name+", eight first", func(w *world) {
			s := traffic{every: time.Second / 2, lasts: 3 * time.Minute, first: 8, answer: toBad(r)}
			s.run(w).isHealthy(45 * time.Second) // no sink that is well is known: the breaker opens once
		})
	}
	simulate(t, "404 of this call", func(w *world) {
		s := traffic{every: time.Second / 2, lasts: 3 * time.Minute, bad: oneOf(20), answer: toBad(reply{status: 404})}
		s.moving = true
		r := s.run(w)
		r.isHealthy(time.Second)
		if r.letters[spool.Rejected] != 18 {
			w.t.Errorf("%v", r)
		}
	})
	simulate(t, "a rate of 1 a second", func(w *world) {
		s := traffic{every: 1500 * time.Millisecond, lasts: 5 * time.Minute, bad: oneOf(20), answer: toBad(sick)}
		s.Rate = &outbound.Rate{PerSecond: 1}
		s.run(w).isHealthy(5 * time.Second)
	})
	simulate(t, "timeouts, concurrency 1", func(w *world) {
		s := traffic{every: 4 * time.Second, lasts: 20 * time.Minute, bad: oneOf(20), answer: toBad(reply{hang: true})}
		s.Concurrency = 1
		s.run(w).isHealthy(15 * time.Second) // of one worker, whoever comes behind waits
	})
}

// A limit of the account is one of all calls: none of them ends, and the sink is
// not asked more often than there is reason to.
func TestLimitOfTheAccountNoRace(t *testing.T) {
	for _, concurrency := range []int{1, 8} {
		limit := func(name string, lasts time.Duration, most int, answer behaviour) {
			simulate(t, fmt.Sprintf("%s, concurrency %d", name, concurrency), func(w *world) {
				s := traffic{first: 0, every: time.Millisecond, lasts: 2 * time.Second, after: lasts, answer: answer}
				s.Concurrency = concurrency
				r := s.run(w)
				r.isHealthy(lasts)
				if n := len(r.requests) - r.healthy; n > most {
					w.t.Errorf("asked to wait %d times, want %d at most", n, most)
				}
			})
		}
		limit("everybody for an hour", 90*time.Minute, 140, func(at time.Duration, _ bool) reply {
			if at < time.Hour {
				return asks(429, "30")
			}
			return fine
		})
		limit("20 a minute", 2*time.Hour, 100*(concurrency+5), windows(time.Minute, 20))
		limit("one a second", time.Hour, 5000, bucket(time.Second, 5, "1"))
	}
}

func TestSinkThatFailsAtRandom(t *testing.T) {
	for _, quick := range []int{0, 2} {
		simulate(t, fmt.Sprint("quick tries ", quick), func(w *world) {
			dice := chance(3, 4)
			s := traffic{every: time.Second / 2, lasts: 10 * time.Minute, after: 10 * time.Minute, answer: func(time.Duration, bool) reply {
				if dice() < 0.3 {
					return sick
				}
				return fine
			}}
			s.quick = quick
			s.run(w).isHealthy(2 * time.Minute) // five failures in a row open the breaker
		})
	}
}

func TestSinkThatComesAndGoesNoRace(t *testing.T) {
	simulate(t, "three of five minutes", func(w *world) {
		s := traffic{every: 30 * time.Second, lasts: 5 * time.Hour, after: 6 * time.Hour, answer: func(at time.Duration, _ bool) reply {
			if at%(5*time.Minute) < 3*time.Minute {
				return sick
			}
			return fine
		}}
		s.run(w).isHealthy(10 * time.Minute) // some are in doubt, and wait
	})
}

// A tenant of the sink is down from Friday to Monday, in a quiet lane: its calls are
// in doubt, and none ends before the tenant is well.
func TestTenantThatIsDownForAWeekendNoRace(t *testing.T) {
	simulate(t, "a call in five minutes", func(w *world) {
		friday, monday := 4*time.Hour, 66*time.Hour
		s := traffic{every: 5 * time.Minute, lasts: monday + time.Hour, after: 19 * time.Hour, bad: oneOf(4), answer: func(at time.Duration, bad bool) reply {
			if bad && at > friday && at < monday {
				return sick
			}
			return fine
		}}
		r := s.run(w)
		r.isHealthy(5 * time.Second)
		w.isWaiting("crm", 0)
	})
}

// behaviour is what a sink answers to a call, at a time after the beginning.
type behaviour func(at time.Duration, bad bool) reply

// toBad is a sink that answers bad calls so, and others with 200.
func toBad(r reply) behaviour {
	return func(_ time.Duration, bad bool) reply {
		if bad {
			return r
		}
		return fine
	}
}

func asks(status int, retryAfter string) reply { return reply{status: status, retryAfter: retryAfter} }

// bucket is a sink with a limit of its own: a token each so often, at most so many
// at once. Who gets none is asked to wait.
func bucket(each time.Duration, most float64, retryAfter string) behaviour {
	tokens, last := most, time.Duration(0)
	return func(at time.Duration, _ bool) reply {
		tokens, last = min(most, tokens+float64(at-last)/float64(each)), at
		if tokens < 1 {
			return asks(429, retryAfter)
		}
		tokens--
		return fine
	}
}

// windows is a sink that takes so many in each window, and asks to wait to its end.
func windows(each time.Duration, most int) behaviour {
	window, n := time.Duration(-1), 0
	return func(at time.Duration, _ bool) reply {
		if at/each != window {
			window, n = at/each, 0
		}
		if n++; n > most {
			return asks(429, fmt.Sprint(int((each-at%each).Seconds())+1))
		}
		return fine
	}
}

// simulate runs a simulation beside others.
func simulate(t *testing.T, name string, f func(w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		bubble(t, f)
	})
}
