package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// Client makes the exchanges of one sink.
type Client struct {
	settings  Settings
	userAgent string
	wire      http.RoundTripper
	breaker   *breaker
	redact    *redactor
	// authorized is the redactor of the latest credentials that are not the
	// Transport's.
	authorized atomic.Pointer[authorized]
	// late is the cause with which the context of a try ends by `timeout`.
	late *tooLate
}

// New gives the client of the sink with this name. Absent settings take their
// defaults. It reads the TLS files and connects to nothing.
func New(name string, t Transport, s Settings) (*Client, error) {
	s = s.WithDefaults()
	var problems []error
	s.Validate(func(path, problem string) { problems = append(problems, fmt.Errorf("%s: %s", path, problem)) })
	wire, err := t.wire(s.Timeout)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("sink %s: %w", name, err)
	}
	return &Client{
		settings:  s,
		userAgent: t.userAgent(),
		wire:      wire,
		breaker:   newBreaker(name, s),
		redact:    newRedactor(t.Secrets),
		late:      &tooLate{s.Timeout},
	}, nil
}

// Inherit takes the breaker over from the client that served the same sink
// before a reload, so that a sink that is down stays known as down. It is
// called before the first Do.
func (c *Client) Inherit(old *Client) { c.breaker = old.breaker.heir(c.breaker) }

// Do makes the exchange. It always ends: each try within the timeout, and all
// as soon as the context ends.
func (c *Client) Do(ctx context.Context, r *Request) Outcome {
	if ctx.Err() != nil {
		return Outcome{Verdict: Verdict{Meaning: Canceled, Detail: ctx.Err().Error()}}
	}
	if r.Withheld && r.URL == "" { // nor is it known where it would be sent
		return c.withheld(r)
	}
	req, err := r.build(ctx)
	if err != nil {
		return Outcome{Verdict: Verdict{Meaning: Rejected, Detail: c.redact.clean(err.Error(), maxDetail)}}
	}
	if r.Withheld {
		return c.withheld(r)
	}
	return newExchange(c, r).do(req)
}

// authorized is a redactor that also knows the credentials of a header.
type authorized struct {
	authorization string
	redact        *redactor
}

// redactor knows all that a request with this Authorization header could show.
func (c *Client) redactor(authorization string) *redactor {
	if known := c.authorized.Load(); known != nil && known.authorization == authorization {
		return known.redact
	}
	r := c.redact.with(authorization)
	c.authorized.Store(&authorized{authorization, r})
	return r
}

// Close closes the connections that are idle. Exchanges under way go on.
func (c *Client) Close() { closeIdle(c.wire) }

// State is the breaker's, computed at the call.
func (c *Client) State() State { return c.breaker.state() }

// ReadyAt is when an open breaker lets the next probe through; zero when it is
// not open.
func (c *Client) ReadyAt() time.Time { return c.breaker.ready() }
