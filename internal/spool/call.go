package spool

import (
	"encoding/json"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

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
	// Remembered is what its attempts, and those of older revisions in the lane, kept.
	Remembered map[string]string `json:"remembered,omitempty"`
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

// CallPage is a page of a listing of calls.
type CallPage struct {
	Calls []FoundCall
	// Next is the cursor of the next page; empty on the last one.
	Next string
	// Reached is when the oldest call was received that the page looked at, whether
	// the filter selects it or not; zero on the last page.
	Reached time.Time
}

// SinkState is how far the delivery of a call to one sink has come.
type SinkState struct {
	Sink  string `json:"sink"`
	State string `json:"state"`
}
