package outbound

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// minPause keeps a Retry-After of 0, or one already past, from turning the
	// lane into a loop.
	minPause = time.Second
	// maxPause keeps a mistaken Retry-After from silencing a sink for a year.
	maxPause = time.Hour
)

// retryAfter is how long the answer asks to wait, and whether it asks at all.
func (a Answer) retryAfter() (time.Duration, bool) { return retryAfter(a.Header, time.Now()) }

// retryAfter reads the first usable Retry-After: seconds, or a date in any of
// HTTP's three forms. The wait lies between a second and an hour. Anything
// else, a negative number too, is as if there were none.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	for _, text := range h.Values("Retry-After") {
		text = strings.TrimSpace(text)
		if wait, ok := delta(text); ok {
			return clampPause(wait), true
		}
		if at, err := http.ParseTime(text); err == nil {
			return clampPause(at.Sub(now)), true
		}
	}
	return 0, false
}

// delta reads seconds in digits, and the fraction that some servers write. More
// digits than a number can hold are still a number, and a long one.
func delta(text string) (time.Duration, bool) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if whole == "" || dotted && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil { // out of range
		return maxPause, true
	}
	return Seconds(seconds), true
}

// Seconds turns a wait that a sink asked for into one that can be kept: at most an
// hour, and none where the number is negative or no number.
func Seconds(n float64) time.Duration {
	if math.IsNaN(n) || n <= 0 {
		return 0
	}
	return time.Duration(min(n, maxPause.Seconds()) * float64(time.Second))
}

func clampPause(d time.Duration) time.Duration {
	return min(max(d, minPause), maxPause)
}
