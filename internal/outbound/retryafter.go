package outbound

import (
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

// delta reads delta-seconds. More digits than a number can hold are still a
// number, and a long one.
func delta(text string) (time.Duration, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds > int64(maxPause/time.Second) {
		return maxPause, true
	}
	return time.Duration(seconds) * time.Second, true
}

func clampPause(d time.Duration) time.Duration {
	return min(max(d, minPause), maxPause)
}
