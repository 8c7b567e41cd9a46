package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	// maxBody is the largest body, as sent and after gunzip.
	maxBody = 1 << 20
	// firstStep is the first buffer of a body and what it takes of the budget; most
	// callbacks fit. One that announces less gets a smaller buffer.
	firstStep = 4 << 10
	// unpacking is what gunzip takes besides the body.
	unpacking = 48 << 10
)

// errTooLarge says that a body goes beyond maxBody.
var errTooLarge = errors.New("body is over 1 MiB")

// readWire reads the body as it was sent.
func readWire(ctx context.Context, r *http.Request, l *lease) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	size := int64(firstStep)
	if 0 <= r.ContentLength && r.ContentLength < firstStep {
		size = r.ContentLength + 1 // a buffer that is full is taken for too small
	}
	return readBounded(ctx, r.Body, size, l)
}

// readBounded reads to the end or to maxBody, first into a buffer of the size,
// which is at most firstStep. The buffer doubles as bytes arrive, and the lease
// with it, so that a sender who announces much and sends little holds little.
func readBounded(ctx context.Context, from io.Reader, size int64, l *lease) ([]byte, error) {
	if err := l.receive(ctx, firstStep); err != nil {
		return nil, err
	}
	buf := make([]byte, 0, size)
	for {
		n, err := from.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxBody:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, err
		case len(buf) == cap(buf):
			if buf, err = grow(ctx, buf, l); err != nil {
				return nil, err
			}
		}
	}
}

// grow doubles the buffer, up to one byte more than the limit: that byte tells
// a body of exactly the limit from a longer one.
func grow(ctx context.Context, buf []byte, l *lease) ([]byte, error) {
	size := min(2*cap(buf), maxBody+1)
	if err := l.receive(ctx, int64(size-cap(buf))); err != nil {
		return nil, err
	}
	bigger := make([]byte, len(buf), size)
	copy(bigger, buf)
	return bigger, nil
}

// decodeContent undoes the Content-Encoding. A body that cannot be decoded is
// a *call.Unreadable.
func decodeContent(ctx context.Context, header http.Header, wire []byte, l *lease) ([]byte, error) {
	switch coding := strings.ToLower(strings.Join(header["Content-Encoding"], ",")); coding {
	case "", "identity":
		return wire, nil
	case "gzip", "x-gzip":
		return gunzip(ctx, wire, l)
	default:
		return nil, call.Unreadablef("Content-Encoding %.40q is not understood: send gzip or none", coding)
	}
}

func gunzip(ctx context.Context, wire []byte, l *lease) ([]byte, error) {
	if err := l.receive(ctx, unpacking); err != nil {
		return nil, err
	}
	unzip, err := gzip.NewReader(bytes.NewReader(wire))
	if err != nil {
		return nil, call.Unreadablef("the body is not gzip, as Content-Encoding says: %v", err)
	}
	body, err := readBounded(ctx, unzip, firstStep, l)
	if err == nil || errors.Is(err, errTooLarge) || errors.Is(err, errBusy) {
		return body, err
	}
	return nil, call.Unreadablef("the gzip body is damaged: %v", err)
}
