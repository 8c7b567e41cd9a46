package contracttest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// Arrived is one request as the server saw it.
type Arrived struct {
	Method, URI string
	Header      http.Header
	Body        []byte
}

// server answers with its handlers in turn and keeps what arrived.
type server struct {
	answers []http.HandlerFunc

	mu      sync.Mutex // guards everything below
	arrived []Arrived
}

func (s *server) handler(k Kind, p *Plants) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k.Aside != nil && k.Aside(w, r, p) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		n := s.keep(Arrived{Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone(), Body: body})
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.answers[min(n, len(s.answers)-1)](w, r)
	})
}

// keep returns the number of requests before this one.
func (s *server) keep(a Arrived) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived = append(s.arrived, a)
	return len(s.arrived) - 1
}

func (s *server) all() []Arrived {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// checkRequest is what every request of every kind keeps to.
func checkRequest(tb testing.TB, a Arrived) {
	tb.Helper()
	for _, name := range []string{"webhook-id", "Idempotency-Key"} {
		if got := a.Header.Values(name); len(got) != 1 || got[0] != MessageID {
			tb.Errorf("%s is %q, want %q once", name, got, MessageID)
		}
	}
	checkBody(tb, a.Header.Get("Content-Type"), a.Body)
}

// checkBody holds a body to its media type.
func checkBody(tb testing.TB, contentType string, body []byte) {
	tb.Helper()
	if !utf8.Valid(body) {
		tb.Errorf("the body is not UTF-8")
	}
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case len(body) == 0:
	case err != nil:
		tb.Errorf("Content-Type %q: %v", contentType, err)
	case media == "application/x-www-form-urlencoded":
		if _, err := url.ParseQuery(string(body)); err != nil {
			tb.Errorf("the form does not parse: %v", err)
		}
	case strings.HasSuffix(media, "json"):
		if !json.Valid(body) {
			tb.Errorf("the body is not JSON: %.200q", body)
		}
	default:
		tb.Errorf("unexpected Content-Type %q", contentType)
	}
}
