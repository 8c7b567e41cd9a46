package spool

import (
	"encoding/json"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// CallFilter selects calls; empty fields select all.
type CallFilter struct {
	// Number matches the end of any number of the call, and any number that it may
	// mean by Deps.Readings; everything but digits is ignored.
	Number       string
	Source       string
	Outcome      string
	Since, Until time.Time
}

// CallSummary is a call in a listing.
type CallSummary struct {
	ID         string          `json:"id"`
	Revision   int             `json:"revision"`
	ReceivedAt call.Time       `json:"received_at"`
	Record     json.RawMessage `json:"record"`
	// Rules are the rules that matched when it was accepted; Call returns them.
	Rules []string `json:"rules,omitempty"`
}

// DeliveryStatus is how far the delivery of a call to one sink has come.
type DeliveryStatus struct {
	Sink     string `json:"sink"`
	Revision int    `json:"revision"`
	State    string `json:"state"`
	// Doubtful: it waits, and fails while the sink takes others.
	Doubtful bool      `json:"doubtful,omitempty"`
	Since    call.Time `json:"since,omitzero"`
	// DueAt is when the next attempt is planned.
	DueAt    call.Time `json:"due_at,omitzero"`
	EndedAt  call.Time `json:"ended_at,omitzero"`
	Tries    int       `json:"tries"`
	Attempts []Attempt `json:"attempts,omitempty"`
}

// CallDetail is a call with all kept revisions and their deliveries.
type CallDetail struct {
	ID         string           `json:"id"`
	Revisions  []CallSummary    `json:"revisions"`
	Deliveries []DeliveryStatus `json:"deliveries"`
}

// FoundCall is a call in a listing, with where its deliveries stand.
type FoundCall struct {
	CallSummary
	Deliveries []SinkState
}

// SinkState is how far the delivery of a call to one sink has come.
type SinkState struct {
	Sink  string `json:"sink"`
	State string `json:"state"`
}
