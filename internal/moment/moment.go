// Package moment reads times as people write them, for the flags of commands and
// the fields of forms. It asks no clock: the caller says what time it is, and by
// that in which zone people write.
package moment

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Forms names what Parse understands, for help texts and errors.
const Forms = "2h, 90m or 3d ago, today, yesterday, 09:30, 2026-11-30, 2026-11-30 09:30, or RFC 3339 with a zone such as 2026-11-30T09:30:00Z"

// day is a date without a time of day.
const day = time.DateOnly

// layouts returns the written forms of a date and a time of day, without a zone and
// with one.
func layouts() []string {
	var out []string
	for _, gap := range []string{"T", " "} {
		for _, clock := range []string{"15:04", "15:04:05"} {
			for _, zone := range []string{"", "Z07:00", " Z07:00"} {
				out = append(out, day+gap+clock+zone)
			}
		}
	}
	return append(out, day)
}

// Parse reads a time, or how long before now it was. A time without a zone is in the
// zone of now. A date alone, today and yesterday are the beginning of the day. The
// error names the forms.
func Parse(text string, now time.Time) (time.Time, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	y, m, d := now.Date()
	switch word {
	case "now":
		return now, nil
	case "today":
		return time.Date(y, m, d, 0, 0, 0, 0, now.Location()), nil
	case "yesterday":
		return time.Date(y, m, d-1, 0, 0, 0, 0, now.Location()), nil
	}
	if ago, ok := Duration(strings.TrimSpace(strings.TrimSuffix(word, " ago"))); ok {
		return now.Add(-ago), nil
	}
	for _, clock := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(clock, word); err == nil {
			return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	for _, layout := range layouts() {
		if t, err := time.ParseInLocation(layout, strings.ToUpper(word), now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write %s", text, Forms)
}

// maxDays bounds a number of days: a duration has room for 292 years.
const maxDays = 36500

// Duration reads what time.ParseDuration does, and days before it: 3d, 1.5d, 1d12h.
func Duration(text string) (time.Duration, bool) {
	var whole time.Duration
	if before, after, ok := strings.Cut(text, "d"); ok {
		days, err := strconv.ParseFloat(before, 64)
		if err != nil || !(days >= 0 && days < maxDays) { // NaN is neither
			return 0, false
		}
		whole, text = time.Duration(days*24*float64(time.Hour)), cmp.Or(after, "0s")
	}
	rest, err := time.ParseDuration(text)
	return whole + rest, err == nil && rest >= 0 && rest < maxDays*24*time.Hour
}
