package outbound

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	// maxSentBody bounds what is kept of a request's body.
	maxSentBody = 4 << 10
	// maxSentHeader bounds the value of one header, maxSentHeaders their number.
	maxSentHeader  = 256
	maxSentHeaders = 12
)

// Sent is the request of a try that did not deliver, fit to be kept: its secrets
// are masked and its body is cut.
type Sent struct {
	Method, URL, Body string
}

// kept is the request as it went on the wire. The body is the same in every try of
// an exchange, and is cleaned once.
func (e *exchange) kept(r *http.Request, redact *redactor) *Sent {
	address := firstBytes(printable(redact.url(r.URL.String())), maxDetail)
	if e.sent == nil {
		e.sent = &Sent{Method: r.Method, URL: address, Body: redact.clean(string(e.request.Body), maxSentBody)}
	}
	if e.sent.URL != address { // Prepare renders what depends on the time
		e.sent = &Sent{Method: r.Method, URL: address, Body: e.sent.Body}
	}
	return e.sent
}

// telling returns the headers of an answer that help an operator, or the sink's
// support, to find out what became of a request.
func telling(h http.Header, redact *redactor) map[string]string {
	var out map[string]string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !isTelling(strings.ToLower(name)) || len(out) == maxSentHeaders {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = redact.clean(strings.Join(h[name], ", "), maxSentHeader)
	}
	return out
}

// isTelling knows when to come again, where the address went, who is asked for, and
// the names of a request in the books of the sink and of what stands before it.
func isTelling(name string) bool {
	switch name {
	case "retry-after", "location", "www-authenticate", "cf-ray", "traceparent":
		return true
	}
	return slices.ContainsFunc([]string{"request-id", "requestid", "req-id", "correlation-id", "trace-id", "ratelimit", "rate-limit"},
		func(part string) bool { return strings.Contains(name, part) })
}
