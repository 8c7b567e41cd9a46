package call

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// documented is the form that most platforms document.
const documented = "2006-01-02 15:04:05"

// What is wrong with a text, as the end of a sentence that begins with it.
const (
	noTime   = "is no time like " + documented
	twoTimes = "may be two dates: send the year first"
	zoneless = "has no time zone: set timezone of the source"

	unixUnits   = 3   // seconds, milliseconds, microseconds
	maxTimeText = 100 // bytes of a time that is looked at
)

// ParseTime reads a time as people and machines write it: the documented form with
// any separators, with or without seconds, fractions and an offset; RFC 3339 and
// RFC 2822; the digits alone; and the seconds, milli- or microseconds since 1970. A
// time without an offset is one of the zone. What can be read as two plausible times
// is none, and so is a day without a time.
//
// The zero Time with no problem is that of a text that says "not set".
func ParseTime(text string, zone *time.Location) (t Time, problem string) {
	if text == "" {
		return Time{}, ""
	}
	if zone != nil && len(text) == len(documented) {
		if t, err := time.ParseInLocation(documented, text, zone); err == nil && Plausible(t) {
			return At(t), ""
		}
	}
	if len(text) > maxTimeText {
		return Time{}, noTime
	}
	text = tidyTime(text)
	if isUnset(text) {
		return Time{}, ""
	}
	found, problem := candidates(text, zone)
	switch {
	case len(found) == 1:
		return At(found[0]), ""
	case len(found) > 1:
		return Time{}, twoTimes
	}
	return Time{}, problem
}

// isUnset knows the ways to write that there is no time: zero, and the first day of
// the calendars of computers.
func isUnset(text string) bool {
	return strings.Trim(text, "0.") == "" ||
		slices.ContainsFunc([]string{"0000-", "0001-01-01", "1900-01-01", "1969-12-31", "1970-01-01"}, func(day string) bool {
			return strings.HasPrefix(text, day)
		})
}

//nolint:gochecknoglobals // a table
var timeSigns = strings.NewReplacer("年", "-", "月", "-", "日", " ", "时", ":", "時", ":", "分", ":", "秒", "", "/", "-", "：", ":")

// tidyTime spells a time in capitals with hyphens in the date and single spaces,
// and without invisible marks.
func tidyTime(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(timeSigns.Replace(text)), " ")
	return strings.ToUpper(strings.TrimSuffix(text, ":"))
}

// candidates returns the different plausible times that a text can mean.
func candidates(text string, zone *time.Location) (found []time.Time, problem string) {
	if strings.Trim(text, "0123456789.") == "" {
		found = unixTimes(text)
		text = digitsApart(text)
	}
	date, clock, ok := cutClock(text)
	if !ok {
		return found, noTime
	}
	zoned := ""
	clock, zoned = cutZone(clock)
	if zoned == "" && zone == nil {
		return found, zoneless
	}
	for _, dateLayout := range dateLayouts(&date) {
		for _, clockLayout := range clockLayouts(clock) {
			t, err := time.ParseInLocation(dateLayout+" "+clockLayout+" -07:00", date+" "+clock+" "+zoned, time.UTC)
			if zoned == "" {
				t, err = time.ParseInLocation(dateLayout+" "+clockLayout, date+" "+clock, zone)
			}
			if err == nil && Plausible(t) && !slices.ContainsFunc(found, t.Equal) {
				found = append(found, t)
			}
		}
	}
	return found, noTime
}

// unixTimes reads a count since 1970. No count is plausible in two units.
func unixTimes(text string) (found []time.Time) {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	part, fractionErr := strconv.ParseFloat("0."+fraction+"0", 64)
	if err != nil || fractionErr != nil {
		return nil
	}
	unit := time.Second
	for range unixUnits {
		perSecond := int64(time.Second / unit)
		t := time.Unix(n/perSecond, n%perSecond*int64(unit)+int64(math.Round(part*float64(unit))))
		if Plausible(t) {
			found = append(found, t)
		}
		unit /= 1000
	}
	return found
}

// digitsApart puts separators into a time that is written as digits alone.
func digitsApart(digits string) string {
	if len(digits) != len("20060102150405") && len(digits) != len("200601021504") {
		return digits
	}
	return digits[:4] + "-" + digits[4:6] + "-" + digits[6:8] + " " + digits[8:10] + ":" + digits[10:12] + ":" + (digits[12:] + "00")[:2]
}

// cutClock parts a time at what separates date and clock. It also takes the basic
// form of ISO 8601, 20060102T150405Z.
func cutClock(text string) (date, clock string, ok bool) {
	if len(text) >= len("20060102T150405") && text[8] == 'T' && strings.Trim(text[:8]+text[9:15], "0123456789") == "" {
		return text[:4] + "-" + text[4:6] + "-" + text[6:8], text[9:11] + ":" + text[11:13] + ":" + text[13:], true
	}
	before, _, found := strings.Cut(text, ":")
	at := strings.LastIndexAny(before, " T")
	if !found || at < 0 {
		return "", "", false
	}
	return strings.TrimRight(text[:at], " "), text[at+1:], true
}

// cutZone parts a clock from the offset behind it, which it spells +08:00. A zone by
// a name other than that of UTC is left where it is: such names have several
// meanings.
func cutZone(clock string) (rest, zone string) {
	for _, name := range []string{"Z", "UTC", "GMT"} {
		if rest, ok := strings.CutSuffix(clock, name); ok {
			return strings.TrimRight(rest, " "), "+00:00"
		}
	}
	at := strings.LastIndexAny(clock, "+-")
	if at < 0 {
		return clock, ""
	}
	offset := strings.ReplaceAll(clock[at+1:], ":", "")
	if len(offset) < 1 || len(offset) > 4 || strings.Trim(offset, "0123456789") != "" {
		return clock, ""
	}
	if len(offset) <= 2 {
		offset += "00"
	}
	offset = ("0" + offset)[len(offset)-3:]
	rest = strings.TrimRight(clock[:at], " ")
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, "UTC"), "GMT")
	return strings.TrimRight(rest, " "), clock[at:at+1] + offset[:2] + ":" + offset[2:]
}

// dateLayouts are the orders that the parts of a date may have. Points are written
// by those who begin with the day; hyphens and slashes by everybody.
func dateLayouts(date *string) []string {
	if _, day, ok := strings.Cut(*date, ", "); ok { // Mon, 2 Jan 2006
		*date = day
	}
	points := strings.Contains(*date, ".")
	*date = strings.ReplaceAll(*date, ".", "-")
	switch first, _, _ := strings.Cut(*date, "-"); {
	case strings.Contains(*date, " "):
		return []string{"2 Jan 2006"}
	case len(first) == 4:
		return []string{"2006-1-2"}
	case points:
		return []string{"2-1-2006"}
	}
	return []string{"2-1-2006", "1-2-2006", "2-Jan-2006"}
}

func clockLayouts(clock string) []string {
	if strings.HasSuffix(clock, "M") {
		return []string{"3:04:05 PM", "3:04 PM", "3:04:05PM", "3:04PM"}
	}
	return []string{"15:04:05", "15:04"}
}
