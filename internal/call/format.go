package call

import (
	"iter"
	"time"
)

// Format is one vendor's dialect, a row of the table of formats (package adapter). A
// row declares all that taking a callback needs, so that intake knows no vendor.
type Format struct {
	// Name is what `format:` says in the configuration.
	Name string
	// Convert reads one callback: UTF-8 JSON, after content decoding and after a
	// form has been opened. It is pure. Its errors are *NotACall and *Unreadable. The
	// record shares no memory with the body and is within its bounds (Record.Bound);
	// its Revision is 1 and its ReceivedAt is not set.
	Convert Convert
	// FormField is the field of a form that holds the JSON text, for platforms that
	// post forms; empty where none does.
	FormField string
	// Charset is the character set of callbacks whose Content-Type names none; empty
	// for UTF-8. A source may name another one.
	Charset string
	// DefaultZone is the time zone that Convert takes for times without one when
	// the source has none, an IANA name; empty when the format's times need none.
	DefaultZone string
	// Signature checks the callbacks of sources whose door is `digest`; nil where
	// nobody signs callbacks of this format.
	Signature Signature
	// Causes are the vendor's codes for the end of a call, for the documents.
	Causes Causes
	// Example is a callback of the format, a call that nobody made, to try a source
	// with; one line of JSON.
	Example string
	// Signing is how a person signs a callback in a shell; the zero Signing where
	// Signature is nil.
	Signing Signing
	// NeedsRegion says that without a region no number becomes E.164.
	NeedsRegion bool
}

// Convert turns one callback of a source into a record.
type Convert func(body []byte, src Source) (*Record, error)

// Signature is how a vendor signs its callbacks. It judges the head, so that the body
// of a stranger is not even read, and returns the check of the body as it was sent,
// before any decoding: never nil when the error is. It is pure; its errors are for the
// log, because a sender is not told what was wrong.
type Signature func(callback Signed, keys Keys) (check func(wire []byte) error, err error)

// Signed is what a signature is checked against besides the body.
type Signed struct {
	// Header is that of the request, with canonical names.
	Header map[string][]string
	// ReceivedAt is when the request came in, by our clock.
	ReceivedAt time.Time
}

// Keys are what a source is configured with to check signatures.
type Keys struct {
	// Known reports in constant time whether a text is the public key of the signer.
	Known func(key string) bool
	// Secrets are those that may have signed: several while one is being replaced.
	Secrets iter.Seq[string]
	// Tolerance is how far the sender's clock may be from ours.
	Tolerance time.Duration
}

// Signing is how a callback is signed by hand, in a POSIX shell: Lines set $sign, and
// what else the values of Headers name, out of $body, and of $KEY and $SECRET, which
// stand for the access key and its secret.
type Signing struct {
	Lines   []string
	Headers []string
}
