package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// reply is what a stand-in answers.
type reply struct {
	status int
	// retryAfter is the header, in seconds; empty for none.
	retryAfter string
	body       string
}

// ok reports whether the stand-in has taken the message.
func (r reply) ok() bool { return r.status >= 200 && r.status < 300 }

// note is what a stand-in keeps of a request.
type note struct {
	at time.Time
	// message is the Idempotency-Key, the same for every try of a delivery.
	message string
	body    []byte
	reply   reply
}

// behaviour decides the answer to the n-th request, counted from 1.
type behaviour interface {
	answer(n int, r *http.Request, body []byte) reply
}

// standIn is an endpoint that takes notes. It serves until close.
type standIn struct {
	behaviour
	listener net.Listener
	server   *http.Server

	mu    sync.Mutex // guards notes, and makes their order that of the answers
	notes []note
}

// newStandIn listens on a free port of the loopback address.
func newStandIn(ctx context.Context, b behaviour) (*standIn, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("stand-in: %w", err)
	}
	s := &standIn{behaviour: b, listener: l}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	return s, nil
}

func (s *standIn) addr() string { return s.listener.Addr().String() }

// serve answers until close and then returns nil.
func (s *standIn) serve() error {
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stand-in: %w", err)
	}
	return nil
}

func (s *standIn) close() error { return s.server.Close() }

// maxMessage is more than any sink sends.
const maxMessage = 4 << 20

// ServeHTTP notes the request and answers it.
func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMessage))
	if err != nil {
		return // the sender broke off and waits for nothing
	}
	s.mu.Lock()
	answer := s.answer(len(s.notes)+1, r, body)
	s.notes = append(s.notes, note{at: time.Now(), message: r.Header.Get("Idempotency-Key"), body: body, reply: answer})
	s.mu.Unlock()
	if answer.retryAfter != "" {
		w.Header().Set("Retry-After", answer.retryAfter)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body) // a sender that is gone gets nothing
}

// of returns the notes on one message, in order; each step of a delivery has the
// message's id with a name behind it.
func (s *standIn) of(message string) []note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.notes), func(n note) bool {
		return n.message != message && !strings.HasPrefix(n.message, message+"-")
	})
}

// count tells how many requests came, and how many of them failed.
func (s *standIn) count() (all, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.notes {
		if !n.reply.ok() {
			failed++
		}
	}
	return len(s.notes), failed
}

// taken reports whether the message has arrived and was answered as taken.
func (s *standIn) taken(message string) bool {
	return slices.ContainsFunc(s.of(message), func(n note) bool { return n.reply.ok() })
}

// crm is a CRM with a fixed set of fields. It is down for its first two requests,
// and later every seventh of them fails.
type crm struct {
	mu     sync.Mutex // guards fields
	fields map[string]bool
}

// pressed is the field that the CRM lacks until its administrator adds it.
const pressed = "keys_pressed"

func newCRM() *crm {
	c := &crm{fields: map[string]bool{}}
	for _, f := range []string{"external_id", "revision", "subject", "phone", "begun", "talk_seconds", "recording"} {
		c.fields[f] = true
	}
	return c
}

// add is what the CRM's administrator does.
func (c *crm) add(field string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fields[field] = true
}

func (c *crm) answer(n int, r *http.Request, body []byte) reply {
	switch {
	case n <= 2:
		return reply{status: http.StatusServiceUnavailable, body: "down for maintenance"}
	case n%7 == 6:
		return reply{status: http.StatusInternalServerError, body: "something went wrong on our side"}
	case r.Header.Get("Authorization") != "Bearer "+crmToken:
		return reply{status: http.StatusUnauthorized, body: "wrong token"}
	}
	if problem := c.problem(body); problem != "" {
		return reply{status: http.StatusUnprocessableEntity, body: problem}
	}
	return reply{status: http.StatusCreated, body: "call logged"}
}

// problem says what the CRM does not like about a call, or nothing.
func (c *crm) problem(body []byte) string {
	var sent map[string]any
	if json.Unmarshal(body, &sent) != nil {
		return "a call is a JSON object"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, field := range slices.Sorted(maps.Keys(sent)) {
		if !c.fields[field] {
			return fmt.Sprintf("there is no field %q", field)
		}
	}
	return ""
}

// slack is an incoming webhook that finds its first request, and later every
// fourth one, too fast.
type slack struct{}

func (slack) answer(n int, _ *http.Request, body []byte) reply {
	switch {
	case n%4 == 1:
		return reply{status: http.StatusTooManyRequests, retryAfter: "1", body: "rate_limited"}
	case !json.Valid(body):
		return reply{status: http.StatusBadRequest, body: "invalid_payload"}
	default:
		return reply{status: http.StatusOK, body: "ok"}
	}
}
