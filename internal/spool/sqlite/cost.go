package sqlite

import "github.com/cdrelay/cdrelay/internal/share"

// What lanes have leased is in memory, and a sink that hangs keeps it there. So a
// lane is charged for each delivery before its record is read, by the length of the
// record in the file, until the delivery is reported or released.

const (
	// defaultLaneMemory is for a heap of 150 MiB.
	defaultLaneMemory = 38 << 20
	// recordCopies is how often the bytes of a record are in memory while its
	// delivery is on its way: as text, decoded, and in the request that is sent.
	recordCopies = 3
	// leaseOverhead is what a delivery takes besides: its request, its answer and
	// the buffers of its connection.
	leaseOverhead = 8 << 10
	// smallRecord is the largest record that is read before its room is taken.
	smallRecord = 16 << 10
	smallLease  = recordCopies*smallRecord + leaseOverhead
)

// newRoom returns the room of all lanes. A lane that was refused is woken.
func newRoom(bytes int64) *share.Room[*lane] {
	if bytes <= 0 {
		bytes = defaultLaneMemory
	}
	return share.NewRoom(bytes, smallLease, (*lane).signal)
}

// leaseCost is what a delivery takes, by the length of its encoded record and of
// its log of attempts.
func leaseCost(record, attempts int) int64 {
	return recordCopies*int64(record+attempts) + leaseOverhead
}

// giveRoom ends the charges of deliveries.
func (s *Store) giveRoom(ds []*delivery) {
	for _, d := range ds {
		if cost := d.lane.uncharge(d); cost > 0 {
			s.room.Give(d.lane, cost)
		}
	}
}
