package outbound

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

const (
	// maxAge is how long new requests use the connections that are there. A name
	// whose address changes is followed when it is dialled again, also by a sink
	// that is never idle; what is under way then has the rest of five minutes.
	maxAge = 4 * time.Minute
	// maxConnections bounds the connections that one try may ask for. One is the
	// rule; HTTP/2 asks again where a kept one has just been closed.
	maxConnections = 4
)

var errConnections = errors.New("the server closed every connection before it took the request")

// network is http.Transport as this package needs it: its connections are renewed,
// and one RoundTrip cannot dial without end.
type network struct {
	open func() *http.Transport

	mu     sync.Mutex // guards everything below
	wire   *http.Transport
	opened time.Time
}

func newNetwork(open func() *http.Transport) *network {
	return &network{open: open, wire: open(), opened: time.Now()}
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	wire := n.current(time.Now())
	if r.URL.Scheme != "https" { // HTTP/1 tries a new connection once
		return wire.RoundTrip(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	asked := 0
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) {
		if asked++; asked > maxConnections {
			cancel(errConnections)
		}
	}})
	resp, err := wire.RoundTrip(r.WithContext(ctx))
	if err != nil && errors.Is(context.Cause(ctx), errConnections) {
		err = errConnections
	}
	return resp, err
}

// current is the transport for new requests. The connections of the one before end
// when what is under way on them has ended.
func (n *network) current(now time.Time) *http.Transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.opened) >= maxAge {
		old := n.wire
		n.wire, n.opened = n.open(), now
		old.CloseIdleConnections()
	}
	return n.wire
}

// CloseIdleConnections closes what is not in use.
func (n *network) CloseIdleConnections() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wire.CloseIdleConnections()
}

// sendOnce keeps net/http from sending a request again by itself, where its
// connection broke after the request was written: the sink may have it, and the
// repetition would be no try that anybody sees. net/http does that with a request
// that can be rewound or has no body, if its method is GET or it carries an
// Idempotency-Key. r is the caller's own copy.
func sendOnce(r *http.Request) {
	r.GetBody = nil
	if r.Body != nil && r.Body != http.NoBody {
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		r.Body = emptyBody{strings.NewReader("")}
	default:
		// An empty body of a POST would be sent in chunks. A name that is not in
		// canonical form is the same to the server and none to net/http.
		if values := r.Header["Idempotency-Key"]; values != nil {
			delete(r.Header, "Idempotency-Key")
			r.Header["idempotency-key"] = values
		}
	}
}

// emptyBody is a body without a byte that net/http does not take for none.
type emptyBody struct{ *strings.Reader }

// Close implements io.Closer.
func (emptyBody) Close() error { return nil }
