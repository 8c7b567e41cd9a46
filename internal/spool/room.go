package spool

import "sync"

const (
	// defaultLaneMemory is for a heap of 200 MiB.
	defaultLaneMemory = 50 << 20
	// recordCopies is how often the bytes of a record are in memory while its
	// delivery is on its way: as text, decoded, and in the request that is sent.
	recordCopies = 3
	// leaseOverhead is what a delivery takes besides: its request, its answer and
	// the buffers of its connection.
	leaseOverhead = 8 << 10
	// smallRecord is the largest record that is read before its room is taken.
	smallRecord = 16 << 10
	// smallLease is what a lane that holds nothing may always lease.
	smallLease = recordCopies*smallRecord + leaseOverhead
)

// room bounds the memory of what lanes have leased, in bytes, over all lanes.
//
// A lane that holds something may lease more as long as it holds no more than what
// is then left for the others. So lanes that have work share the room evenly,
// whichever comes first, and a sink that hangs leaves room for all others. One
// delivery of each lane always goes, however large it is; only where large ones of
// very many lanes take half as much again as the room, they go one after another.
type room struct {
	bytes int64

	mu   sync.Mutex // guards everything below
	used int64
	// large is how many of the leased deliveries cost more than smallLease.
	large int
	held  map[*lane]int64
	// short are the lanes that were refused since room was given back.
	short map[*lane]struct{}
}

func newRoom(bytes int64) *room {
	if bytes <= 0 {
		bytes = defaultLaneMemory
	}
	return &room{bytes: bytes, held: map[*lane]int64{}, short: map[*lane]struct{}{}}
}

// leaseCost is what a delivery takes, by the length of its encoded record and of
// its log of attempts.
func leaseCost(record, attempts int) int64 {
	return recordCopies*int64(record+attempts) + leaseOverhead
}

// take reports whether the lane may lease a delivery of this cost, and charges it.
// A lane that may not is woken when room is given back.
func (r *room) take(l *lane, cost int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	held, used := r.held[l]+cost, r.used+cost
	first := held == cost && (cost <= smallLease || r.large == 0 || used <= r.bytes+r.bytes/2)
	if !first && held > r.bytes-used {
		r.short[l] = struct{}{}
		return false
	}
	r.held[l], r.used = held, used
	if cost > smallLease {
		r.large++
	}
	return true
}

// give takes the charges of deliveries back.
func (r *room) give(l *lane, ds ...*Delivery) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range ds {
		r.used -= d.cost
		r.held[l] -= d.cost
		if d.cost > smallLease {
			r.large--
		}
		d.cost = 0
	}
	if r.held[l] == 0 {
		delete(r.held, l)
	}
	for waiting := range r.short {
		waiting.signal()
	}
	clear(r.short)
}
