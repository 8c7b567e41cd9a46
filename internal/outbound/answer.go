package outbound

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

const (
	// maxBody is how much of an answer is kept for the meaning.
	maxBody = 64 << 10
	// maxDrain is how much more is read and thrown away, so that the
	// connection can be used again.
	maxDrain = 256 << 10
	// maxRawDetail bounds what Standard copies out of a body. It is more than
	// is kept, so that no secret is cut in two before it is looked for.
	maxRawDetail = 2 * maxDetail
)

// Answer is a complete HTTP answer, its body bounded.
type Answer struct {
	Status int
	Header http.Header
	// Body is the first 64 KiB, without content coding and byte order mark.
	Body []byte
	// Unread says why Body is not the whole answer; "" where it is.
	Unread string
	// FixedURL is the Request's: it decides what 404 and its like mean.
	FixedURL bool
}

// describe gives the status in words and the beginning of the body.
func describe(a Answer) string {
	text := strconv.AppendInt(make([]byte, 0, 64), int64(a.Status), 10)
	if words := http.StatusText(a.Status); words != "" {
		text = append(append(text, ' '), words...)
	}
	if body := bytes.TrimSpace(a.Body[:min(len(a.Body), maxRawDetail)]); len(body) > 0 {
		text = append(append(text, ": "...), body...)
	}
	return string(text)
}

// readAnswer reads the body within its bound, and on to its end where that is
// near, so that closing it gives the connection back. An error means that the
// answer is not complete; the status is still told.
func readAnswer(resp *http.Response, fixedURL bool) (Answer, error) {
	a := Answer{Status: resp.StatusCode, Header: resp.Header, FixedURL: fixedURL}
	if resp.StatusCode == http.StatusSwitchingProtocols || resp.Body == http.NoBody {
		// What follows a switch is no body, and reading it would not obey the context.
		return a, nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return a, err
	}
	if len(body) > maxBody && resp.ContentLength <= maxBody+maxDrain {
		// The answer is known; a failure here costs only the connection.
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	}
	a.Body, a.Unread = readable(body, resp.Header)
	return a, nil
}
