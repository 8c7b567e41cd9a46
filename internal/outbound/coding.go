package outbound

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

const (
	tooLong = "the answer is longer than 64 KiB"
	// maxCodings bounds how many content codings are undone: a proxy may add one to
	// the server's own.
	maxCodings = 3
)

// readable is the text of a body as it came from the wire: without its content
// coding, although we ask for none, and without a byte order mark. What does not
// decode stays as it came. unread says why the text is not the whole answer.
func readable(raw []byte, h http.Header) (body []byte, unread string) {
	codings := codingsOf(h)
	if len(codings) > maxCodings {
		return cut(raw), "its content codings are too many"
	}
	body = raw
	for _, coding := range slices.Backward(codings) {
		decoded, err := decode(coding, body)
		switch {
		case len(decoded) > maxBody:
			return withoutBOM(cut(decoded)), tooLong
		case err != nil && len(decoded) == 0:
			return cut(raw), "its content coding " + coding + " cannot be read"
		case err != nil:
			return withoutBOM(decoded), "its content coding " + coding + " ends too early"
		}
		body = decoded
	}
	if len(body) > maxBody {
		return withoutBOM(cut(body)), tooLong
	}
	return withoutBOM(body), ""
}

func cut(body []byte) []byte { return body[:min(len(body), maxBody)] }

// codingsOf lists what was done to the body, in the order in which it was done.
func codingsOf(h http.Header) []string {
	var list []string
	for _, line := range h.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			if coding = strings.ToLower(strings.TrimSpace(coding)); coding != "" && coding != "identity" {
				list = append(list, coding)
			}
		}
	}
	return list
}

var errCoding = errors.New("unknown content coding")

// decode returns at most one byte more than is kept, however much is packed.
func decode(coding string, packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(packed))
	case "deflate": // by the standard zlib, and from some servers without its frame
		if r, err = zlib.NewReader(bytes.NewReader(packed)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(packed)), nil
		}
	default:
		err = errCoding
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxBody+1))
}

// withoutBOM drops a byte order mark; that of UTF-16 is followed.
func withoutBOM(body []byte) []byte {
	for _, mark := range []string{"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"} {
		if bytes.HasPrefix(body, []byte(mark)) {
			text, _, err := transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), body)
			if err != nil {
				return body
			}
			return text
		}
	}
	return body
}
