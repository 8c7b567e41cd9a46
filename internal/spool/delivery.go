package spool

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Delivery is one call record owed to one sink, leased to its lane. It ends
// with exactly one of Settle, Retry, Postpone, Bury, Supersede or Release, after which nobody
// may hold it: its memory counts for the lane until then.
type Delivery struct {
	Sink   string
	Record *call.Record
	// MessageID is the same for every try, on every replica, at every replay.
	MessageID string
	// Since is the acceptance or the last replay; give_up_after counts from it.
	Since time.Time
	// Tries is how many wire tries have been made so far.
	Tries int
	// History is what the retry schedule knows; a replay begins it again.
	History History
	// Seq is the store's handle of the call.
	Seq int64
	// Trace is that of the Acceptance.
	Trace string
	// Superseded: the lane settles, and a newer revision of the call waits. It is to be
	// ended by Supersede.
	Superseded bool
	// Remembered is what attempts of this delivery, and of older revisions of the call
	// in the lane, have kept, by name. What the lane puts in its place is kept with the
	// report, whichever it is; Release keeps nothing.
	Remembered map[string]string
}

// History is what is kept of a delivery's attempts since its acceptance or its
// last replay. The lanes decide what it holds; the store keeps it.
type History struct {
	// Spent is how many attempts were made, quick tries of one counted as one; the
	// retry schedule grows with it.
	Spent int
	// Doubts is how many of them failed while others of the lane were delivered.
	Doubts int
	// FailedAt is when the latest attempt that failed ended.
	FailedAt time.Time
	// Doubtful: the latest of them was one of Doubts. The store leases doubtful
	// deliveries apart from others.
	Doubtful bool
}

// Places says how many deliveries to lease.
type Places struct {
	Limit int
	// Doubtful is how many of them may be doubtful.
	Doubtful int
	// Alone: the lease is of a delivery that is tried alone, to see how the sink
	// is. Fresh ones come first, doubtful ones last.
	Alone bool
}
