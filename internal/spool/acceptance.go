package spool

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Acceptance is one call record to be kept, with the way to route it.
type Acceptance struct {
	// Record is the call; Accept sets its Revision.
	Record *call.Record
	// Content is the hash of the callback's content; with the record's ID it
	// tells a duplicate from a new revision.
	Content call.ContentHash
	// Route returns the names of the sinks that get the record. It is pure and
	// quick, and may be called twice: the revision, which rules may ask for, is
	// certain only inside the transaction. The last call counts. It is never
	// called for a duplicate after Accept has noticed it. Where Accept returns an
	// error it may still be called, and the Record changed. Where its last call
	// fails, Accept keeps nothing and returns its error.
	Route func(*call.Record) ([]string, error)
	// Rules returns the names of the rules that matched at the last call of Route, one a
	// line; they are kept beside the call. It may be nil.
	Rules func() string
	// Letter is the id of the dead letter of stage intake that this acceptance
	// redeems; it goes in the same transaction. Empty for a fresh callback.
	Letter string
	// Trace is kept beside the call and given back with each Delivery; the store
	// does not look into it.
	Trace string
}

// Receipt says what became of an Acceptance. When Accept returns one without an
// error, the call and its deliveries are on the disk.
type Receipt struct {
	ID       string
	Revision int
	// Duplicate says that this content was kept before, as Revision.
	Duplicate bool
}

// Undecodable is an authentic callback that could not be understood.
type Undecodable struct {
	Source string
	// Body is the callback as received, after content decoding where that was
	// possible.
	Body []byte
	// Request is what it came with, as far as its reading needs that.
	Request Request
	// Detail says what was wrong with it, and where.
	Detail     string
	ReceivedAt time.Time
}

// Request is what a callback came with besides its body.
type Request struct {
	Header map[string]string `json:"header,omitempty"`
	Query  string            `json:"query,omitempty"`
}
