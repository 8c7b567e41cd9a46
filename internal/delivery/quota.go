package delivery

import "time"

// quota bounds the working time that doubtful deliveries take, so that calls that
// end in a timeout again and again leave the workers to the others. It is pure: it
// is told what happened, and when.
//
// Invariant: doubtful deliveries use at most a quarter of the workers' time, and of
// the workers at one moment, but always one.
type quota struct {
	workers int
	running int
	// free is when what was used is paid off.
	free time.Time
}

// doubtfulPart is the part of the workers' time for doubtful deliveries: one of so many.
const doubtfulPart = 4

// left returns how many doubtful deliveries may begin now, and, where it is none
// for the time that they took, when some may again.
func (s *quota) left(now time.Time) (n int, wait time.Duration) {
	if wait = s.free.Sub(now); wait > 0 {
		return 0, wait
	}
	return max(0, max(1, s.workers/doubtfulPart)-s.running), 0
}

// begin takes the place of a delivery.
func (s *quota) begin() { s.running++ }

// end returns the place of a delivery whose attempt took some time.
func (s *quota) end(begun time.Time, took time.Duration) {
	s.running--
	if s.free.Before(begun) {
		s.free = begun
	}
	s.free = s.free.Add(took * doubtfulPart / time.Duration(s.workers))
}
