package admin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// FuzzDeadLetters: whatever stands in the query or the id, the answer is JSON
// and never a fault of the server.
func FuzzDeadLetters(f *testing.F) {
	for _, seed := range [][2]string{
		{"limit=2&cursor=01J", ""},
		{"stage=intake&sink=%00&reason='%20OR%201=1", "x"},
		{"since=2026-01-01T00:00:00Z&until=0001-01-01T00:00:00Z", "%"},
		{"since=9999-12-31T23:59:59%2B23:59", "../x"},
		{"cursor=~~~~&cursor=a", "\xff"},
		{"limit=-1;limit=2", "01J00000000000000000000000"},
		{"until=0000-01-01T00:00:00Z", "é"},
	} {
		f.Add(seed[0], seed[1])
	}
	s, err := spool.Open(context.Background(), spool.Config{Path: filepath.Join(f.TempDir(), "s.db")}, spool.Deps{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	for _, body := range []string{"a", "b", "c"} {
		if err := s.KeepUndecodable(context.Background(), spool.Undecodable{Source: "dialer", Body: []byte(body), Detail: "not JSON"}); err != nil {
			f.Fatal(err)
		}
	}
	handler := admin.Handler(func() admin.Config { return admin.Config{Listen: loopback} }, admin.Deps{
		Store: s, Log: slog.New(slog.DiscardHandler), Metrics: http.NotFoundHandler(),
		Ready: func() error { return nil }, Server: func() admin.ServerStatus { return admin.ServerStatus{} },
	})
	f.Fuzz(func(t *testing.T, query, id string) {
		for _, u := range []*url.URL{
			{Scheme: "http", Host: loopback, Path: "/api/v1/dead-letters", RawQuery: query},
			{Scheme: "http", Host: loopback, Path: "/api/v1/dead-letters/" + id},
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
