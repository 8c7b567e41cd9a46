package call

import (
	"fmt"
	"time"
)

// timeLayout is RFC 3339 in UTC with exactly three decimals.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a moment in UTC with milliseconds; the zero Time means unknown.
type Time struct{ time.Time }

// At gives the Time of t, cut to milliseconds. The zero time stays zero.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSON writes RFC 3339 with milliseconds, null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.append(make([]byte, 0, len(timeLayout)+2)), nil
}

// append writes timeLayout by way of the one layout that package time writes
// without interpreting it: there are half a dozen times in a record.
func (t Time) append(b []byte) []byte {
	b = t.UTC().AppendFormat(append(b, '"'), time.RFC3339)
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(b[:len(b)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"') //nolint:gosec // G115: below 1000 there are three digits
}

// UnmarshalJSON reads any RFC 3339 time, or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	v, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	if err != nil {
		return fmt.Errorf("time is not RFC 3339: %w", err)
	}
	*t = At(v)
	return nil
}
