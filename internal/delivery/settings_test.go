package delivery

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestDefaults(t *testing.T) {
	want := Settings{Concurrency: 8, Retry: RetrySettings{First: 5 * time.Second, Factor: 2, Max: 15 * time.Minute, GiveUpAfter: 72 * time.Hour, DoubtfulAttempts: 16}}
	if diff := cmp.Diff(want, Settings{}.WithDefaults()); diff != "" {
		t.Error(diff)
	}
	given := outbound.Rate{PerSecond: 2.5}
	rated := Settings{Rate: &given, Retry: RetrySettings{Max: time.Second}}.WithDefaults()
	if rated.Rate.Burst != 3 || given.Burst != 0 {
		t.Errorf("burst %d (given %d), want one second's worth, and the given one untouched", rated.Rate.Burst, given.Burst)
	}
	if rated.Retry.First != time.Second {
		t.Errorf("first %v is above max", rated.Retry.First)
	}
	if long := (Settings{Retry: RetrySettings{First: time.Hour}}).WithDefaults(); long.Retry.Max != time.Hour {
		t.Errorf("max %v is below first", long.Retry.Max)
	}
	for _, s := range []Settings{{}, rated} {
		s.WithDefaults().Validate(func(path, problem string) { t.Errorf("%s: %s", path, problem) })
	}
}

func TestValidate(t *testing.T) {
	rate := func(r float64) Settings { return Settings{Rate: &outbound.Rate{PerSecond: r}} }
	retry := func(r RetrySettings) Settings { return Settings{Retry: r} }
	for _, c := range []struct {
		settings Settings
		paths    string
	}{
		{Settings{Concurrency: -1}, "concurrency"},
		{Settings{Concurrency: 1025}, "concurrency"},
		{rate(0), "rate.per_second"},
		{rate(-1), "rate.per_second"},
		{rate(math.NaN()), "rate.per_second"},
		{rate(math.Inf(1)), "rate.per_second"},
		{rate(1e300), "rate.per_second"},
		{Settings{Rate: &outbound.Rate{PerSecond: 1, Burst: -1}}, "rate.burst"},
		{retry(RetrySettings{First: -1}), "retry.first"},
		{retry(RetrySettings{Factor: 0.5}), "retry.factor"},
		{retry(RetrySettings{Factor: math.NaN()}), "retry.factor"},
		{retry(RetrySettings{Factor: math.Inf(1)}), "retry.factor"},
		{retry(RetrySettings{First: time.Minute, Max: time.Second}), "retry.max"},
		{retry(RetrySettings{GiveUpAfter: -1}), "retry.give_up_after"},
		{retry(RetrySettings{First: -2, Factor: -1, Max: -1, GiveUpAfter: -1}), "retry.first retry.factor retry.max retry.give_up_after"},
	} {
		var paths []string
		c.settings.Validate(func(path, problem string) {
			paths = append(paths, path)
			if !strings.Contains(problem, ": write ") {
				t.Errorf("%s: %q names no remedy", path, problem)
			}
		})
		if got := strings.Join(paths, " "); got != c.paths {
			t.Errorf("%+v: %q, want %q", c.settings, got, c.paths)
		}
	}
}

// Every wait lies between 0 and its step of the schedule, and the steps grow by
// the factor up to the most.
func TestJitterBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		first := time.Duration(1 + r.Int64N(int64(time.Hour)))
		s := RetrySettings{First: first, Factor: 1 + 9*r.Float64(), Max: first + time.Duration(r.Int64N(int64(24*time.Hour)))}
		n := r.IntN(5000)
		top := s.Max
		if exact := float64(s.First) * math.Pow(s.Factor, float64(n)); exact < float64(top) {
			top = time.Duration(exact)
		}
		if wait := s.wait(spool.History{Spent: n + 1}, r.Float64); wait < 0 || wait > top {
			t.Fatalf("%+v: wait %d is %v, want between 0 and %v", s, n, wait, top)
		}
		if wait := s.wait(spool.History{Spent: n + 1}, func() float64 { return 0 }); wait != 0 {
			t.Fatalf("the least wait is %v", wait)
		}
		if wait := s.wait(spool.History{Spent: n + 1}, func() float64 { return 1 }); (wait - top).Abs() > time.Microsecond {
			t.Fatalf("%+v: the longest wait %d is %v, want %v", s, n, wait, top)
		}
	}
}

func TestJitterSpreads(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := Settings{}.WithDefaults().Retry
	var low, high int
	for range 1000 {
		switch wait := s.wait(spool.History{Spent: 1}, r.Float64); {
		case wait < time.Second:
			low++
		case wait > 4*time.Second:
			high++
		}
	}
	if low < 100 || high < 100 {
		t.Errorf("%d waits in the first fifth, %d in the last, of 1000", low, high)
	}
}
