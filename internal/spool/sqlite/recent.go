package sqlite

import (
	"sync"

	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	// recentCalls and recentBytes bound what is remembered, whatever waits.
	recentCalls = 2048
	recentBytes = 6 << 20
	// recordBytes is what a record takes besides its raw callback and the text that
	// its fields are parts of.
	recordBytes = 1 << 10
)

// recent remembers the calls accepted last, so that a lane that keeps up does
// not read back and decode what this process has just written. It decides
// nothing: that a call is owed stands in the file, and what is not found here is
// read from there.
type recent struct {
	mu     sync.Mutex // guards everything below
	bySeq  map[int64]recentCall
	order  [recentCalls]int64 // a ring, oldest first
	oldest int
	held   int // places of the ring in use
	bytes  int
}

// recentCall is what a delivery needs of a call. Nobody changes the record.
type recentCall struct {
	record  *call.Record
	content call.ContentHash
	trace   string
	length  int // of the encoded record
}

// size is what the record takes in memory.
func (c recentCall) size() int { return 2*c.length + recordBytes }

func newRecent() *recent { return &recent{bySeq: make(map[int64]recentCall, recentCalls)} }

// put remembers a call and forgets the oldest ones that it leaves no room for. One
// that is larger than all the room is left to the file.
func (r *recent) put(seq int64, c recentCall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(seq)
	if c.size() > recentBytes {
		return
	}
	for r.held == recentCalls || r.bytes+c.size() > recentBytes {
		r.forget(r.order[r.oldest])
		r.oldest = (r.oldest + 1) % recentCalls
		r.held--
	}
	r.order[(r.oldest+r.held)%recentCalls] = seq
	r.held++
	r.bySeq[seq] = c
	r.bytes += c.size()
}

func (r *recent) get(seq int64) (recentCall, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.bySeq[seq]
	return c, ok
}

// clear forgets all: something was erased.
func (r *recent) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.bySeq)
	r.held, r.bytes = 0, 0
}

func (r *recent) forget(seq int64) {
	if c, ok := r.bySeq[seq]; ok {
		r.bytes -= c.size()
		delete(r.bySeq, seq)
	}
}
