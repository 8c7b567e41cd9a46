package outbound

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// previewed is a request with a secret in every place, and its transport, whose
// wire fails the test.
func previewed(t *testing.T) (Transport, *Request) {
	t.Helper()
	transport := Transport{
		UserAgent: "cdrelay/test",
		Secrets:   []secret.Value{secret.New("https://me:passw0rd@hooks.example.com/in/t0ken-of-url?k=${call.account}"), secret.New("bearer-t0ken")},
		Wire: roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("a preview went to the network")
			return nil, errors.New("no network")
		}),
	}
	return transport, &Request{
		Method: http.MethodPost, URL: "https://me:passw0rd@hooks.example.com/in/t0ken-of-url?k=acme",
		Header: http.Header{"Authorization": {"Bearer bearer-t0ken"}, "Content-Type": {"application/json"}},
		Body:   []byte("{\n\"note\":\"bearer-t0ken\"}"),
		Prepare: func(context.Context, *http.Request) error {
			t.Error("a preview prepared a try")
			return nil
		},
		Preview: func(w *Wire) { w.Header.Set("X-Signature", Mask) },
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestPreview(t *testing.T) {
	transport, r := previewed(t)
	got, err := transport.Preview(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := Wire{Method: r.Method, URL: r.URL, Body: r.Body, Header: http.Header{
		"Authorization": {"Bearer bearer-t0ken"}, "Content-Type": {"application/json"},
		"User-Agent": {"cdrelay/test"}, "X-Signature": {Mask},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if r.Header.Get("User-Agent") != "" || r.Header.Get("X-Signature") != "" {
		t.Error("the request was changed")
	}
}

func TestPreviewShown(t *testing.T) {
	transport, r := previewed(t)
	wire, err := transport.Preview(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := Wire{
		Method: r.Method, URL: "https://********@hooks.example.com/********acme", Body: []byte("{\n\"note\":\"********\"}"),
		Header: http.Header{
			"Authorization": {"Bearer ********"}, "Content-Type": {"application/json"},
			"User-Agent": {"cdrelay/test"}, "X-Signature": {Mask},
		},
	}
	if d := cmp.Diff(want, transport.Shown(wire)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if wire.Header.Get("Authorization") != "Bearer bearer-t0ken" {
		t.Error("the wire was changed")
	}
}

func TestPreviewShowsAddresses(t *testing.T) {
	transport := Transport{Secrets: []secret.Value{secret.New("https://crm.example.com/api/calls")}}
	for address, want := range map[string]string{
		"https://crm.example.com/api/calls":            "https://crm.example.com/" + Mask,
		"https://crm.example.com/":                     "https://crm.example.com/",
		"https://crm.example.com":                      "https://crm.example.com/",
		"https://user@other.example.com/open?a=b":      "https://" + Mask + "@other.example.com/open?a=b",
		"not a URL: https://crm.example.com/api/calls": "not a URL: " + Mask,
	} {
		if got := transport.Shown(Wire{URL: address}).URL; got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestPreviewOfWhatCannotBeSent(t *testing.T) {
	transport, r := previewed(t)
	r.Header.Set("X-Odd", "two\nlines")
	if _, err := transport.Preview(t.Context(), r); err == nil || !strings.Contains(err.Error(), "X-Odd") {
		t.Error(err)
	}
	r.URL = "ftp://hooks.example.com/in/t0ken-of-url"
	if _, err := transport.Preview(t.Context(), r); err == nil || strings.Contains(err.Error(), "t0ken") {
		t.Error(err)
	}
}

func TestRedact(t *testing.T) {
	long := strings.Repeat("text ", maxDetail)
	if got := Redact(long+"hunter2", secret.New("hunter2"), secret.Value{}); got != long+Mask {
		t.Errorf("%d bytes, ending %q", len(got), got[len(got)-10:])
	}
	if got := Redact("nothing to hide"); got != "nothing to hide" {
		t.Error(got)
	}
}
