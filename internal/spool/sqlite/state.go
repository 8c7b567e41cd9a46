package sqlite

import "cmp"

// state is where a delivery stands; the package comment tells what each means.
type state int64

const (
	doubtful  state = -1
	ready     state = 0
	scheduled state = 1
	replayed  state = 2
	held      state = 3
	delivered state = 4
	dead      state = 5
	aside     state = 6
	// superseded: a newer revision has taken its place.
	superseded state = 7
	// purged: an operator or retention took its dead letter away, and what its attempts
	// remembered is left for other revisions and a resend of the call.
	purged state = 8
)

// String names the state for listings.
func (s state) String() string {
	if doubtful <= s && s < held {
		return "waiting"
	}
	return cmp.Or(map[state]string{held: "held", delivered: "delivered", dead: "dead_letter", aside: "set_aside", superseded: "superseded", purged: "purged"}[s], "unknown")
}

// waits reports whether a delivery in this state is still owed.
func (s state) waits() bool { return s <= held }
