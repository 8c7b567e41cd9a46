package adminclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/adminclient"
)

const token = "s3cret-token"

// serve answers everything alike, but its health.
func serve(t *testing.T, status int, kind, body string) (*adminclient.Client, *http.Request) {
	t.Helper()
	return serveWith(t, http.StatusOK, status, kind, body)
}

func serveWith(t *testing.T, health, status int, kind, body string) (*adminclient.Client, *http.Request) {
	t.Helper()
	seen := new(http.Request)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			w.WriteHeader(health)
			return
		}
		text, _ := io.ReadAll(r.Body) // shown by the comparison
		*seen = *r
		seen.Body = io.NopCloser(strings.NewReader(string(text)))
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	c, err := adminclient.New(s.URL+"/", token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, seen
}

func TestRequests(t *testing.T) {
	c, seen := serve(t, 200, "application/json", `{"a":1}`)
	var out struct{ A int }
	if err := c.Get(t.Context(), "/api/x", url.Values{"n": {"+62 8"}}, &out); err != nil || out.A != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	if seen.Method != "GET" || seen.URL.String() != "/api/x?n=%2B62+8" || seen.Header.Get("Authorization") != "Bearer "+token || seen.Header.Get("Content-Type") != "" {
		t.Errorf("get: %s %s %v", seen.Method, seen.URL, seen.Header)
	}
	if err := c.Post(t.Context(), "/api/y", map[string]int{"b": 2}, &out); err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(seen.Body)
	if seen.Method != "POST" || string(body) != `{"b":2}` || seen.Header.Get("Content-Type") != "application/json" {
		t.Errorf("post: %s %s %v", seen.Method, body, seen.Header)
	}
	if err := c.Post(t.Context(), "/api/z", nil, &out); err != nil || seen.Header.Get("Content-Type") != "" || seen.ContentLength != 0 {
		t.Errorf("post without a body: %v %v %d", err, seen.Header, seen.ContentLength)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name       string
		status     int
		kind, body string
		want       string
	}{
		{"a problem", 404, "application/problem+json", `{"status":404,"detail":"there is no call"}`, "there is no call"},
		{"a problem without detail", 503, "application/problem+json", `{}`, "503 Service Unavailable"},
		{"wrong token", 401, "application/problem+json", `{"detail":"x"}`, "does not take the token in CDRELAY_ADMIN_TOKEN"},
		{"another server", 200, "text/html", "<html>", "no private listener of cdrelay"},
		{"the public listener", 404, "text/plain", "", "not listen"},
		{"a redirect", 302, "text/plain", "", "no private listener"},
		{"damaged JSON", 200, "application/json", "{", "another version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := serve(t, tt.status, tt.kind, tt.body)
			err := c.Get(t.Context(), "/", nil, new(map[string]any))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), token) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestThePublicListenerIsToldApart although it words its errors as the private
// one does.
func TestThePublicListenerIsToldApart(t *testing.T) {
	c, _ := serveWith(t, 404, 404, "application/problem+json", `{"detail":"no callbacks are taken here"}`)
	if err := c.Get(t.Context(), "/api/v1/calls", nil, nil); err == nil || !strings.Contains(err.Error(), "not listen") {
		t.Errorf("error %v", err)
	}
}

func TestProblemKeepsItsStatus(t *testing.T) {
	c, _ := serve(t, 404, "application/problem+json", `{"detail":"none"}`)
	var p *adminclient.Problem
	if err := c.Get(t.Context(), "/", nil, nil); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("error %v", err)
	}
}

func TestMissingToken(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer s.Close()
	c, err := adminclient.New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Get(t.Context(), "/", nil, nil); err == nil || !strings.Contains(err.Error(), "wants a token") {
		t.Errorf("error %v", err)
	}
}

func TestServerIsAway(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	_ = l.Close()
	c, err := adminclient.New(address, token)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Get(t.Context(), "/api/v1/status", nil, nil)
	for _, want := range []string{address, "connection refused", "cdrelay serve", "--admin"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Get(ctx, "/", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1:8081", "ftp://x", "http://", ":", "http://[::1"} {
		if _, err := adminclient.New(address, ""); err == nil || !strings.Contains(err.Error(), adminclient.DefaultURL) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestListFollowsPages(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RawQuery)
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from) // none is the first page
		w.Header().Set("Content-Type", "application/json")
		next := fmt.Sprint(from + 2)
		if from == 4 {
			next = ""
		}
		_, _ = fmt.Fprintf(w, `{"items":[%d,%d],"next_cursor":%q}`, from, from+1, next)
	}))
	defer s.Close()
	c, err := adminclient.New(s.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for limit, want := range map[int]string{0: "0 1 2 3 4 5", 4: "0 1 2 3", 100: "0 1 2 3 4 5"} {
		var got []string
		query := url.Values{"a": {"b"}}
		err := c.List(t.Context(), "/x", query, limit, func(item json.RawMessage) error {
			got = append(got, string(item))
			return nil
		})
		if err != nil || strings.Join(got, " ") != want || len(query) != 1 {
			t.Errorf("limit %d: %v %v", limit, got, err)
		}
	}
	if last := asked[len(asked)-1]; !strings.Contains(last, "a=b") {
		t.Errorf("asked %v", asked)
	}
	stop := errors.New("stop")
	if err := c.List(t.Context(), "/x", nil, 0, func(json.RawMessage) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}
