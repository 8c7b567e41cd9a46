package intake

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cdrelay/cdrelay/internal/problem"
)

// retryAfter is what a 503 asks the sender to wait.
const retryAfter = "5"

// result is what became of a callback, as the metric counts it.
type result string

const (
	accepted     result = "accepted"
	duplicate    result = "duplicate"
	ignored      result = "ignored"
	undecodable  result = "undecodable"
	unauthorized result = "unauthorized"
	forbidden    result = "forbidden"
	tooLarge     result = "too_large"
	incomplete   result = "incomplete"
	unavailable  result = "unavailable"
	// unknownPath is that of no source, and wrongMethod is not counted as a callback.
	unknownPath result = "unknown_path"
	wrongMethod result = "wrong_method"
)

// results lists those of a source.
func results() []result {
	return []result{accepted, duplicate, ignored, undecodable, unauthorized, forbidden, tooLarge, incomplete, unavailable}
}

// Taken lists the results of callbacks that were answered 200.
func Taken() []string { return []string{string(accepted), string(duplicate), string(ignored)} }

// authentic reports whether the callback passed the doors.
func (r result) authentic() bool { return r != unauthorized && r != forbidden && r != wrongMethod }

// refused reports whether the callback was not taken, and is not kept either.
func (r result) refused() bool {
	switch r {
	case unauthorized, forbidden, tooLarge, incomplete, unavailable, wrongMethod:
		return true
	default:
		return false
	}
}

// answer is what a callback gets.
type answer struct {
	result result
	// status is 200 or that of a problem.
	status int
	// id and revision stand in a 200.
	id       string
	revision int
	// detail is the problem's text for the sender, reason what the operator is told in
	// its place; empty where that is the same.
	detail, reason string
	// header is the one header that the status asks for, if any.
	header, value string
}

func fault(result result, status int, detail string) answer {
	return answer{result: result, status: status, detail: detail}
}

func (a answer) with(header, value string) answer {
	a.header, a.value = header, value
	return a
}

func busy(detail string) answer {
	return fault(unavailable, http.StatusServiceUnavailable, detail).with("Retry-After", retryAfter)
}

// write sends the answer. respond is the source's own body of a 200, if any;
// closing is asked last, so that no answer keeps its connection once it is set. A
// sender that is gone gets nothing, and that is no error of ours.
func (a answer) write(w http.ResponseWriter, respond string, closing *atomic.Bool) {
	kind, body := a.body(respond)
	h := w.Header()
	// The values of the three headers lie in one piece of memory, and the names are
	// canonical.
	values := []string{kind, strconv.Itoa(len(body)), "nosniff"}
	h["Content-Type"], h["Content-Length"], h["X-Content-Type-Options"] = values[0:1:1], values[1:2:2], values[2:3:3]
	if a.header != "" {
		h.Set(a.header, a.value)
	}
	if closing.Load() {
		h.Set("Connection", "close")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body)
}

func (a answer) body(respond string) (contentType string, body []byte) {
	switch {
	case a.status != http.StatusOK:
		return problem.ContentType, problem.Body(a.status, a.detail)
	case respond != "":
		return "text/plain; charset=utf-8", []byte(respond)
	default:
		return "application/json", okBody(a)
	}
}

// okBody is the body of a 200.
func okBody(a answer) []byte {
	const names = len(`{"status":"","id":"","revision":12345678901234567890}`) + len("\n")
	b := make([]byte, 0, names+len(a.result)+len(a.id))
	b = append(append(append(b, `{"status":"`...), a.result...), '"')
	if a.id != "" {
		b, _ = jsontext.AppendQuote(append(b, `,"id":`...), a.id) // an id is ASCII
	}
	if a.revision != 0 {
		b = strconv.AppendInt(append(b, `,"revision":`...), int64(a.revision), 10)
	}
	return append(b, '}', '\n')
}
