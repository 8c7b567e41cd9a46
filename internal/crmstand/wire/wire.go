// Package wire is what the stand-ins of CRMs share: reading and writing JSON, a
// limit of requests in a window of time, and digits of a number. It knows no CRM.
package wire

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/plainjson"
)

// maxBody bounds the body of a request to a stand-in.
const maxBody = 1 << 20

// Read decodes the JSON body of a request. A field that v does not have is an error.
func Read(r *http.Request, v any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// Write answers a request with JSON.
func Write(w http.ResponseWriter, status int, v any) {
	body, err := plainjson.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone gets nothing
}

// Limit allows a number of requests in any window of a length. The zero Limit allows
// none. It is not safe for concurrent use.
type Limit struct {
	Requests int
	Per      time.Duration
	taken    []time.Time
}

// Take counts a request unless the limit is reached. It returns how many requests
// are left, and when the oldest one that counts falls out of the window.
func (l *Limit) Take(now time.Time) (left int, reset time.Duration, ok bool) {
	for len(l.taken) > 0 && now.Sub(l.taken[0]) >= l.Per {
		l.taken = l.taken[1:]
	}
	if ok = len(l.taken) < l.Requests; ok {
		l.taken = append(l.taken, now)
	}
	if len(l.taken) > 0 {
		reset = l.Per - now.Sub(l.taken[0])
	}
	return l.Requests - len(l.taken), reset, ok
}

// Digits returns the ASCII digits of a text.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
