package admin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// TestWrongTokensAreSlowedDown by address; a right token, or none, is not.
func TestWrongTokensAreSlowedDown(t *testing.T) {
	f := newFixture(t)
	counted := 0
	f.deps.WrongToken = func() { counted++ }
	f.operate.Store = nil // its goroutines are outside the bubble
	synctest.Test(t, func(t *testing.T) {
		h := admin.Handler(func() admin.Config { return admin.Config{Listen: ":8081", Token: secret.New("s3cret")} }, f.deps)
		ask := func(from, token string) (status int, took time.Duration) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/openapi.json", nil)
			r.RemoteAddr = from
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w, begun := httptest.NewRecorder(), time.Now()
			h.ServeHTTP(w, r)
			return w.Code, time.Since(begun)
		}
		want := func(from, token string, status int, took time.Duration) {
			t.Helper()
			if s, d := ask(from, token); s != status || d != took {
				t.Errorf("%s with %q: %d after %v, want %d after %v", from, token, s, d, status, took)
			}
		}
		const a, alike, b = "[2001:db8::1]:5", "[2001:db8::2]:7", "192.0.2.1:5"
		for _, d := range []time.Duration{100, 200, 400, 800, 1600, 3200, 5000, 5000} {
			want(a, "guess", 401, d*time.Millisecond)
		}
		want(alike, "guess", 401, 5*time.Second)
		want(b, "guess", 401, 100*time.Millisecond)
		want(a, "s3cret", 200, 0)
		want(a, "", 401, 0)
		if counted != 10 {
			t.Errorf("%d wrong tokens were counted", counted)
		}
		time.Sleep(11 * time.Minute)
		want(a, "guess", 401, 100*time.Millisecond)
	})
}
