// Package contract says what every kind of sink is to the rest of cdrelay: a
// pure function from a call record to one HTTP request, and how that request is
// carried. Sending, waiting, retrying, counting and storing are not a sink's
// business; internal/outbound and internal/delivery own them.
//
// The suite in sinks/contracttest holds every kind to this contract.
package contract

import (
	"cmp"
	"context"
	"net/http"

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
//   - Request uses no network, no clock and no randomness and changes nothing:
//     equal input gives an equal method, URL, header and body. What must be new
//     for each try (a timestamp, a signature, an access token) is left to the
//     Prepare of the request it returns, and its Preview says which headers that
//     will be.
//   - The message id is in the headers webhook-id and Idempotency-Key
//     (Identify), the same on every try.
//   - An error of Request is a render error of this record: it says which part
//     of the configuration could not be rendered, and that trying again with
//     the same record and configuration gives the same error. A sink that is
//     wrongly configured is found at construction, not here.
//   - A request larger than MaxRequest is an error, found while it is rendered: no
//     record makes Request take memory or time beyond a fixed bound.
//   - No record makes Request panic, inject a header, or write a body that its
//     Content-Type does not allow.
//   - No error, no text of a Verdict and no printed form (%+v, %#v, JSON, YAML,
//     slog) of a sink or of its configuration holds a secret. Transport lists
//     all that must be removed from what a destination answers.
//   - A sink may be used by many goroutines at once and shares no state with
//     another sink. Each Request belongs to one Do at a time.
type Sink interface {
	// Request renders the one HTTP request that delivers the record.
	Request(messageID string, r *call.Record) (*outbound.Request, error)
	// Transport says how the destination is reached and what is secret.
	Transport() outbound.Transport
	// Inherit takes over what the sink of the same name has learned that served
	// before a reload, of whatever kind. It is called before the first Request.
	Inherit(before Sink)
}

// Built returns what the constructor of a kind returns, but no nil pointer in a Sink.
func Built[S Sink](s S, err error) (Sink, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Deps are what every kind is built with beside its configuration.
type Deps struct {
	// MaxRequest bounds what is rendered of a request, in bytes; 0 is
	// DefaultMaxRequest.
	MaxRequest int
	// Keep is where a sink finds again what must outlive the process; nil where
	// nothing does.
	Keep Keep
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

// Identify sets the two headers that carry the message id.
func Identify(h http.Header, messageID string) {
	h.Set(webhookID, messageID)
	h.Set(idempotencyKey, messageID)
}
