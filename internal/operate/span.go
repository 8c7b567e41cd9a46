package operate

import (
	"fmt"
	"time"
)

// Ago says how long ago a time was, or how far ahead it is.
func Ago(at, now time.Time) string {
	if d := now.Sub(at); d >= 0 {
		return Span(d) + " ago"
	}
	return "in " + Span(at.Sub(now))
}

// Span writes a duration in its largest unit; some hours, with their minutes.
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 10*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// Percent writes a part of 1. What is not all is not rounded up to it.
func Percent(part float64) string {
	switch {
	case part >= 1:
		return "100 %"
	case part > .999:
		return "99.9 %"
	default:
		return fmt.Sprintf("%.3g %%", part*100)
	}
}

// Millis writes milliseconds as people read them.
func Millis(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2g ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.2g s", ms/1000)
	}
}
