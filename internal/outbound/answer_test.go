package outbound

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStandardDecidesForEveryStatus is the table of the contract, written out.
func TestStandardDecidesForEveryStatus(t *testing.T) {
	for status := range 1000 {
		want := map[bool]Meaning{}
		for _, fixed := range []bool{true, false} {
			switch {
			case status >= 200 && status <= 299:
				want[fixed] = Delivered
			case status == 408, status == 423, status == 425, status == 429, status == 477:
				want[fixed] = Unwell
			case status == 401, status == 402, status == 403, status == 407:
				want[fixed] = Credentials
			case fixed && (status == 301 || status == 308 || status == 404 || status == 405 || status == 410):
				want[fixed] = Credentials
			case status >= 300 && status <= 499:
				want[fixed] = Rejected
			default:
				want[fixed] = Unwell
			}
			if got := Standard(Answer{Status: status, FixedURL: fixed}); got.Meaning != want[fixed] || got.Wait != 0 {
				t.Errorf("%d, fixed URL %v: got %v after %v, want %v", status, fixed, got.Meaning, got.Wait, want[fixed])
			}
		}
	}
}

func TestStandardReadsRetryAfter(t *testing.T) {
	for status, want := range map[int]Verdict{
		200: {Meaning: Delivered},
		402: {Meaning: Credentials, Wait: 30 * time.Second},
		408: {Meaning: Unwell, Wait: 30 * time.Second},
		422: {Meaning: Rejected},
		423: {Meaning: Unwell, Wait: 30 * time.Second},
		477: {Meaning: Paused, Wait: 30 * time.Second},
		429: {Meaning: Paused, Wait: 30 * time.Second},
		500: {Meaning: Unwell, Wait: 30 * time.Second},
		503: {Meaning: Paused, Wait: 30 * time.Second},
	} {
		got := Standard(Answer{Status: status, Header: http.Header{"Retry-After": {"30"}}})
		if got.Meaning != want.Meaning || got.Wait != want.Wait {
			t.Errorf("%d: got %v %v, want %v %v", status, got.Meaning, got.Wait, want.Meaning, want.Wait)
		}
	}
	if got := Standard(Answer{Status: 429, Header: http.Header{"Retry-After": {"-30"}}}); got.Meaning != Unwell {
		t.Errorf("a Retry-After that is none: got %v", got.Meaning)
	}
}

func TestStandardDetail(t *testing.T) {
	for _, c := range []struct {
		answer Answer
		want   string
	}{
		{Answer{Status: 422, Body: []byte(" {\"error\":\"no phone\"}\n")}, `422 Unprocessable Entity: {"error":"no phone"}`},
		{Answer{Status: 204}, "204 No Content"},
		{Answer{Status: 599, Body: []byte("odd")}, "599: odd"},
	} {
		if got := Standard(c.answer).Detail; got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := Standard(Answer{Status: 400, Body: []byte(strings.Repeat("x", maxBody))}).Detail; len(got) > maxRawDetail+100 {
		t.Errorf("%d bytes of detail", len(got))
	}
}

func TestMeaningNames(t *testing.T) {
	want := "unknown delivered rejected unwell timeout connect credentials paused breaker_open canceled"
	var got []string
	for m := Meaning(0); m <= Canceled; m++ {
		got = append(got, m.String())
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}
