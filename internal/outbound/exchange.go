package outbound

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// quickBudget is how long the quick tries of one exchange wait in all.
const quickBudget = 2 * time.Second

// exchange is one Do. The library calls back into it, always on the goroutine
// of Do, so it needs no lock. What the library believes about a try does not
// matter: the exchange knows.
type exchange struct {
	client  *Client
	request *Request
	// library is the retrying client of this one exchange. It shares nothing but
	// the wire: its CloseIdleConnections, called at every give-up, ends here,
	// because exchange has no such method.
	library retryablehttp.Client
	plain   http.Client

	tries []Try
	// body reads again what the latest try has sent; nil where it had no body. sent is
	// the request of the latest one that did not deliver, raw its body as it was.
	body func() (io.ReadCloser, error)
	sent *Sent
	raw  string
	last Verdict // of the last try that ended, or the breaker's refusal
	// quickLeft is how many quick tries may still follow.
	quickLeft int
	// quick: the try that ended is followed by a quick one.
	quick bool
	// renewed: Renew was asked and said yes; again: its try is due.
	renewed, again bool
	// over: the breaker refused or the caller left; nothing may follow.
	over bool
}

func newExchange(c *Client, r *Request) *exchange {
	e := &exchange{client: c, request: r, quickLeft: *c.settings.QuickTries}
	e.plain = http.Client{Transport: e, CheckRedirect: noRedirects}
	e.library = retryablehttp.Client{
		HTTPClient:   &e.plain,
		Logger:       nil, // it would write the URL
		RetryMax:     e.quickLeft + 1,
		CheckRetry:   e.check,
		Backoff:      e.backoff,
		ErrorHandler: giveUp,
	}
	return e
}

// do makes it.
func (e *exchange) do(req *retryablehttp.Request) Outcome {
	resp, err := e.library.Do(req)
	if resp != nil {
		_ = resp.Body.Close()
	}
	return e.outcome(err)
}

// RoundTrip is one wire try inside the breaker. The breaker gets evidence, the
// library only the status: the answer was read here.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	e.again, e.quick = false, false
	var status int
	var verdict Verdict
	passed := e.client.breaker.do(func() error {
		status, verdict = e.try(req)
		if verdict.Meaning == Delivered && !e.request.Incidental {
			return nil
		}
		e.quick = e.mayFollow(verdict)
		return &evidence{meaning: verdict.Meaning, delivery: e.request.Delivery, excluded: e.isExcluded(verdict.Meaning)}
	})
	if !passed {
		verdict = e.client.breaker.refusal()
		e.conclude(verdict)
	}
	if status == 0 {
		return nil, &Failure{Meaning: verdict.Meaning}
	}
	return &http.Response{StatusCode: status, Body: http.NoBody, Request: req}, nil
}

// try makes one try within the timeout and keeps what came of it. The status is
// 0 when the answer is not complete.
func (e *exchange) try(req *http.Request) (status int, v Verdict) {
	c, begun := e.client, time.Now()
	ctx, cancel := context.WithTimeoutCause(req.Context(), c.settings.Timeout, c.late)
	defer cancel()

	sent := e.outgoing(ctx, req)
	answer, err := e.send(sent)
	if err != nil {
		v = failed(req.Context(), ctx, req.URL.Host, err)
	} else {
		v = e.read(answer)
	}
	redact := c.redactor(sent.Header.Get("Authorization")).hiding(e.request.Hidden)
	v = tidy(v, redact)
	e.conclude(v)
	if v.Meaning != Canceled {
		one := Try{
			Name: e.request.Name, At: begun, Duration: time.Since(begun), Status: answer.Status, Meaning: v.Meaning, Detail: v.Detail,
			Warning: v.Warning,
		}
		if v.Meaning != Delivered {
			one.Headers, one.Sent = telling(answer.Header, redact), e.kept(sent, redact)
		}
		e.tries = append(e.tries, one)
	}
	if err != nil {
		return 0, v
	}
	return answer.Status, v
}

// outgoing is the request of one try, with headers of its own. The credentials of
// its URL are sent unless it has others.
func (e *exchange) outgoing(ctx context.Context, req *http.Request) *http.Request {
	req = req.WithContext(ctx)
	req.Header = e.request.header(e.client.userAgent)
	if u := req.URL.User; u != nil && req.Header.Get("Authorization") == "" {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	return req
}

// send prepares the request and reads the whole answer.
func (e *exchange) send(req *http.Request) (Answer, error) {
	e.body = req.GetBody
	if e.request.Prepare != nil {
		if err := e.request.Prepare(req.Context(), req); err != nil {
			return Answer{}, unprepared(err)
		}
		if err := checkHeader(req.Header); err != nil {
			return Answer{}, &Failure{Meaning: Credentials, Err: err}
		}
	}
	e.body = req.GetBody
	sendOnce(req)
	resp, err := e.client.wire.RoundTrip(req)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	return readAnswer(resp, e.request.FixedURL)
}

// read asks the sink's reader, and then whether new credentials would help.
func (e *exchange) read(a Answer) Verdict {
	read := e.request.Read
	if read == nil {
		read = Standard
	}
	v := read(a)
	if !v.Meaning.isFromAnswer() {
		v = Verdict{Meaning: Unwell, Detail: v.Detail} // a reader that knows no better
	}
	if v.Meaning == Credentials && e.request.Renew != nil && !e.renewed && e.request.Renew(a) {
		e.renewed, e.again = true, true
	}
	return v
}

// tidy bounds the wait and cleans the detail.
func tidy(v Verdict, redact *redactor) Verdict {
	if v.Meaning == Paused || v.Wait != 0 {
		v.Wait = clampPause(v.Wait)
	}
	v.Detail = redact.clean(v.Detail, maxDetail)
	return v
}

// conclude keeps the verdict, unless it is none about a try and there was one.
func (e *exchange) conclude(v Verdict) {
	noTry := v.Meaning == BreakerOpen || v.Meaning == Canceled
	e.over = noTry
	if !noTry || len(e.tries) == 0 {
		e.last = v
	}
}

// check is the library's question whether another try follows.
func (e *exchange) check(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	switch {
	case e.over || ctx.Err() != nil:
		return false, nil
	case e.again:
		return true, nil
	case !e.quick || e.client.State() != Closed:
		return false, nil // do not wait only to be refused, or to be a probe
	}
	e.quickLeft--
	return true, nil
}

// mayFollow reports whether a quick try follows one that ended so. None follows a
// timeout: the sink may have worked, and has cost a worker's time.
func (e *exchange) mayFollow(v Verdict) bool {
	return !e.again && e.quickLeft > 0 && v.Meaning.countsAgainst() && v.Meaning != Timeout && v.Wait == 0 &&
		e.client.State() == Closed && (e.request.Quick == nil || e.request.Quick())
}

// isExcluded reports whether a try that ended so says nothing about the sink: that a
// lookup works does not mean that a write does.
func (e *exchange) isExcluded(m Meaning) bool {
	return e.request.Incidental && !m.countsAgainst() || e.again || e.quick || e.isDoubtful()
}

func (e *exchange) isDoubtful() bool { return e.request.Doubtful != nil && e.request.Doubtful() }

// backoff is the library's question how long to wait for it. The answer's
// Retry-After plays no part.
func (e *exchange) backoff(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	if e.again {
		return 0
	}
	n := *e.client.settings.QuickTries
	return quickWait(n-e.quickLeft-1, n)
}

// quickWait is the wait before quick try i of n: doubling, with jitter, and all
// n together within the budget.
func quickWait(i, n int) time.Duration {
	share := quickBudget << i / (1<<n - 1)
	return share/4 + rand.N(share*3/4) //nolint:gosec // jitter needs no secrecy
}

// outcome is what came of it all; err is the library's, for the case that it
// made no try.
func (e *exchange) outcome(err error) Outcome {
	if e.last.Meaning == 0 && err != nil {
		e.last = Verdict{Meaning: Rejected, Detail: e.client.redact.clean(withoutURL(err), maxDetail)}
	}
	return Outcome{Verdict: e.last, Tries: e.tries}
}

// giveUp stands for the library's own handler, whose error holds the URL.
func giveUp(resp *http.Response, err error, _ int) (*http.Response, error) {
	if resp != nil {
		_ = resp.Body.Close()
	}
	return nil, err
}
