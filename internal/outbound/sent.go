package outbound

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/plaintext"
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

// kept is the request as it went on the wire. Nearly always it is the same in every
// try of an exchange, and then it is cleaned once.
func (e *exchange) kept(r *http.Request, redact *redactor) *Sent {
	raw := r.URL.String() + " " + e.bodyStart()
	if e.sent == nil || raw != e.raw { // Prepare renders again what depends on the time
		e.raw, e.sent = raw, &Sent{
			Method: r.Method,
			URL:    plaintext.Cut(plaintext.Blank(redact.url(r.URL.String())), maxDetail),
			Body:   redact.clean(e.bodyStart(), maxSentBody),
		}
	}
	return e.sent
}

// bodyStart is as much of what the latest try has sent as is looked at.
func (e *exchange) bodyStart() string {
	if e.body == nil {
		return ""
	}
	body, err := e.body()
	if err != nil {
		return ""
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, 2*maxSentBody))
	if err != nil { // cannot happen: it is read from memory
		return ""
	}
	return string(text)
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
