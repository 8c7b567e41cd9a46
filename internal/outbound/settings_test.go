package outbound

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestSettingsDefaults(t *testing.T) {
	want := Settings{
		Timeout: 10 * time.Second, QuickTries: new(2),
		Breaker: BreakerSettings{ConsecutiveFailures: 5, FailureRatio: 0.5, MinRequests: 20, Window: time.Minute, OpenFor: 30 * time.Second},
	}
	if diff := cmp.Diff(want, Settings{}.WithDefaults()); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsFromYAML(t *testing.T) {
	const text = `
timeout: 3s
quick_tries: 0
breaker: {consecutive_failures: 3, failure_ratio: 0.25, min_requests: 7, window: 2m, open_for: 5s}`
	var got Settings
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	want := Settings{Timeout: 3 * time.Second, QuickTries: new(0), Breaker: BreakerSettings{3, 0.25, 7, 2 * time.Minute, 5 * time.Second}}
	if diff := cmp.Diff(want, got.WithDefaults()); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Settings)
		want   string // path and a part of the problem
	}{
		"defaults":         {func(*Settings) {}, ""},
		"none quick":       {func(s *Settings) { s.QuickTries = new(0) }, ""},
		"timeout negative": {func(s *Settings) { s.Timeout = -1 }, "timeout: -1ns is out of range: write 10ms to 5m0s"},
		"timeout long":     {func(s *Settings) { s.Timeout = time.Hour }, "timeout: 1h0m0s is out"},
		"quick negative":   {func(s *Settings) { s.QuickTries = new(-1) }, "quick_tries: -1 is out of range: write 0 (none) to 10"},
		"quick many":       {func(s *Settings) { s.QuickTries = new(11) }, "quick_tries: 11"},
		"failures":         {func(s *Settings) { s.Breaker.ConsecutiveFailures = -2 }, "breaker.consecutive_failures: -2"},
		"ratio percent":    {func(s *Settings) { s.Breaker.FailureRatio = 50 }, "breaker.failure_ratio: 50 is out of range: write a number above 0"},
		"ratio NaN":        {func(s *Settings) { s.Breaker.FailureRatio = math.NaN() }, "breaker.failure_ratio: NaN"},
		"min_requests":     {func(s *Settings) { s.Breaker.MinRequests = -1 }, "breaker.min_requests: -1"},
		"window":           {func(s *Settings) { s.Breaker.Window = time.Millisecond }, "breaker.window: 1ms"},
		"open_for":         {func(s *Settings) { s.Breaker.OpenFor = 48 * time.Hour }, "breaker.open_for: 48h"},
	} {
		t.Run(name, func(t *testing.T) {
			s := Settings{}.WithDefaults()
			c.change(&s)
			var got []string
			s.Validate(func(path, problem string) { got = append(got, path+": "+problem) })
			text := strings.Join(got, "\n")
			if (c.want == "") != (text == "") || !strings.HasPrefix(text, c.want) || len(got) > 1 {
				t.Errorf("got %q, want %q", text, c.want)
			}
			if _, err := New("crm", Transport{}, s); (err != nil) != (c.want != "") {
				t.Errorf("New says %v", err)
			}
		})
	}
}
