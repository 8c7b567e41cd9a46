package spool

import (
	"encoding/json"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Stage is where a dead letter was made.
type Stage string

// The stages.
const (
	StageIntake   Stage = "intake"
	StageDelivery Stage = "delivery"
)

// Reason is why a dead letter was made.
type Reason string

// The reasons.
const (
	Undecoded   Reason = "undecodable"
	Rejected    Reason = "rejected"
	Render      Reason = "render"
	Expired     Reason = "expired"
	Failing     Reason = "failing"
	SinkRemoved Reason = "sink_removed"
)

// Reasons lists all reasons.
func Reasons() []Reason { return []Reason{Undecoded, Rejected, Render, Expired, Failing, SinkRemoved} }

// DeadLetter is a delivery given up, or a callback that could not be understood.
type DeadLetter struct {
	ID        string    `json:"id"`
	Stage     Stage     `json:"stage"`
	Sink      string    `json:"sink"`
	Source    string    `json:"source"`
	CallID    string    `json:"call_id"`
	Reason    Reason    `json:"reason"`
	Detail    string    `json:"detail"`
	Attempts  int       `json:"attempts"`
	CreatedAt call.Time `json:"created_at"`
}

// DeadLetterDetail is a dead letter with what it holds.
type DeadLetterDetail struct {
	DeadLetter
	// Record is the call record, for stage delivery.
	Record json.RawMessage `json:"record,omitempty"`
	// Log is the attempts made, for stage delivery.
	Log []Attempt `json:"attempt_log,omitempty"`
	// Remembered is what attempts kept, for stage delivery.
	Remembered map[string]string `json:"remembered,omitempty"`
	// Body is the callback as received, for stage intake.
	Body []byte `json:"-"`
	// Request is what it came with, as far as its reading needs that.
	Request Request `json:"request,omitzero"`
}

// LetterFilter selects dead letters; empty fields select all.
type LetterFilter struct {
	Stage  Stage  `json:"stage,omitempty"`
	Sink   string `json:"sink,omitempty"`
	Source string `json:"source,omitempty"`
	Reason Reason `json:"reason,omitempty"`
	// Number matches as that of a CallFilter, also in the body of a callback that
	// could not be understood.
	Number string `json:"number,omitempty"`
	// Answer is what AnswerOf makes of the detail.
	Answer string    `json:"answer,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	// OldestFirst lists them in the order in which they were made, and ends with what
	// was there when the first page was asked for: whoever works through them does not
	// run after what that makes.
	OldestFirst bool `json:"-"`
}

// Walks reports whether only a look at each dead letter tells what the filter selects.
func (f LetterFilter) Walks() bool { return f.Source != "" || f.Number != "" || f.Answer != "" }

// CallLetter is a dead letter of one revision of a call.
type CallLetter struct {
	DeadLetter
	Revision int
}
