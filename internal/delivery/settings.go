package delivery

import (
	"fmt"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
)

// Settings are the keys of a sink that its lane reads.
type Settings struct {
	Concurrency int            `yaml:"concurrency" example:"2" doc:"How many deliveries are on their way at once, 1 to 1024."`
	Rate        *outbound.Rate `yaml:"rate" default:"that of the kind of sink, else none" example:"{per_second: 15, burst: 15}" doc:"Bounds the requests begun in a second; each step of a delivery is one."`
	Retry       RetrySettings  `yaml:"retry" doc:"The durable schedule. The wait after attempt n is random between 0 and first × factorⁿ⁻¹, at most max; quick tries are part of their attempt."`
}

// RetrySettings is the durable schedule; its method wait is the formula.
type RetrySettings struct {
	First       time.Duration `yaml:"first" example:"10s" doc:"Bound of the first wait; where left out, never more than max."`
	Factor      float64       `yaml:"factor" example:"3" doc:"What the bound grows by with each attempt, 1 to 100."`
	Max         time.Duration `yaml:"max" example:"1h" doc:"Bound of every wait; where left out, never less than first."`
	GiveUpAfter time.Duration `yaml:"give_up_after" example:"24h" doc:"Age from which a failed attempt makes a delivery a dead letter; counted from the acceptance or the last replay."`
	// DoubtfulAttempts are the attempts that fail although the sink took another
	// delivery since the attempt before.
	DoubtfulAttempts int `yaml:"doubtful_attempts" example:"8" doc:"Attempts that failed while the sink took other calls, after which a delivery is a dead letter; 1 to 1000. Their waits grow beyond max, up to a quarter of give_up_after."`
}

// The defaults of Settings.
const (
	defaultConcurrency      = 8
	defaultFirst            = 5 * time.Second
	defaultFactor           = 2.0
	defaultMax              = 15 * time.Minute
	defaultGiveUpAfter      = 72 * time.Hour
	defaultDoubtfulAttempts = 16
)

// The greatest numbers that make sense; more is a slip of the pen.
const (
	maxConcurrency      = 1024
	maxDoubtfulAttempts = 1000
)

// WithDefaults fills what was not set.
func (s Settings) WithDefaults() Settings {
	if s.Concurrency == 0 {
		s.Concurrency = defaultConcurrency
	}
	s.Rate = s.Rate.WithDefaults()
	r := &s.Retry
	if r.First == 0 {
		r.First = defaultFirst
		if r.Max > 0 {
			r.First = min(r.First, r.Max)
		}
	}
	if r.Factor == 0 {
		r.Factor = defaultFactor
	}
	if r.Max == 0 {
		r.Max = max(defaultMax, r.First)
	}
	if r.GiveUpAfter == 0 {
		r.GiveUpAfter = defaultGiveUpAfter
	}
	if r.DoubtfulAttempts == 0 {
		r.DoubtfulAttempts = defaultDoubtfulAttempts
	}
	return s
}

// Validate reports what cannot work, by the YAML path of the key. Keys that are
// not set are fine.
func (s Settings) Validate(report func(path, problem string)) {
	if s.Concurrency < 0 || s.Concurrency > maxConcurrency {
		report("concurrency", fmt.Sprintf("%d is out of range: write 1 to %d", s.Concurrency, maxConcurrency))
	}
	s.Rate.Validate(func(key, problem string) { report("rate."+key, problem) })
	s.Retry.validate(report)
}

func (r RetrySettings) validate(report func(path, problem string)) {
	if r.First < 0 {
		report("retry.first", fmt.Sprintf("%s is out of range: write a duration greater than 0, like 5s", r.First))
	}
	if r.Factor != 0 && !(r.Factor >= 1 && r.Factor <= 100) {
		report("retry.factor", fmt.Sprintf("%v is out of range: write 1 to 100", r.Factor))
	}
	if r.Max < 0 || r.Max > 0 && r.Max < r.First {
		report("retry.max", fmt.Sprintf("%s is out of range: write retry.first or more", r.Max))
	}
	if r.GiveUpAfter < 0 {
		report("retry.give_up_after", fmt.Sprintf("%s is out of range: write a duration greater than 0, like 72h", r.GiveUpAfter))
	}
	if r.DoubtfulAttempts < 0 || r.DoubtfulAttempts > maxDoubtfulAttempts {
		report("retry.doubtful_attempts", fmt.Sprintf("%d is out of range: write 1 to %d", r.DoubtfulAttempts, maxDoubtfulAttempts))
	}
}
