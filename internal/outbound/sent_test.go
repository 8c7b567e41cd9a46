package outbound

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/secret"
)

func TestATryThatDoesNotDeliverKeepsWhatWasSent(t *testing.T) {
	net := &script{answers: []wire{
		reply(500, "down for me:t0psecret", "Retry-After", "0", "X-Request-Id", "r-1", "X-Echo", "me:t0psecret", "X-Trace-Id", "of t0psecret"),
		fail(errRefused),
		reply(200, "ok", "X-Request-Id", "r-2"),
	}}
	c := newClient(t, Transport{Wire: net, Secrets: []secret.Value{secret.New("t0psecret")}}, quick(0))
	r := post("https://me:t0psecret@crm.example.com/calls/s:k?token=t0psecret&a=b")
	r.Body = []byte(`{"id":"s:k","key":"t0psecret","note":"` + strings.Repeat("x", maxSentBody) + `"}`)
	want := &Sent{
		Method: http.MethodPost,
		URL:    "https://********@crm.example.com/calls/s:k?token=********&a=b",
		Body:   (`{"id":"s:k","key":"********","note":"` + strings.Repeat("x", maxSentBody))[:maxSentBody],
	}
	first := c.Do(t.Context(), r).Tries[0]
	if diff := cmp.Diff(want, first.Sent); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"Retry-After": "0", "X-Request-Id": "r-1", "X-Trace-Id": "of ********"}, first.Headers); diff != "" {
		t.Error(diff)
	}
	if second := c.Do(t.Context(), r).Tries[0]; second.Sent == nil || second.Headers != nil || second.Meaning != Connect {
		t.Errorf("%+v", second)
	}
	if third := c.Do(t.Context(), r).Tries[0]; third.Sent != nil || third.Headers != nil {
		t.Errorf("a try that delivered keeps %+v", third)
	}
}

// What Prepare changes for each try is what is kept.
func TestWhatWasSentIsThatOfTheTry(t *testing.T) {
	c := newClient(t, Transport{Wire: answers(500)}, quick(2))
	r, n := post(anywhere), 0
	r.Prepare = func(_ context.Context, wire *http.Request) error {
		n++
		return Rewrite(wire, &Request{URL: "https://crm.example.com/?try=" + strings.Repeat("i", n), Body: []byte(strings.Repeat("b", n))})
	}
	o := c.Do(t.Context(), r)
	var sent []string
	for _, try := range o.Tries {
		_, query, _ := strings.Cut(try.Sent.URL, "?")
		sent = append(sent, query+" "+try.Sent.Body)
	}
	if diff := cmp.Diff([]string{"try=i b", "try=ii bb", "try=iii bbb"}, sent); diff != "" {
		t.Error(diff)
	}
}

// What came of a secret is in nothing that is kept, that of a later try neither.
func TestHiddenTextsAreKeptNowhere(t *testing.T) {
	net := &script{answers: []wire{reply(500, "wrong: signature-1"), reply(400, "wrong: signature-2")}}
	c := newClient(t, Transport{Wire: net, Secrets: []secret.Value{secret.New("t0psecret")}}, quick(1))
	r := post("https://crm.example.com/?sign=signature-1")
	r.Hidden = []string{"signature-1"}
	n := 0
	r.Prepare = func(_ context.Context, wire *http.Request) error {
		n++
		r.Hidden = []string{"signature-" + strconv.Itoa(n)}
		return Rewrite(wire, &Request{URL: "https://crm.example.com/?sign=" + r.Hidden[0], Body: []byte("t0psecret " + r.Hidden[0])})
	}
	tries := c.Do(t.Context(), r).Tries
	if len(tries) != 2 {
		t.Fatalf("%d tries", len(tries))
	}
	for _, one := range tries {
		if one.Sent.URL != "https://crm.example.com/?sign=********" || one.Sent.Body != "******** ********" || !strings.HasSuffix(one.Detail, "wrong: ********") {
			t.Errorf("kept: %+v, %s", one.Sent, one.Detail)
		}
	}
	r.Withheld, r.Hidden = true, []string{"signature-1"}
	if shown := c.Do(t.Context(), r).Tries[0].Sent; shown.URL != "https://crm.example.com/?sign=********" {
		t.Errorf("withheld: %+v", shown)
	}
}

func TestHeadersThatAreKeptAreBounded(t *testing.T) {
	h := http.Header{}
	for i := range 40 {
		h.Set("X-Ratelimit-"+string(rune('A'+i%26))+string(rune('A'+i/26)), strings.Repeat("9", 10_000))
	}
	kept := telling(h, redactorOf())
	if len(kept) != maxSentHeaders {
		t.Errorf("%d headers", len(kept))
	}
	for name, value := range kept {
		if len(value) > maxSentHeader {
			t.Errorf("%s: %d bytes", name, len(value))
		}
	}
}
