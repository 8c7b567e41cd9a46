package outbound

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Settings are the keys of a sink that concern one exchange.
type Settings struct {
	Timeout time.Duration `yaml:"timeout" example:"20s" doc:"Of each wire try, the body of the answer included; 10ms to 5m."`
	// QuickTries are made besides the first, within two seconds of waiting; nil
	// is the default, 0 is none.
	QuickTries *int            `yaml:"quick_tries" example:"0" doc:"Tries besides the first, within 2 s of waiting, before the schedule takes over; 0 to 10. None follows a timeout, and none is made while a new call waits for a place."`
	Breaker    BreakerSettings `yaml:"breaker" doc:"When the sink counts as down, and when it is asked again."`
}

// BreakerSettings say when the sink counts as down and when it is asked again.
type BreakerSettings struct {
	ConsecutiveFailures int     `yaml:"consecutive_failures" example:"10" doc:"Different deliveries that fail in a row, and open the breaker."`
	FailureRatio        float64 `yaml:"failure_ratio" example:"0.8" doc:"Part of the attempts within window that opens it too, above 0 and up to 1. Those of calls that fail while others are taken do not count."`
	MinRequests         int     `yaml:"min_requests" example:"50" doc:"Attempts within window from which failure_ratio counts."`
	// Window is the memory for FailureRatio. It is at least twice the timeout,
	// because a failure that took longer than the window would not count.
	Window  time.Duration `yaml:"window" example:"2m" doc:"The memory for failure_ratio, 1s to 24h; at least twice the timeout is used."`
	OpenFor time.Duration `yaml:"open_for" example:"1m" doc:"The rest before one delivery probes the sink, 100ms to 24h."`
}

const (
	defaultTimeout    = 10 * time.Second
	defaultQuickTries = 2
	maxQuickTries     = 10
)

// WithDefaults fills what is absent.
func (s Settings) WithDefaults() Settings {
	s.Timeout = cmp.Or(s.Timeout, defaultTimeout)
	if s.QuickTries == nil {
		s.QuickTries = new(defaultQuickTries)
	}
	s.Breaker = s.Breaker.withDefaults()
	return s
}

func (b BreakerSettings) withDefaults() BreakerSettings {
	return BreakerSettings{
		ConsecutiveFailures: cmp.Or(b.ConsecutiveFailures, 5),
		FailureRatio:        cmp.Or(b.FailureRatio, 0.5),
		MinRequests:         cmp.Or(b.MinRequests, 20),
		Window:              cmp.Or(b.Window, time.Minute),
		OpenFor:             cmp.Or(b.OpenFor, 30*time.Second),
	}
}

// Validate reports each problem with the path of its key. It expects the
// defaults to be filled in.
func (s Settings) Validate(report func(path, problem string)) {
	within(report, "timeout", s.Timeout, 10*time.Millisecond, 5*time.Minute)
	if n := s.QuickTries; n != nil && (*n < 0 || *n > maxQuickTries) {
		report("quick_tries", fmt.Sprintf("%d is out of range: write 0 (none) to %d", *n, maxQuickTries))
	}
	s.Breaker.validate(func(key, problem string) { report("breaker."+key, problem) })
}

func (b BreakerSettings) validate(report func(key, problem string)) {
	if n := b.ConsecutiveFailures; n < 1 || n > math.MaxInt32 {
		report("consecutive_failures", fmt.Sprintf("%d is out of range: write 1 or more", n))
	}
	// Not turned around: NaN, which YAML can spell, must be refused too.
	if r := b.FailureRatio; !(r > 0 && r <= 1) {
		report("failure_ratio", fmt.Sprintf("%v is out of range: write a number above 0 and up to 1", r))
	}
	if n := b.MinRequests; n < 1 || n > math.MaxInt32 {
		report("min_requests", fmt.Sprintf("%d is out of range: write 1 or more", n))
	}
	within(report, "window", b.Window, time.Second, 24*time.Hour)
	within(report, "open_for", b.OpenFor, 100*time.Millisecond, 24*time.Hour)
}

func within(report func(key, problem string), key string, d, least, most time.Duration) {
	if d < least || d > most {
		report(key, fmt.Sprintf("%v is out of range: write %v to %v", d, least, most))
	}
}
