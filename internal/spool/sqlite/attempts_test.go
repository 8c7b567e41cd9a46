package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func failedAttempt(n int, body string) spool.Attempt {
	a := spool.Attempt{Result: fmt.Sprint(n), Headers: map[string]string{"Retry-After": "1"}}
	if body != "" {
		a.Request = &spool.Sent{Method: "POST", URL: "https://crm.example/x", Body: body}
	}
	return a
}

// Every attempt shows what it sent, and a request that is repeated takes the space
// of one.
func TestAttemptsKeepWhatWasSentOnce(t *testing.T) {
	body := strings.Repeat("x", 4096)
	d := &delivery{attempts: []byte(`[{"at":"2026-01-02T03:04:05Z","duration_ms":7,"result":"old","detail":"of an older version"}]`)}
	want := []spool.Attempt{decodeAttempts(d.attempts)[0]}
	for i := range 10 {
		one := failedAttempt(i, body)
		want = append(want, one)
		d.attempts, _ = d.addAttempts([]spool.Attempt{one})
	}
	delivered := spool.Attempt{Result: "delivered", Status: 200}
	want = append(want, delivered)
	d.attempts, _ = d.addAttempts([]spool.Attempt{delivered})
	if diff := cmp.Diff(want, decodeAttempts(d.attempts)); diff != "" {
		t.Error(diff)
	}
	if len(d.attempts) > len(body)+2048 {
		t.Errorf("%d bytes for one request", len(d.attempts))
	}
}

// Requests that differ each time are bounded: the first and the latest are kept.
func TestDifferentRequestsAreBounded(t *testing.T) {
	d := &delivery{}
	for i := range 100 {
		body := fmt.Sprintf("%d%s", i/2, strings.Repeat("x", 4096))
		d.attempts, d.Tries = d.addAttempts([]spool.Attempt{failedAttempt(i, body)})
	}
	kept := decodeAttempts(d.attempts)
	if len(kept) != attemptsFirst+attemptsLast || d.Tries != 100 {
		t.Fatalf("%d attempts of %d tries", len(kept), d.Tries)
	}
	var shown []string
	for _, a := range kept {
		if a.Request != nil {
			shown = append(shown, a.Result+" sent "+strings.Trim(a.Request.Body, "x"))
		}
	}
	want := []string{"0 sent 0", "1 sent 0", "92 sent 46", "93 sent 46", "94 sent 47", "95 sent 47", "96 sent 48", "97 sent 48", "98 sent 49", "99 sent 49"}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
	if len(d.attempts) > maxRequests*4200+20*200 {
		t.Errorf("%d bytes", len(d.attempts))
	}
}

func TestADamagedLogOfAttemptsLosesOnlyItself(t *testing.T) {
	for _, log := range []string{"", "null", "{", "[]", "7", "[7]"} {
		if got := decodeAttempts([]byte(log)); got != nil {
			t.Errorf("%q: %v", log, got)
		}
	}
	if got := decodeAttempts([]byte(`[{"result":"a","same_request":true}]`)); len(got) != 1 || got[0].Request != nil {
		t.Errorf("%+v", got)
	}
}
