package outbound

import (
	"fmt"
	"math"

	"golang.org/x/time/rate"
)

// Rate is a token bucket of requests.
type Rate struct {
	PerSecond float64 `yaml:"per_second" jsonschema:"required" example:"15" doc:"Requests a second; more than 0."`
	Burst     int     `yaml:"burst" default:"per_second, rounded up" example:"15" doc:"How many may be begun at once."`
}

// maxPerSecond is the greatest rate that makes sense; more is a slip of the pen.
const maxPerSecond = 100_000

// WithDefaults returns the rate with what was left out; nil where r is.
func (r *Rate) WithDefaults() *Rate {
	if r == nil || r.Burst != 0 {
		return r
	}
	return &Rate{PerSecond: r.PerSecond, Burst: max(1, int(math.Ceil(r.PerSecond)))}
}

// Validate reports each problem with the path of its key; none where r is nil.
func (r *Rate) Validate(report func(path, problem string)) {
	if r == nil {
		return
	}
	// Not turned around: NaN, which YAML can spell, must be refused too.
	if !(r.PerSecond > 0 && r.PerSecond <= maxPerSecond) {
		report("per_second", fmt.Sprintf("%v is out of range: write a number greater than 0 and up to %d", r.PerSecond, maxPerSecond))
	}
	if r.Burst < 0 {
		report("burst", fmt.Sprintf("%d is out of range: write 1 or more", r.Burst))
	}
}

// Limiter returns the bucket, full; nil for no bound where r is nil.
func (r *Rate) Limiter() *rate.Limiter {
	if r == nil {
		return nil
	}
	return rate.NewLimiter(rate.Limit(r.PerSecond), r.Burst)
}
