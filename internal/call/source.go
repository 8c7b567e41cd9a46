package call

import (
	"fmt"
	"time"
)

// Source is what an adapter must know about the configured source whose
// callbacks it reads.
type Source struct {
	// Name is the configured name; it begins each id.
	Name string
	// Zone is the time zone of times without one; nil means the format's own.
	Zone *time.Location
	// Region is the ISO 3166 country of numbers in national form; may be empty.
	Region string
	// Numbers says how digits without a plus sign are read.
	Numbers Numbers
}

// Numbers is a reading of digits that come without a plus sign.
type Numbers string

// The readings.
const (
	// FormatNumbers is the format's own default.
	FormatNumbers Numbers = ""
	// National reads digits with the source's region and nothing else.
	National Numbers = "national"
	// International reads digits as if a plus sign stood before them, and
	// nothing else.
	International Numbers = "international"
)

// NotACall is the error of an adapter for an authentic event of the vendor that
// is no call record, such as an extension's state. It is answered 200, counted
// and not kept.
type NotACall struct {
	// Event names the kind of event, such as "extension state".
	Event string
}

func (e *NotACall) Error() string { return e.Event + " event, no call record" }

// Unreadable is the error of an adapter for a callback that cannot be
// understood: not JSON, no object, or without an identity.
type Unreadable struct {
	// Reason says what is wrong, where, and what would be right.
	Reason string
}

func (e *Unreadable) Error() string { return e.Reason }

// Unreadablef makes an Unreadable from a format.
func Unreadablef(format string, args ...any) *Unreadable {
	return &Unreadable{Reason: fmt.Sprintf(format, args...)}
}
