package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The tests TestTrap… here are the traps of go-retryablehttp, one each.

// TestTrapRetryAfterIsNeverSleptOn: the library sleeps an hour on 3600 although
// RetryWaitMax is 30 s, and on 9223372037 it overflows and does not wait at all.
func TestTrapRetryAfterIsNeverSleptOn(t *testing.T) {
	for _, value := range []string{"3600", "9223372037", "86400"} {
		for _, status := range []int{429, 503} {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				c := newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) {
					calls++
					return reply(status, "", "Retry-After", value)(r)
				})}, quick(2))
				begun := time.Now()
				o := c.Do(t.Context(), post(anywhere))
				isMeaning(t, o, Paused, "paused")
				if o.Wait != time.Hour || time.Since(begun) != 0 || calls != 1 {
					t.Errorf("%d, %s: wait %v, slept %v, %d calls", status, value, o.Wait, time.Since(begun), calls)
				}
			})
		}
	}
}

// TestTrapRetryAfterInAllFormsOnAllCodes: the library reads it on 429 and 503,
// as seconds and as RFC 1123.
func TestTrapRetryAfterInAllFormsOnAllCodes(t *testing.T) {
	at := time.Now().Add(90 * time.Second).UTC()
	for _, value := range []string{"90", at.Format(http.TimeFormat), at.Format("Monday, 02-Jan-06 15:04:05 GMT"), at.Format(time.ANSIC)} {
		for status, want := range map[int]Meaning{408: Unwell, 425: Unwell, 429: Paused, 500: Unwell, 502: Unwell, 503: Paused, 504: Unwell} {
			o := newClient(t, Transport{Wire: reply(status, "", "Retry-After", value)}, quick(2)).Do(t.Context(), post(anywhere))
			isMeaning(t, o, want, want.String())
			if o.Wait < 85*time.Second || o.Wait > 90*time.Second {
				t.Errorf("%d, %s: wait %v", status, value, o.Wait)
			}
		}
	}
}

// TestTrapOwnPolicyForCodes: the library does not retry 408 and 425, and would
// retry a rejected 409 no more than we do.
func TestTrapOwnPolicyForCodes(t *testing.T) {
	for status, want := range map[int]string{
		200: "delivered", 204: "delivered", 302: "rejected", 400: "rejected", 409: "rejected", 422: "rejected",
		408: "unwell unwell unwell", 425: "unwell unwell unwell", 429: "unwell unwell unwell",
		500: "unwell unwell unwell", 501: "unwell unwell unwell", 503: "unwell unwell unwell",
		403: "credentials credentials credentials",
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newClient(t, Transport{Wire: answers(status)}, Settings{}).Do(t.Context(), post(anywhere))
			if meanings(o) != want {
				t.Errorf("%d: %s, want %s", status, meanings(o), want)
			}
		})
	}
}

// TestTrapBackoffHasJitter: the library's has none; ours stays within two
// seconds in all.
func TestTrapBackoffHasJitter(t *testing.T) {
	seen := map[time.Duration]bool{}
	for n := 1; n <= maxQuickTries; n++ {
		synctest.Test(t, func(t *testing.T) {
			s := quick(n)
			s.Breaker.ConsecutiveFailures = 100
			begun := time.Now()
			o := newClient(t, Transport{Wire: fail(errRefused)}, s).Do(t.Context(), post(anywhere))
			waited := time.Since(begun)
			seen[waited] = true
			if len(o.Tries) != n+1 || waited >= quickBudget || waited < quickBudget/4-time.Millisecond {
				t.Errorf("%d quick tries: %d tries, waited %v", n, len(o.Tries), waited)
			}
		})
	}
	if len(seen) < maxQuickTries/2 {
		t.Error("no jitter")
	}
	if a, b := quickWait(0, 2), quickWait(1, 2); a >= 2*quickBudget/3 || b < quickBudget/6 {
		t.Errorf("waits do not grow: %v, %v", a, b)
	}
}

// TestTrapBrokenPostIsRepeatedUnderOneID: the server may have worked although the
// connection broke, so that every try has the same id and the same body.
func TestTrapBrokenPostIsRepeatedUnderOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids, bodies []string
		c := newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) {
			b, _ := io.ReadAll(r.Body)
			ids, bodies = append(ids, r.Header.Get("Idempotency-Key")), append(bodies, string(b))
			return nil, io.ErrUnexpectedEOF
		})}, Settings{})
		isMeaning(t, c.Do(t.Context(), post(anywhere)), Connect, "connect connect connect")
		if got, want := fmt.Sprint(ids, bodies), `[msg_1 msg_1 msg_1] [{"id":"1"} {"id":"1"} {"id":"1"}]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// TestTrapTimedOutPostIsNotRepeated: the server may have worked although we saw
// a timeout, and the time is lost already.
func TestTrapTimedOutPostIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newClient(t, Transport{Wire: wire(hang)}, Settings{}).Do(t.Context(), post(anywhere))
		isMeaning(t, o, Timeout, "timeout")
		if want := "crm.example.com: no complete answer within timeout (10s)"; o.Detail != want || o.Tries[0].Duration != 10*time.Second {
			t.Errorf("got %q after %v", o.Detail, o.Tries[0].Duration)
		}
	})
}

// TestTrapURLStaysOutOfErrorsAndLogs: the library writes it into both, and the
// URLs of Slack and its like are secrets. No secret is declared here.
func TestTrapURLStaysOutOfErrorsAndLogs(t *testing.T) {
	var logged strings.Builder
	listen := func(h slog.Handler) { slog.SetDefault(slog.New(h)) } //nolint:forbidigo // net/http writes to package log, which has no other door
	listen(slog.NewTextHandler(&logged, nil))
	t.Cleanup(func() { listen(slog.DiscardHandler) })
	cause := &url.Error{Op: "Post", URL: anywhere, Err: errRefused}
	for name, err := range map[string]error{
		"plain":   errors.New("proxy said no to " + anywhere),
		"url":     cause,
		"wrapped": fmt.Errorf("token: %w", cause),
		"blank":   &url.Error{Op: "Post", URL: `https://me:USERSECRET@crm.example.com/a "SECRETPATH`, Err: errRefused},
		"twice":   &url.Error{Op: "Post", URL: "https://h.example.com/a SECRETPATH", Err: errors.New("no way to https://h.example.com/a SECRETPATH")},
		"broken":  &url.Error{Op: "parse", URL: "%SECRETPATH", Err: errRefused},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newClient(t, Transport{Wire: fail(err)}, Settings{}).Do(t.Context(), post(anywhere))
			r := post(anywhere)
			r.Prepare = func(context.Context, *http.Request) error { return err }
			p := newClient(t, Transport{Wire: fail(err)}, Settings{}).Do(t.Context(), r)
			text := fmt.Sprint(o, p) + logged.String()
			if strings.Contains(text, "SECRET") || !strings.HasPrefix(o.Detail, "crm.example.com: ") {
				t.Errorf("%s: %s", name, text)
			}
		})
	}
}

func TestRequestsThatCannotBeSentAreRejectedWithoutTheURL(t *testing.T) {
	net := answers(200)
	c := newClient(t, Transport{Wire: net}, Settings{})
	header := func(name, value string) *Request {
		r := post(anywhere)
		r.Header = http.Header{name: {value}}
		return r
	}
	method := post(anywhere)
	method.Method = "NOT A METHOD"
	for want, r := range map[string]*Request{
		"the URL cannot be used: it needs http:// or https:// and a host":   post("https://crm.example.com/%zzSECRET"),
		"the URL cannot be used: it needs http:// or https:// and a host ":  post("ftp://crm.example.com/SECRET"),
		"the URL cannot be used: it needs http:// or https:// and a host  ": post("/SECRET"),
		"header X-Tenant holds a line break or another control character":   header("X-Tenant", "SECRET\nX-Admin: 1"),
		`"X Tenant" is no name for a header`:                                header("X Tenant", "SECRET"),
		`net/http: invalid method "NOT A METHOD"`:                           method,
	} {
		o := c.Do(t.Context(), r)
		isMeaning(t, o, Rejected, "")
		if o.Detail != strings.TrimSpace(want) {
			t.Errorf("got %q, want %q", o.Detail, want)
		}
	}
	if len(net.seen) != 0 || c.State() != Closed {
		t.Error("something was sent")
	}
}

// TestTrapGivingUpKeepsTheAnswer: the library's give-up is a nil response and
// an error without status, or a body left open.
func TestTrapGivingUpKeepsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int64
		c := newClient(t, Transport{Wire: wire(func(r *http.Request) (*http.Response, error) {
			resp, err := reply(502, "the backend is gone")(r)
			open.Add(1)
			resp.Body = closing{resp.Body, func() { open.Add(-1) }}
			return resp, err
		})}, Settings{})
		o := c.Do(t.Context(), post(anywhere))
		isMeaning(t, o, Unwell, "unwell unwell unwell")
		last := o.Tries[2]
		if last.Status != 502 || o.Detail != "502 Bad Gateway: the backend is gone" || last.Detail != o.Detail || open.Load() != 0 {
			t.Errorf("%+v, %d bodies open", o, open.Load())
		}
	})
}

type closing struct {
	io.Reader
	closed func()
}

func (c closing) Close() error { c.closed(); return nil }

// TestTrapGivingUpClosesNoNeighboursConnections: every give-up of the library
// closes the idle connections of the transport it shares.
func TestTrapGivingUpClosesNoNeighboursConnections(t *testing.T) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	dead := httptest.NewServer(nil)
	dead.Close()

	s := quick(0)
	s.Breaker.ConsecutiveFailures, s.Breaker.MinRequests = 1000, 1000
	good := newClient(t, Transport{}, s)
	neighbour := newClient(t, Transport{}, s)
	for range 20 {
		isMeaning(t, good.Do(t.Context(), post(server.URL)), Delivered, "delivered")
		isMeaning(t, good.Do(t.Context(), post(server.URL+"/bad")), Unwell, "unwell")
		isMeaning(t, neighbour.Do(t.Context(), post(dead.URL)), Connect, "connect")
	}
	if opened.Load() != 1 {
		t.Errorf("40 POSTs beside a failing neighbour used %d connections", opened.Load())
	}
}

// TestTrapGivingUpClosesNoConnectionOfTheSinkItself: one of two idle
// connections breaks, and the other one serves on.
func TestTrapGivingUpClosesNoConnectionOfTheSinkItself(t *testing.T) {
	var opened atomic.Int64
	both := make(chan struct{}, 2)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hangup":
			panic(http.ErrAbortHandler)
		case "/meet": // until two are here
			both <- struct{}{}
			for len(both) < 2 {
				<-time.After(time.Millisecond)
			}
		}
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := newClient(t, Transport{}, quick(0))
	send := func(path string, want Meaning) {
		r := post(server.URL + path)
		r.Header = nil // with an Idempotency-Key net/http would itself repeat it
		isMeaning(t, c.Do(t.Context(), r), want, want.String())
	}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { send("/meet", Delivered) })
	}
	group.Wait()
	send("/hangup", Connect)
	send("/", Delivered)
	if opened.Load() != 2 {
		t.Errorf("%d connections, want 2", opened.Load())
	}
}

// TestTrapLongBodiesAreDrained: the library drains 4,096 bytes and then loses
// the connection.
func TestTrapLongBodiesAreDrained(t *testing.T) {
	for size, want := range map[int]int64{100: 1, 5_000: 1, maxBody: 1, maxBody + 1: 1, 200_000: 1, 2_000_000: 5} {
		var opened atomic.Int64
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, size))
		}))
		server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				opened.Add(1)
			}
		}
		server.Start()
		c := newClient(t, Transport{}, quick(0))
		for range 5 {
			isMeaning(t, c.Do(t.Context(), post(server.URL)), Delivered, "delivered")
		}
		if opened.Load() != want {
			t.Errorf("%d bytes: %d connections, want %d", size, opened.Load(), want)
		}
		c.Close()
		server.Close()
	}
}

// TestTrapEachTryIsPreparedAfresh: the library signs once; a receiver that
// checks the age of the timestamp would refuse the second try.
func TestTrapEachTryIsPreparedAfresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := answers(500, 500, 200)
		c := newClient(t, Transport{Wire: net}, Settings{})
		r := post(anywhere)
		r.Prepare = func(ctx context.Context, req *http.Request) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("prepared without the timeout")
			}
			req.Header.Add("Webhook-Timestamp", time.Now().Format(time.RFC3339Nano))
			return nil
		}
		isMeaning(t, c.Do(t.Context(), r), Delivered, "unwell unwell delivered")
		stamps := map[string]bool{}
		for _, sent := range net.seen {
			if len(sent.Header["Webhook-Timestamp"]) != 1 {
				t.Errorf("headers pile up: %v", sent.Header)
			}
			stamps[sent.Header.Get("Webhook-Timestamp")] = true
		}
		if len(stamps) != 3 || len(r.Header) != 1 {
			t.Errorf("%v; the request's own header: %v", stamps, r.Header)
		}
	})
}

// TestOneRequestMayBeSentByManyAtOnce would show a race on what tries share.
func TestOneRequestMayBeSentByManyAtOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	c := newClient(t, Transport{}, Settings{})
	r := post(server.URL)
	r.Prepare = func(_ context.Context, req *http.Request) error { req.Header.Set("X-Try", "1"); return nil }
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if o := c.Do(t.Context(), r); o.Meaning != Delivered {
				t.Error(o)
			}
		})
	}
	group.Wait()
}
