package intake

import (
	"encoding/json"
	"net/http"
	"strconv"

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
)

// results lists all of them.
func results() []result {
	return []result{accepted, duplicate, ignored, undecodable, unauthorized, forbidden, tooLarge, incomplete, unavailable}
}

// authentic tells whether the callback passed the doors.
func (r result) authentic() bool { return r != unauthorized && r != forbidden }

// answer is what a callback gets.
type answer struct {
	result result
	// status is 200 or that of a problem.
	status int
	// id and revision stand in a 200.
	id       string
	revision int
	// detail is the problem's text for the sender.
	detail string
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

// write sends the answer. respond is the source's own body of a 200, if any. A
// sender that is gone gets nothing, and that is no error of ours.
func (a answer) write(w http.ResponseWriter, respond string) {
	kind, body := a.body(respond)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	if a.header != "" {
		h.Set(a.header, a.value)
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

// okBody is the body of a 200. Strings and an int always marshal.
func okBody(a answer) []byte {
	b, _ := json.Marshal(struct {
		Status   result `json:"status"`
		ID       string `json:"id,omitempty"`
		Revision int    `json:"revision,omitempty"`
	}{a.result, a.id, a.revision})
	return append(b, '\n')
}
