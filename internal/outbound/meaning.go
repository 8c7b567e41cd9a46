package outbound

import (
	"net/http"
	"slices"
	"time"
)

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
	return nameOf(m-Delivered, "delivered", "rejected", "unwell", "timeout", "connect", "credentials", "paused", "breaker_open", "canceled")
}

// nameOf returns the name of one of several constants that are counted from 0.
func nameOf[T ~int](i T, names ...string) string {
	if i < 0 || int(i) >= len(names) {
		return "unknown"
	}
	return names[i]
}

// countsAgainst tells whether the meaning is evidence that the sink is failing.
func (m Meaning) countsAgainst() bool {
	return m == Unwell || m == Timeout || m == Connect || m == Credentials
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
	// Paused (a second to an hour) and BreakerOpen; for Unwell and Credentials it
	// is what the sink asked for, if it asked. Zero otherwise.
	Wait time.Duration
	// Detail is a short text for the operator.
	Detail string
	// Warning says why the meaning is not certain; "" where it is.
	Warning string
}

// Standard says what an answer means by the conventions of HTTP. It is the one
// place that decides this; readers of their own call it and overrule it where
// their sink has conventions of its own. They need not cut or clean Detail: the
// Client does both, and a cut made before it could leave half a secret.
func Standard(a Answer) Verdict {
	wait, asked := a.retryAfter()
	return a.verdict(meaningOf(a, asked), wait, "")
}

// meaningOf is the table of statuses.
func meaningOf(a Answer, askedToWait bool) Meaning {
	switch s := a.Status; {
	case s >= 200 && s < 300:
		return Delivered
	case askedToWait && pauses(s):
		return Paused
	case saysLater(s):
		return Unwell
	case accountIsWrong(s), a.FixedURL && addressIsWrong(s):
		return Credentials
	case s >= 300 && s < 500:
		return Rejected
	default: // 5xx, and numbers that HTTP does not know as final answers
		return Unwell
	}
}

// statusMigrating is HubSpot's: the account is being moved to another region.
const statusMigrating = 477

// pauses reports whether a Retry-After beside the status is meant for all
// requests, and not for the one that was answered.
func pauses(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == statusMigrating
}

// saysLater reports whether a status of the 4xx asks for the same request again,
// later. HubSpot answers 423 for locks that last two seconds.
func saysLater(status int) bool {
	return slices.Contains([]int{
		http.StatusRequestTimeout, http.StatusLocked, http.StatusTooEarly, http.StatusTooManyRequests, statusMigrating,
	}, status)
}

// accountIsWrong reports whether the status speaks of who we are. 402 is an
// account that is not paid, 407 a proxy that does not know us.
func accountIsWrong(status int) bool {
	return slices.Contains([]int{
		http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired,
	}, status)
}

// addressIsWrong reports whether the status speaks of the URL. It is evidence only
// where every call has the same one. 301 and 308 say that it moved for good.
func addressIsWrong(status int) bool {
	return slices.Contains([]int{
		http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusMovedPermanently, http.StatusPermanentRedirect,
	}, status)
}

// Conventions are what is known of one sink's answers beside the table. Each may be
// nil, which says nothing. They are asked in the order of the fields, and the first
// that applies decides.
type Conventions struct {
	// AddressIf holds where the address or the credentials are wrong.
	AddressIf func(Answer) bool
	// Pause returns how long the sink asks to be left alone, 0 where it does not.
	Pause func(Answer) time.Duration
	// RetryIf holds where the sink is unwell although it answered.
	RetryIf func(Answer) bool
	// Success holds where the sink has the call. unread reports that the question
	// could not be settled because a part of the answer was not read.
	Success func(Answer) (holds, unread bool)
}

// Read says what an answer means by the conventions, and by the table where they
// say nothing. Whatever decides, the detail keeps what was answered: it is all
// that the operator has to see why.
func (c Conventions) Read(a Answer) Verdict {
	wait, asked := a.retryAfter()
	byTable := meaningOf(a, asked)
	if c.AddressIf != nil && c.AddressIf(a) {
		return a.verdict(Credentials, wait, "address_if holds: ")
	}
	if c.Pause != nil {
		if own := c.Pause(a); own > 0 {
			return a.verdict(Paused, own, "pause: ")
		}
	}
	if c.RetryIf != nil && c.RetryIf(a) {
		if byTable == Paused { // both say "later", and the pause says when
			return a.verdict(Paused, wait, "")
		}
		return a.verdict(Unwell, wait, "retry_if holds: ")
	}
	if c.Success != nil {
		return c.succeeded(a, byTable, wait)
	}
	return a.verdict(byTable, wait, "")
}

// succeeded asks Success. A sink that answered 2xx has the call: where the rest of
// its answer could not be read, sending the call again would make it twice.
func (c Conventions) succeeded(a Answer, byTable Meaning, wait time.Duration) Verdict {
	switch holds, unread := c.Success(a); {
	case holds:
		return a.verdict(Delivered, 0, "")
	case byTable != Delivered:
		return a.verdict(byTable, wait, "")
	case unread:
		v := a.verdict(Delivered, 0, "")
		v.Warning = "success could not be judged, because " + a.Unread + "; taken as delivered by its status"
		return v
	default:
		return a.verdict(Rejected, 0, "success does not hold: ")
	}
}

// verdict describes the answer, after why, and keeps the wait where the meaning has one.
func (a Answer) verdict(m Meaning, wait time.Duration, why string) Verdict {
	v := Verdict{Meaning: m, Detail: why + describe(a)}
	if m == Paused || m.countsAgainst() {
		v.Wait = wait
	}
	return v
}
