package outbound

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"io"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/secret"
)

const (
	// idleConns is how many connections to a sink are kept for the next
	// delivery; as many as a lane can have on their way at once, so that none is
	// closed and opened again under load.
	idleConns = 1024
	// maxHeader bounds the headers of an answer.
	maxHeader = 64 << 10
)

// Transport is how a sink is reached.
type Transport struct {
	TLS TLSFiles
	// DenyPrivate refuses private, loopback, link-local and metadata addresses
	// when they are dialled, and with them any proxy of the environment.
	DenyPrivate bool
	// Secrets are removed from every text that is kept, in the spellings in
	// which servers echo them. Of a secret that is a URL, its path, query and
	// user info are removed wherever they stand; the host stays. Secrets of
	// fewer than four bytes are not looked for: masking them would only show
	// where they are.
	Secrets []secret.Value
	// UserAgent is sent where a request has none of its own; "" is `cdrelay`.
	UserAgent string
	// Wire replaces the network in tests that need fake time; nil is the
	// network.
	Wire http.RoundTripper
}

// HTTPClient returns a plain client under the same rules of dialling and TLS: no
// retries, no breaker, no redirects, and answers that are cut at 64 KiB. It is for what a sink needs beside its
// deliveries, such as tokens. Its errors hold the URL, as all of net/http's do;
// those that a Prepare returns are cleaned by the Client.
func (t Transport) HTTPClient(timeout time.Duration) (*http.Client, error) {
	wire, err := t.wire(timeout)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport:     &signed{wire: wire, userAgent: t.userAgent()},
		Timeout:       timeout,
		CheckRedirect: noRedirects,
	}, nil
}

func (t Transport) userAgent() string { return cmp.Or(t.UserAgent, "cdrelay") }

func (t Transport) wire(timeout time.Duration) (http.RoundTripper, error) {
	if t.Wire != nil {
		return t.Wire, nil
	}
	config, err := t.TLS.config()
	if err != nil {
		return nil, err
	}
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0) // renewing costs no whole handshake
	dialer := newDialer(timeout, t.DenyPrivate)
	return newNetwork(func() *http.Transport {
		w := &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        config.Clone(),
			TLSHandshakeTimeout:    timeout,
			ForceAttemptHTTP2:      true, // a dialer of one's own would switch it off
			HTTP2:                  livelyHTTP2(),
			MaxIdleConns:           idleConns,
			MaxIdleConnsPerHost:    idleConns,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true, // what comes packed all the same is unpacked within a bound
		}
		if !t.DenyPrivate {
			w.Proxy = http.ProxyFromEnvironment
		}
		return w
	}), nil
}

// livelyHTTP2 asks a silent connection whether it lives; otherwise every
// delivery would time out on a dead one for as long as TCP believes in it.
func livelyHTTP2() *http.HTTP2Config {
	return &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second}
}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// signed names us to the server.
type signed struct {
	wire      http.RoundTripper
	userAgent string
}

// RoundTrip adds the User-Agent to a copy of the request. Its answer is read as that
// to a delivery.
func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	nameUs(r.Header, s.userAgent)
	sendOnce(r)
	resp, err := s.wire.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	a, err := readAnswer(resp, true)
	if err != nil {
		return nil, err
	}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(a.Body)), int64(len(a.Body))
	return resp, nil
}

// CloseIdleConnections lets http.Client reach the connections.
func (s *signed) CloseIdleConnections() { closeIdle(s.wire) }

func nameUs(h http.Header, userAgent string) {
	if len(h.Values("User-Agent")) == 0 {
		h.Set("User-Agent", userAgent)
	}
}

func closeIdle(wire http.RoundTripper) {
	if c, ok := wire.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
