package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// FuzzListings: whatever stands in the query or the id, the answer is JSON
// and never a fault of the server.
func FuzzListings(f *testing.F) {
	for _, seed := range [][2]string{
		{"limit=2&cursor=01J", ""},
		{"stage=intake&sink=%00&reason='%20OR%201=1", "x"},
		{"since=2026-01-01T00:00:00Z&until=0001-01-01T00:00:00Z", "%"},
		{"since=9999-12-31T23:59:59%2B23:59", "../x"},
		{"cursor=~~~~&cursor=a", "\xff"},
		{"number=%2B62+8&outcome=x", "a%2Fb"},
		{"limit=-1;limit=2", "01J00000000000000000000000"},
		{"until=0000-01-01T00:00:00Z", "é"},
	} {
		f.Add(seed[0], seed[1])
	}
	s, err := sqlite.Open(context.Background(), spool.Config{Path: filepath.Join(f.TempDir(), "s.db")}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(f.Context())); err != nil {
			f.Error(err)
		}
	})
	for _, body := range []string{"a", "b", "c"} {
		if err := s.KeepUndecodable(context.Background(), spool.Undecodable{Source: "dialer", Body: []byte(body), Detail: "not JSON"}); err != nil {
			f.Fatal(err)
		}
	}
	handler := admin.Handler(func() admin.Config { return admin.Config{Listen: loopback} }, admin.Deps{
		Log: slog.New(slog.DiscardHandler), Metrics: http.NotFoundHandler(), Ready: func() error { return nil },
		Operate: operate.New("api", operate.Deps{
			Store: s, Log: slog.New(slog.DiscardHandler), Server: func() operate.Server { return operate.Server{} },
		}),
	})
	f.Fuzz(func(t *testing.T, query, id string) {
		for _, u := range []*url.URL{
			{Scheme: "http", Host: loopback, Path: "/api/v1/dead-letters", RawQuery: query},
			{Scheme: "http", Host: loopback, Path: "/api/v1/dead-letters/" + id},
			{Scheme: "http", Host: loopback, Path: "/api/v1/calls", RawQuery: query},
			{Scheme: "http", Host: loopback, Path: "/api/v1/calls/" + id},
		} {
			r := (&http.Request{Method: http.MethodGet, URL: u, Host: loopback, Header: http.Header{}}).WithContext(t.Context())
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code >= 500 {
				t.Errorf("%s: %d %s", u, w.Code, w.Body)
			}
			if w.Code != http.StatusMovedPermanently && w.Code != http.StatusTemporaryRedirect && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: %d, no JSON: %q", u, w.Code, w.Body)
			}
		}
	})
}

// FuzzBodies: whatever is posted, the answer is JSON and never a fault of the
// server.
func FuzzBodies(f *testing.F) {
	for _, seed := range []string{
		`{"filter":{},"limit":1}`, `{"ids":["a"]}`, `{"filter":{"since":"2026-01-01T00:00:00Z","stage":"intake"},"dry_run":true,"rate_per_second":1e9}`,
		`{"number":"+6281234567890"}`, `{"sinks":["crm"]}`, `[`, `{"a":{"b":[{}]}}`, `{"ids":["a"]}{}`, `null`, "\xff", `{"filter":{"filter":{}}}`,
	} {
		f.Add([]byte(seed))
	}
	s, err := sqlite.Open(context.Background(), spool.Config{Path: filepath.Join(f.TempDir(), "s.db")}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(context.WithoutCancel(f.Context())) })
	handler := admin.Handler(func() admin.Config { return admin.Config{Listen: loopback} }, admin.Deps{
		Log: slog.New(slog.DiscardHandler), Metrics: http.NotFoundHandler(), Ready: func() error { return nil },
		Operate: operate.New("api", operate.Deps{
			Store: s, Log: slog.New(slog.DiscardHandler), Server: func() operate.Server { return operate.Server{} },
			NumberForms: func(typed string) (spool.NumberForms, error) { return spool.NumberForms{Digits: []string{typed}}, nil },
			Redeem:      func(context.Context, spool.DeadLetterDetail) error { return nil },
		}),
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, path := range []string{"/api/v1/dead-letters/replay", "/api/v1/dead-letters/purge", "/api/v1/calls/erase", "/api/v1/calls/x/resend", "/api/v1/sinks/x/pause", "/api/v1/explain", "/-/reload"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+loopback+path, bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
			}
		}
	})
}
