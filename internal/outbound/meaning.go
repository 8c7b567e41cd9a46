package outbound

import "time"

// Meaning is what an exchange tells about a delivery; the zero Meaning is none.
type Meaning int

// The meanings. The names that String gives are the values of metric labels.
const (
	// Delivered: the sink has it.
	Delivered Meaning = iota + 1
	// Rejected: this request is wrong, another may be right.
	Rejected
	// Unwell: the sink answered, and the answer says that it cannot work now.
	Unwell
	// Timeout: no complete answer came within the setting `timeout`.
	Timeout
	// Connect: no complete answer came, for another reason than time.
	Connect
	// Credentials: the sink's credentials or its address are wrong.
	Credentials
	// Paused: the sink asks to be left alone for Verdict.Wait.
	Paused
	// BreakerOpen: the breaker let nothing through; no attempt was made.
	BreakerOpen
	// Canceled: the caller's context ended; no attempt was made, or its end was
	// not awaited.
	Canceled
)

// String names the meaning as a metric label.
func (m Meaning) String() string {
	switch m {
	case Delivered:
		return "delivered"
	case Rejected:
		return "rejected"
	case Unwell:
		return "unwell"
	case Timeout:
		return "timeout"
	case Connect:
		return "connect"
	case Credentials:
		return "credentials"
	case Paused:
		return "paused"
	case BreakerOpen:
		return "breaker_open"
	case Canceled:
		return "canceled"
	default:
		return "unknown"
	}
}

// countsAgainst tells whether the meaning is evidence that the sink is failing.
func (m Meaning) countsAgainst() bool {
	switch m {
	case Unwell, Timeout, Connect, Credentials:
		return true
	default:
		return false
	}
}

// isFromAnswer tells whether a reader of answers may decide for the meaning.
// The others are decided by what happened on the wire.
func (m Meaning) isFromAnswer() bool {
	return m >= Delivered && m <= Paused
}

// Verdict is a Meaning with its circumstances.
type Verdict struct {
	Meaning Meaning
	// Wait is how long the caller should leave the sink alone: always set for
	// Paused (a second to an hour) and BreakerOpen; for Unwell it is what the
	// sink asked for, if it asked. Zero otherwise.
	Wait time.Duration
	// Detail is a short text for the operator.
	Detail string
}
