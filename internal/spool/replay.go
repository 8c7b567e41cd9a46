package spool

import "time"

// Resend is a request to owe the newest revisions of calls to sinks once more.
type Resend struct {
	CallIDs, Sinks []string
	// Start is when the first one comes due, the zero time for now; PerSecond is how many of the calls do in a
	// second, 0 for no bound.
	Start     time.Time
	PerSecond float64
}

// Resent is what a resend did.
type Resent struct {
	// BySink is how many of the calls are owed to each sink once more. The others wait
	// for it already, or are Missing.
	BySink  map[string]int
	Calls   int
	Missing int
}

// longestWait bounds how far ahead a slow replay is due: 146 years, which a
// time.Duration can tell.
const longestWait = 1 << 62

// ReplayDue is when a delivery of a replay comes due before which so many others
// do.
func ReplayDue(start time.Time, before int, perSecond float64) time.Time {
	if perSecond <= 0 {
		return start
	}
	return start.Add(time.Duration(min(float64(before)/perSecond*float64(time.Second), longestWait)))
}
