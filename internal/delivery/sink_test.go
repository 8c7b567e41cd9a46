package delivery

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// reply is one answer of a sink.
type reply struct {
	status     int
	retryAfter string
	err        error         // instead of an answer
	took       time.Duration // before it comes
	hang       bool          // it never comes
}

var (
	fine = reply{status: 200}
	sick = reply{status: 500}
)

// request is one that a sink got.
type request struct {
	at     time.Time
	body   string // key/revision
	id     string
	status int
	header http.Header
}

// sink answers in place of the network. Its answer may be changed at any time.
type sink struct {
	mu       sync.Mutex // guards everything below
	answer   func(n int, body string) reply
	requests []request
	now      int // on their way at the moment
	most     int // on their way at once, at most
}

// always answers the same.
func always(r reply) *sink { return answers(func(int, string) reply { return r }) }

// script gives the answers in turn, the last one again and again.
func script(all ...reply) *sink {
	return answers(func(n int, _ string) reply { return all[min(n, len(all))-1] })
}

// answers decides for each request, counted from 1.
func answers(f func(n int, body string) reply) *sink { return &sink{answer: f} }

// becomes changes what the sink answers from now on.
func (s *sink) becomes(r reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = func(int, string) reply { return r }
}

func (s *sink) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	a := s.begin(string(body), r.Header)
	defer s.end()
	var timer <-chan time.Time
	if !a.hang {
		timer = time.After(a.took)
	}
	select {
	case <-timer:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if a.err != nil {
		return nil, a.err
	}
	h := http.Header{}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader("said"))}, nil
}

func (s *sink) begin(body string, h http.Header) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request{at: time.Now(), body: body, id: h.Get("Webhook-Id"), header: h})
	s.now++
	s.most = max(s.most, s.now)
	a := s.answer(len(s.requests), body)
	s.requests[len(s.requests)-1].status = a.status
	return a
}

func (s *sink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
}

// got is how many requests came so far.
func (s *sink) got() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// peak is how many were on their way at once, at most, since it was last asked.
func (s *sink) peak() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := s.most
	s.most = s.now
	return most
}

// seen is what came so far.
func (s *sink) seen() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// bodies is what came so far, in order.
func (s *sink) bodies() string {
	var all []string
	for _, r := range s.seen() {
		all = append(all, r.body)
	}
	return strings.Join(all, " ")
}
