package call

import "encoding/json"

// SchemaID names the record's version; it stands in each record.
const SchemaID = "cdrelay.call/v1"

// Record is one call as one source reported it.
type Record struct {
	// Schema is always SchemaID.
	Schema string `json:"schema"`
	// ID is the identity for de-duplication, "<source>:<vendor key>" (NewID).
	ID string `json:"id"`
	// Revision is 1, and one more for each push of the call with new content.
	// The spool assigns it.
	Revision int `json:"revision"`
	// Source is the configured name of the source that received the callback.
	Source string `json:"source"`
	// Format is the name of the adapter that read it.
	Format string `json:"format"`
	// Account is the vendor's company or account.
	Account string `json:"account,omitempty"`

	Direction Direction `json:"direction"`
	Method    Method    `json:"method"`
	// Answered says that somebody talked.
	Answered bool    `json:"answered"`
	Outcome  Outcome `json:"outcome"`

	From Party `json:"from,omitzero"`
	To   Party `json:"to,omitzero"`
	// Customer is the outside party: a copy of From or To by direction, nil for
	// internal calls and unknown directions.
	Customer *Party `json:"customer,omitempty"`
	Agent    Agent  `json:"agent,omitzero"`

	StartedAt  Time `json:"started_at,omitzero"`
	RingingAt  Time `json:"ringing_at,omitzero"`
	AnsweredAt Time `json:"answered_at,omitzero"`
	EndedAt    Time `json:"ended_at,omitzero"`
	// ReceivedAt is when the callback came in; intake sets it.
	ReceivedAt Time `json:"received_at,omitzero"`

	// WaitSeconds is the time to answer (or to the end, unanswered).
	WaitSeconds *int `json:"wait_seconds,omitempty"`
	// RingSeconds is the time the called party's phone rang.
	RingSeconds *int `json:"ring_seconds,omitempty"`
	// TalkSeconds is the time from answer to end.
	TalkSeconds *int `json:"talk_seconds,omitempty"`
	// TotalSeconds is the time from start to end.
	TotalSeconds *int `json:"total_seconds,omitempty"`

	Queue        Queue      `json:"queue,omitzero"`
	Hangup       Hangup     `json:"hangup,omitzero"`
	Recording    Recording  `json:"recording,omitzero"`
	VoicemailURL string     `json:"voicemail_url,omitempty"`
	KeysPressed  string     `json:"keys_pressed,omitempty"`
	Task         Task       `json:"task,omitzero"`
	References   References `json:"references,omitzero"`
	// Cost is decimal text in a currency that the vendor does not name.
	Cost string `json:"cost,omitempty"`
	// Warnings says what looked wrong in the callback.
	Warnings []string `json:"warnings,omitempty"`
	// Raw is the callback as received: one JSON object, compact, valid UTF-8,
	// numbers as spelled.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// Party is one end of a call.
type Party struct {
	// Raw is the address as received.
	Raw string `json:"raw,omitempty"`
	// Number is E.164, present only when libphonenumber calls it valid.
	Number string `json:"number,omitempty"`
	// SIP is user@host when the address is a SIP address.
	SIP string `json:"sip,omitempty"`
	// Extension is the internal number.
	Extension string `json:"extension,omitempty"`
}

// Agent is the employee on the call.
type Agent struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	Extension string `json:"extension,omitempty"`
	// Email is the account where that is an address.
	Email string `json:"email,omitempty"`
}

// Queue is the call's stay in a waiting queue.
type Queue struct {
	EnteredAt Time `json:"entered_at,omitzero"`
	LeftAt    Time `json:"left_at,omitzero"`
	Seconds   *int `json:"seconds,omitempty"`
}

// Hangup says who ended the call and why.
type Hangup struct {
	By HangupBy `json:"by,omitempty"`
	// Code is the vendor's code as text.
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Q850 is the ITU-T Q.850 cause, when it is known.
	Q850 *int `json:"q850,omitempty"`
}

// Recording tells where the call's recording lies. A file and a host are not
// joined to a URL: no vendor says how.
type Recording struct {
	URL  string `json:"url,omitempty"`
	File string `json:"file,omitempty"`
	Host string `json:"host,omitempty"`
}

// Task is the dialling campaign that made the call.
type Task struct {
	ID     string `json:"id,omitempty"`
	Round  string `json:"round,omitempty"`
	Intent string `json:"intent,omitempty"`
}

// References are the values that the caller of the vendor's API passed through.
type References struct {
	OrderID    string `json:"order_id,omitempty"`
	CustomerID string `json:"customer_id,omitempty"`
	MemberID   string `json:"member_id,omitempty"`
	Custom     string `json:"custom,omitempty"`
}

// Warn adds a remark on what looked wrong in the callback.
func (r *Record) Warn(text string) { r.Warnings = append(r.Warnings, text) }
