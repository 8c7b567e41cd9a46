package outbound

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// Rewrite puts the URL, the headers and the body of a request that was rendered
// for this very try in the place of those of wire. It is for a Prepare.
func Rewrite(wire *http.Request, fresh *Request) error {
	u, err := url.Parse(fresh.URL)
	if err != nil || !isWeb(u) {
		return &Failure{Meaning: Rejected, Err: errors.New("the URL cannot be used: it needs http:// or https:// and a host")}
	}
	wire.URL = u
	for name, values := range fresh.Header {
		wire.Header[name] = slices.Clone(values)
	}
	wire.Body, wire.GetBody, wire.ContentLength = nil, nil, int64(len(fresh.Body))
	if len(fresh.Body) > 0 {
		wire.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(fresh.Body)), nil }
		wire.Body, err = wire.GetBody()
	}
	return err
}
