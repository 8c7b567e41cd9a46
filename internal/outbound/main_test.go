package outbound

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a network for tests with fake time.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

// reply answers completely; headers are name and value in turn.
func reply(status int, body string, headers ...string) wire {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i+1 < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		content := io.NopCloser(strings.NewReader(body))
		return &http.Response{StatusCode: status, Header: h, Body: content, ContentLength: int64(len(body))}, nil
	}
}

// fail does not answer.
func fail(err error) wire {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// script answers one after the other, the last one again and again.
type script struct {
	answers []wire
	seen    []*http.Request
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	i := min(len(s.seen), len(s.answers)-1)
	s.seen = append(s.seen, r)
	return s.answers[i](r)
}

func answers(statuses ...int) *script {
	s := &script{}
	for _, status := range statuses {
		s.answers = append(s.answers, reply(status, ""))
	}
	return s
}

var errRefused = errors.New("connection refused")

// quick gives settings with that many quick tries and the rest as by default.
func quick(n int) Settings { return Settings{QuickTries: &n} }

func newClient(t *testing.T, tr Transport, s Settings) *Client {
	t.Helper()
	c, err := New("crm", tr, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func post(url string) *Request {
	return &Request{Method: http.MethodPost, URL: url, Header: http.Header{"Idempotency-Key": {"msg_1"}}, Body: []byte(`{"id":"1"}`)}
}

const anywhere = "https://crm.example.com/hooks/T000SECRETPATH?token=QUERYSECRET"

func meanings(o Outcome) string {
	var all []string
	for _, try := range o.Tries {
		all = append(all, try.Meaning.String())
	}
	return strings.Join(all, " ")
}

// isMeaning fails the test unless the outcome has the meaning and the tries.
func isMeaning(t *testing.T, o Outcome, want Meaning, tries string) {
	t.Helper()
	if o.Meaning != want || meanings(o) != tries {
		t.Errorf("got %v after tries %q (%s), want %v after %q", o.Meaning, meanings(o), o.Detail, want, tries)
	}
}

// do makes n exchanges that must end with the meaning.
func do(t *testing.T, c *Client, n int, want Meaning) {
	t.Helper()
	for range n {
		if o := c.Do(t.Context(), post(anywhere)); o.Meaning != want {
			t.Fatalf("got %v (%s), want %v", o.Meaning, o.Detail, want)
		}
	}
}

func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// after runs the function in that time; inside a bubble it costs none.
func after(ctx context.Context, d time.Duration, f func()) {
	go func() {
		select {
		case <-time.After(d):
			f()
		case <-ctx.Done():
		}
	}()
}
