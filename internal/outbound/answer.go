package outbound

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"
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
	// Body is the first 64 KiB.
	Body []byte
	// FixedURL is the Request's: it decides what 404, 405 and 410 mean.
	FixedURL bool
}

// Standard says what an answer means by the conventions of HTTP. It is the one
// place that decides this; readers of their own call it and overrule it where
// their sink has conventions of its own. They need not cut or clean Detail: the
// Client does both, and a cut made before it could leave half a secret.
func Standard(a Answer) Verdict {
	wait, asked := retryAfter(a.Header, time.Now())
	v := Verdict{Meaning: meaningOf(a, asked), Detail: describe(a)}
	if v.Meaning == Paused || v.Meaning == Unwell {
		v.Wait = wait
	}
	return v
}

func meaningOf(a Answer, askedToWait bool) Meaning {
	switch s := a.Status; {
	case s >= 200 && s < 300:
		return Delivered
	case askedToWait && (s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable):
		return Paused
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests:
		return Unwell
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return Credentials
	case a.FixedURL && addressIsWrong(s):
		return Credentials
	case s >= 300 && s < 500:
		return Rejected
	default: // 5xx, and numbers that HTTP does not know as final answers
		return Unwell
	}
}

func addressIsWrong(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed || status == http.StatusGone
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
	var err error
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return a, err
	}
	if len(a.Body) == maxBody && resp.ContentLength <= maxBody+maxDrain {
		// The answer is known; a failure here costs only the connection.
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
	}
	return a, nil
}
