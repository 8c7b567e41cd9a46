// Package contract says what every kind of sink is to the rest of cdrelay: it makes
// the HTTP requests of a call record, and says how they are carried. Sending, waiting,
// retrying, counting and storing are not a sink's business; internal/outbound and
// internal/delivery own them.
//
// The suite in sinks/contracttest holds every kind to this contract.
package contract

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

// The headers that carry the message id, on every try of a delivery, as net/http
// spells them.
const (
	// webhookID is the header of Standard Webhooks.
	webhookID = "Webhook-Id"
	// idempotencyKey is the header that many APIs read to recognise a repeat.
	idempotencyKey = "Idempotency-Key"
)

// Sink is one configured destination. Every kind keeps to this:
//
//   - A Series uses no network and no randomness, and no clock but for what it keeps of
//     lookups: equal input and equal answers give an equal method, URL, header and body.
//     What must be new for each try (a timestamp, a signature, an access token) is left
//     to the Prepare of the request, and its Preview says which headers that will be.
//   - The message id is in the headers webhook-id and Idempotency-Key (Identify), the
//     same on every try; where a sink has several steps, with the step's name behind it.
//   - An error of a Series is a render error of this record: it says which part of the
//     configuration could not be rendered, and that trying again with the same record,
//     configuration and answers gives the same error. A sink that is wrongly configured
//     is found at construction, not here.
//   - Requests that are larger than MaxRequest together are an error, found while they
//     are rendered: no record makes a Series take memory or time beyond a fixed bound.
//   - No record makes a Series panic, inject a header, or write a body that its
//     Content-Type does not allow.
//   - No error, no text of a Verdict and no printed form (%+v, %#v, JSON, YAML,
//     slog) of a sink or of its configuration holds a secret. Transport lists
//     all that must be removed from what a destination answers.
//   - A sink may be used by many goroutines at once and shares no state with
//     another sink. Each Request belongs to one Do at a time.
type Sink interface {
	// Series returns the requests of one attempt to deliver the record. remembered has
	// what was kept of earlier attempts in the lane, those for other revisions of the
	// call too.
	Series(messageID string, r *call.Record, remembered map[string]string) outbound.Series
	// Preview returns every request of an attempt as it would be with the results that
	// are given, and uses no network.
	Preview(messageID string, r *call.Record, given Given) []Preview
	// Steps returns the names of the steps; none where there is one request.
	Steps() []string
	// Missing returns what lookups of the sink did not find, the latest first.
	Missing() []Missing
	// Transport says how the destination is reached and what is secret.
	Transport() outbound.Transport
	// Inherit takes over what the sink of the same name has learned that served
	// before a reload, of any kind. It is called before the first Series.
	Inherit(before Sink)
}

// Given are results of steps in the place of those that answers would give, as JSON or
// as plain texts, by the names of steps.
type Given struct {
	Results    map[string]string
	Remembered map[string]string
}

// Preview is one step as it would be made.
type Preview struct {
	// Step is its name, empty where there is one request.
	Step string
	// Request is nil where the step is skipped, or cannot be rendered.
	Request *outbound.Request
	// Skipped says why the step is not made.
	Skipped string
	// Err says why the step cannot be rendered. No step follows it.
	Err error
}

// Missing is something that a lookup did not find.
type Missing struct {
	// Step is the lookup's name.
	Step string
	// Number is masked. Number and Agent are what the lookup asked for of a call; both
	// may be empty.
	Number, Agent string
	// CallID is the latest call it was asked for, At when, Times how often.
	CallID string
	At     time.Time
	Times  int
}

// Built returns what the constructor of a kind returns, but no nil pointer in a Sink.
func Built[S Sink](s S, err error) (Sink, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// What comes of a lookup.
const (
	// LookupHit: its result was kept.
	LookupHit = "hit"
	// LookupEmpty: nothing was found a short time ago.
	LookupEmpty = "empty"
	// LookupAsked: the destination was asked.
	LookupAsked = "asked"
)

// LookupResults lists what can come of a lookup.
func LookupResults() []string { return []string{LookupHit, LookupEmpty, LookupAsked} }

// Deps are what every kind is built with beside its configuration.
type Deps struct {
	// MaxRequest bounds what is rendered of a request, in bytes; 0 is
	// DefaultMaxRequest.
	MaxRequest int
	// Keep is where a sink finds again what must outlive the process; nil where
	// nothing does.
	Keep Keep
	// Shadow: only lookups are sent.
	Shadow bool
	// Looked is told what came of each lookup; nil for nobody.
	Looked func(step, result string)
	// Lookup returns what a table of the configuration has for a key; nil where
	// there are no tables.
	Lookup func(table, key string) (value string, found bool)
}

// Keep keeps small values of one sink by their names. What is secret the sink
// encrypts: a value lies in the store as it is.
type Keep interface {
	// Get returns a value; nil where there is none.
	Get(ctx context.Context, name string) ([]byte, error)
	// Put returns when the value is durable. An error says that it is not yet; it
	// will be when the store can write.
	Put(ctx context.Context, name string, value []byte) error
}

// DefaultMaxRequest is what a request may have where nothing else is configured.
const DefaultMaxRequest = 1 << 20

// WithDefaults returns the deps with what was left out.
func (d Deps) WithDefaults() Deps {
	d.MaxRequest = cmp.Or(d.MaxRequest, DefaultMaxRequest)
	return d
}

// Identifies reports whether a header is one of those that carry the message id.
func Identifies(name string) bool { return name == webhookID || name == idempotencyKey }

// Identify sets the two headers that carry the message id.
func Identify(h http.Header, messageID string) {
	h.Set(webhookID, messageID)
	h.Set(idempotencyKey, messageID)
}
