package spool

import "time"

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
