package sqlite

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// lane is the part of the spool that belongs to one sink: what is leased, where
// the next fresh delivery is looked for, and counters.
type lane struct {
	id   int64
	name string
	wake chan struct{}

	waiting atomic.Int64 // deliveries in the states 0 to 3
	dead    atomic.Int64 // dead letters of stage delivery

	leasing sync.Mutex // one lease is read at a time
	deal    dealer     // only while leasing

	// dated: no fresh delivery at or before this call_seq is from the future. Only
	// the housekeeping uses it.
	dated int64

	mu         sync.Mutex // guards everything below
	configured bool
	giveUp     time.Duration
	longest    time.Duration // the longest wait of the retry schedule
	settle     time.Duration // from acceptance until it is due
	// leased returns by call_seq whose lease it is; nil is a claim of the spool's own,
	// which keeps the delivery from being leased.
	leased map[int64]*delivery
	// cursor: every ready delivery at or before this call_seq is leased or was
	// committed otherwise; only later ones need to be looked at.
	cursor int64
	// back and ended are kept only while a lease is being read: what was given
	// back or ended since the read began, which the read may still show.
	// A read of a file that was replaced meanwhile leases nothing.
	reading bool
	back    int64
	ended   map[int64]struct{}
	paused  spool.Pause
}

func newLane(id int64, name string) *lane {
	return &lane{id: id, name: name, wake: make(chan struct{}, 1), leased: map[int64]*delivery{}}
}

// signal tells the lane's worker that there may be something to lease.
func (l *lane) signal() { nudge(l.wake) }

// nudge tells whoever waits on a channel with room for one, unless it is told already.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// beginRead starts a lease and returns the cursor to read from.
func (l *lane) beginRead() (cursor int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading, l.back, l.ended = true, 0, map[int64]struct{}{}
	return l.cursor
}

// endRead leases what was read, without what is leased or ended meanwhile.
func (l *lane) endRead(found []*delivery, limit int) []*delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*delivery
	for _, d := range found {
		_, taken := l.leased[d.Seq]
		_, over := l.ended[d.Seq]
		if taken || over || len(out) == limit || !l.reading {
			continue
		}
		l.leased[d.Seq] = d
		if d.state == ready && d.Seq > l.cursor {
			l.cursor = d.Seq
		}
		out = append(out, d)
	}
	if l.back > 0 && l.cursor >= l.back {
		l.cursor = l.back - 1
	}
	l.reading, l.ended = false, nil
	return out
}

// unlease ends a lease or claim whose outcome is on the disk.
func (l *lane) unlease(seq int64, of *delivery) {
	defer l.signal() // not before: a lane that looked now would pass over it
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.leasedTo(seq, of) {
		return
	}
	delete(l.leased, seq)
	if l.reading {
		l.ended[seq] = struct{}{}
	}
}

// giveBack ends a lease or claim without any outcome.
func (l *lane) giveBack(seq int64, of *delivery) {
	defer l.signal()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.leasedTo(seq, of) {
		return
	}
	delete(l.leased, seq)
	if l.cursor >= seq {
		l.cursor = seq - 1
	}
	if l.reading && (l.back == 0 || seq < l.back) {
		l.back = seq
	}
}

// claim leases deliveries to nobody, all of them or none, so that no lane can.
func (l *lane) claim(seqs []int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, seq := range seqs {
		if _, taken := l.leased[seq]; taken {
			return false
		}
	}
	for _, seq := range seqs {
		l.leased[seq] = nil
	}
	return true
}

// release ends claims: over says that the deliveries have ended.
func (l *lane) release(seqs []int64, over bool) {
	for _, seq := range seqs {
		if over {
			l.unlease(seq, nil)
		} else {
			l.giveBack(seq, nil)
		}
	}
}

// slim puts a leased delivery without its record and with its new log of attempts
// in the place of one that is reported, and returns it: what waits for the disk
// takes little memory.
func (l *lane) slim(d *delivery, log []byte, tries int) *delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := *d
	kept.cost, kept.attempts, kept.Tries, kept.Record = 0, log, tries, nil
	if r := d.Record; r != nil { // none of one that is set aside
		kept.subject = subject{id: r.ID, source: r.Source, revision: r.Revision}
	}
	if l.leasedTo(d.Seq, d) {
		l.leased[d.Seq] = &kept
	}
	return &kept
}

// leasedTo reports whether a lease or claim holds. It does not once the row was
// lost with a part of the file; the same delivery may be leased again after that.
func (l *lane) leasedTo(seq int64, of *delivery) bool {
	now, ok := l.leased[seq]
	return ok && now == of
}

// uncharge returns what a delivery takes of the room, and notes that it takes
// nothing any more.
func (l *lane) uncharge(d *delivery) (cost int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cost, d.cost = d.cost, 0
	return cost
}

// lease returns the lease of a delivery that Lease returned, nil where it has none
// any more.
func (l *lane) lease(d *spool.Delivery) *delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own := l.leased[d.Seq]; own != nil && &own.Delivery == d {
		return own
	}
	return nil
}

// holds reports whether a delivery is still leased.
func (l *lane) holds(d *delivery) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leasedTo(d.Seq, d)
}

func (l *lane) isLeased(seq int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.leased[seq]
	return ok
}
