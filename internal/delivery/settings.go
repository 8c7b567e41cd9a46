package delivery

import (
	"fmt"
	"math"
	"time"
)

// Settings are the keys of a sink that its lane reads.
type Settings struct {
	// Concurrency is how many deliveries are on their way at once.
	Concurrency int `yaml:"concurrency"`
	// Rate bounds the deliveries begun in a second; nil means no bound.
	Rate  *RateSettings `yaml:"rate"`
	Retry RetrySettings `yaml:"retry"`
}

// RateSettings is a token bucket.
type RateSettings struct {
	PerSecond float64 `yaml:"per_second"`
	Burst     int     `yaml:"burst"`
}

// RetrySettings is the durable schedule: the n-th wait is random between 0 and
// First times Factor to the n-1, at most Max (full jitter).
type RetrySettings struct {
	First  time.Duration `yaml:"first"`
	Factor float64       `yaml:"factor"`
	Max    time.Duration `yaml:"max"`
	// GiveUpAfter counts from the acceptance or the last replay.
	GiveUpAfter time.Duration `yaml:"give_up_after"`
}

// The defaults of Settings.
const (
	DefaultConcurrency = 8
	DefaultFirst       = 5 * time.Second
	DefaultFactor      = 2.0
	DefaultMax         = 15 * time.Minute
	DefaultGiveUpAfter = 72 * time.Hour
)

// The greatest numbers that make sense; more is a slip of the pen.
const (
	maxConcurrency = 1024
	maxPerSecond   = 100_000
)

// WithDefaults fills what was not set.
func (s Settings) WithDefaults() Settings {
	if s.Concurrency == 0 {
		s.Concurrency = DefaultConcurrency
	}
	if s.Rate != nil && s.Rate.Burst == 0 {
		rate := *s.Rate
		rate.Burst = max(1, int(math.Ceil(rate.PerSecond)))
		s.Rate = &rate
	}
	r := &s.Retry
	if r.First == 0 {
		r.First = DefaultFirst
		if r.Max > 0 {
			r.First = min(r.First, r.Max)
		}
	}
	if r.Factor == 0 {
		r.Factor = DefaultFactor
	}
	if r.Max == 0 {
		r.Max = max(DefaultMax, r.First)
	}
	if r.GiveUpAfter == 0 {
		r.GiveUpAfter = DefaultGiveUpAfter
	}
	return s
}

// Validate reports what cannot work, by the YAML path of the key. Keys that are
// not set are fine.
func (s Settings) Validate(report func(path, problem string)) {
	if s.Concurrency < 0 || s.Concurrency > maxConcurrency {
		report("concurrency", fmt.Sprintf("must be between 1 and %d", maxConcurrency))
	}
	if s.Rate != nil {
		// Not turned around: NaN, which YAML can spell, must be refused too.
		if r := s.Rate.PerSecond; !(r > 0 && r <= maxPerSecond) {
			report("rate.per_second", fmt.Sprintf("must be greater than 0 and at most %d", maxPerSecond))
		}
		if s.Rate.Burst < 0 {
			report("rate.burst", "must be at least 1")
		}
	}
	s.Retry.validate(report)
}

func (r RetrySettings) validate(report func(path, problem string)) {
	if r.First < 0 {
		report("retry.first", "must be greater than 0")
	}
	if r.Factor != 0 && !(r.Factor >= 1 && r.Factor <= 100) {
		report("retry.factor", "must be between 1 and 100")
	}
	if r.Max < 0 || r.Max > 0 && r.Max < r.First {
		report("retry.max", "must be at least retry.first")
	}
	if r.GiveUpAfter < 0 {
		report("retry.give_up_after", "must be greater than 0")
	}
}

// wait is the n-th wait (n from 0), with full jitter; random gives a number in
// [0, 1).
func (r RetrySettings) wait(n int, random func() float64) time.Duration {
	top := float64(r.First) * math.Pow(r.Factor, float64(n))
	return time.Duration(min(top, float64(r.Max)) * random())
}
