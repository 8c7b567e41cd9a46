package demo

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestCRM(t *testing.T) {
	c := newCRM()
	for _, one := range []struct {
		n           int
		token, body string
		status      int
		said        string
	}{
		{1, crmToken, `{}`, 503, "down for maintenance"},
		{2, crmToken, `{}`, 503, "down for maintenance"},
		{3, crmToken, `{"external_id":"a","revision":1}`, 201, "call logged"},
		{3, crmToken, `{"external_id":"a","keys_pressed":"2"}`, 422, `there is no field "keys_pressed"`},
		{3, crmToken, `{"zzz":1,"aaa":2}`, 422, `there is no field "aaa"`},
		{3, crmToken, `[]`, 422, "a call is a JSON object"},
		{4, "another", `{}`, 401, "wrong token"},
		{6, crmToken, `{}`, 500, "something went wrong on our side"},
		{7, crmToken, `{}`, 201, "call logged"},
		{13, crmToken, `{}`, 500, "something went wrong on our side"},
	} {
		got := c.answer(one.n, request(t, one.token), []byte(one.body))
		if got.status != one.status || got.body != one.said || got.retryAfter != "" {
			t.Errorf("request %d with %s: %+v, want %d %s", one.n, one.body, got, one.status, one.said)
		}
	}
	c.add(pressed)
	if got := c.answer(3, request(t, crmToken), []byte(`{"keys_pressed":"2"}`)); !got.ok() {
		t.Errorf("with the field: %+v", got)
	}
}

func request(t *testing.T, token string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://crm.example/api/calls", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestSlack(t *testing.T) {
	var got []string
	for n := 1; n <= 6; n++ {
		a := slack{}.answer(n, nil, []byte(`{"text":"hello"}`))
		got = append(got, fmt.Sprintf("%d%s", a.status, a.retryAfter))
	}
	if all := strings.Join(got, " "); all != "4291 200 200 200 4291 200" {
		t.Errorf("answers %s", all)
	}
	if a := (slack{}).answer(2, nil, []byte("hello")); a.status != 400 {
		t.Errorf("no JSON: %+v", a)
	}
}

// TestStandInTakesNotes speaks HTTP with one.
func TestStandInTakesNotes(t *testing.T) {
	s, err := newStandIn(t.Context(), slack{})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i, message := range []string{"msg_a", "msg_a", "msg_b"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr()+"/services/x", strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Idempotency-Key", message)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.Body.Close() != nil {
			t.Fatal(err)
		}
		if paused := resp.Header.Get("Retry-After") == "1" && resp.StatusCode == 429 && string(body) == "rate_limited"; paused != (i == 0) {
			t.Errorf("request %d: %d %s", i+1, resp.StatusCode, body)
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if all, failed := s.count(); all != 3 || failed != 1 || len(s.of("msg_a")) != 2 {
		t.Errorf("%d requests, %d failed, notes %+v", all, failed, s.notes)
	}
	if !s.taken("msg_a") || !s.taken("msg_b") || s.taken("msg_c") {
		t.Errorf("notes %+v", s.notes)
	}
}
