package spool

import "time"

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
