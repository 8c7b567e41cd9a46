package spool

import "time"

// LaneConfig tells the spool of one configured sink.
type LaneConfig struct {
	Sink string
	// GiveUpAfter is kept, so that what is owed to a sink that is later removed
	// from the configuration ends some day.
	GiveUpAfter time.Duration
	// LongestWait is the longest that the retry schedule, or Settle, waits. What waits
	// longer was scheduled while the clock ran ahead, and is due.
	LongestWait time.Duration
	// Settle is how long after its acceptance a delivery comes due. One for which a newer
	// revision of its call waits by then is leased as Superseded. 0 for at once.
	Settle time.Duration
}

// PauseReason says who paused a lane.
type PauseReason string

// The reasons of a pause.
const (
	// BySink is a pause that the sink asked for; it ends by itself.
	BySink PauseReason = "sink"
	// ByOperator is a pause until an operator resumes, or until the end that the
	// operator has set.
	ByOperator PauseReason = "operator"
)

// Pause is a lane's rest; the zero Pause is none.
type Pause struct {
	// Until is its end. An operator's pause without one holds until it is resumed; its
	// Until is Forever once it is set.
	Until time.Time
	By    PauseReason
	// Reason is why an operator made it.
	Reason string
}

// Forever is the end of a pause that has none: the last moment that JSON can tell.
func Forever() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

// Endless reports whether the pause holds until an operator resumes.
func (p Pause) Endless() bool { return !p.Until.Before(Forever()) }

// Active reports whether the pause holds at a time.
func (p Pause) Active(now time.Time) bool { return p.Until.After(now) }

// LaneStatus is what an operator wants to know about a lane.
type LaneStatus struct {
	Sink       string
	Configured bool
	Waiting    int64
	// Doubtful is how many of them fail while others are delivered.
	Doubtful    int64
	DeadLetters int64
	// Oldest is when the oldest waiting delivery was accepted or last replayed;
	// zero when nothing waits. OldestSure is that of those that are not doubtful.
	Oldest, OldestSure time.Time
	// Fresh: some of those that wait were never attempted.
	Fresh bool
	// Pause is the one that holds now, by the store's clock.
	Pause Pause
}
