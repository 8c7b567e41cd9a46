// Package problem writes the errors of both listeners: application/problem+json
// of RFC 9457, under 1 KiB whatever the detail holds, with a detail that says
// what is wrong and what would be right.
//
// It has no state and decides nothing: the caller chooses the status.
package problem

import (
	"net/http"
	"strconv"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	// ContentType is that of a problem.
	ContentType = "application/problem+json"
	// maxBody bounds the whole; maxDetail leaves room for the rest of it.
	maxBody   = 1 << 10
	maxDetail = 600
)

// Write answers with a problem. A client that is gone gets nothing, and that is
// no error of ours.
func Write(w http.ResponseWriter, status int, detail string) {
	body := Body(status, detail)
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Body is the JSON text of a problem. A detail may quote a sender's own bytes:
// the encoder escapes them, and what is then too long is cut again.
func Body(status int, detail string) []byte {
	for limit := maxDetail; ; limit /= 2 {
		detail = plaintext.Clip(detail, limit)
		b, _ := plainjson.Marshal(struct { // strings and an int always marshal
			Type   string `json:"type"`
			Title  string `json:"title"`
			Status int    `json:"status"`
			Detail string `json:"detail,omitempty"`
		}{"about:blank", http.StatusText(status), status, detail})
		if len(b)+1 < maxBody {
			return append(b, '\n')
		}
	}
}
