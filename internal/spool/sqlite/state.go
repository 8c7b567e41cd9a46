package sqlite

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
)

// String names the state for listings.
func (s state) String() string {
	switch s {
	case doubtful, ready, scheduled, replayed:
		return "waiting"
	case held:
		return "held"
	case delivered:
		return "delivered"
	case dead:
		return "dead_letter"
	case aside:
		return "set_aside"
	default:
		return "unknown"
	}
}

// waits reports whether a delivery in this state is still owed.
func (s state) waits() bool { return s <= held }
