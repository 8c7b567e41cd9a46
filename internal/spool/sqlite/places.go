package sqlite

// dealer deals the places of a lane out between fresh deliveries and those that
// failed before.
//
// Invariant: while fresh deliveries wait, of four places given one after another
// at most one goes to those that failed, the one that is due longest first; of
// sixteen at most one to a doubtful one. No kind waits for ever.
type dealer struct {
	// failedIn and doubtfulIn are how many places go to others first.
	failedIn, doubtfulIn int
}

// The share of deliveries that failed before is one of so many places.
const (
	oneFailedOf   = 4
	oneDoubtfulOf = 16
)

// dealt are the deliveries whose time has come, of each kind in its order.
type dealt struct{ fresh, failed, doubtful []*delivery }

// places returns up to limit deliveries in the order of their places.
func (d *dealer) places(w dealt, limit int) (out []*delivery) {
	for len(out) < limit {
		kind := d.next(&w)
		if len(*kind) == 0 {
			break
		}
		out = append(out, (*kind)[0])
		*kind = (*kind)[1:]
	}
	return out
}

// next returns the kind that gets the next place; it is empty where nothing is
// left.
func (d *dealer) next(w *dealt) *[]*delivery {
	d.failedIn, d.doubtfulIn = max(0, d.failedIn-1), max(0, d.doubtfulIn-1)
	theirs := d.failedIn == 0 || len(w.fresh) == 0
	switch {
	case theirs && len(w.doubtful) > 0 && (d.doubtfulIn == 0 || len(w.fresh)+len(w.failed) == 0):
		d.failedIn, d.doubtfulIn = oneFailedOf, oneDoubtfulOf
		return &w.doubtful
	case theirs && len(w.failed) > 0:
		d.failedIn = oneFailedOf
		return &w.failed
	default:
		return &w.fresh
	}
}
