package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// login is a token endpoint that replaces the refresh token each time and takes no
// older one.
type login struct {
	mu      sync.Mutex // guards everything below
	issued  int
	refused int
}

func (l *login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.FormValue("refresh_token") != fmt.Sprintf("refresh-%d", l.issued) {
		l.refused++
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	l.issued++
	_, _ = fmt.Fprintf(w, `{"access_token":"a","expires_in":3600,"refresh_token":"refresh-%d"}`, l.issued)
}

// TestTheRefreshTokenOutlivesReloadAndRestart: a sink whose endpoint replaces the
// token was lost at either.
func TestTheRefreshTokenOutlivesReloadAndRestart(t *testing.T) {
	l := &login{}
	endpoint := httptest.NewServer(l)
	t.Cleanup(endpoint.Close)
	crm := newCounter(t, http.StatusOK)
	dir := t.TempDir()
	text := func(path string) string {
		return head(dir) + fmt.Sprintf(`
sinks:
  - name: crm
    webhook:
      url: "%s/%s"
      auth: {oauth2: {token_url: %q, client_id: id, client_secret: top-secret, refresh_token: refresh-0}}
rules: [{to: [crm]}]
`, crm.URL, path, endpoint.URL)
	}
	calls := int64(0)
	delivered := func(r *running, when string) {
		t.Helper()
		calls++
		r.post(int(calls))
		eventually(t, when+": the call is delivered", func() bool { return crm.n.Load() == calls })
	}
	r := run(t, strings.Replace(text("a"), "delay: 300ms", "delay: 0s", 1))
	delivered(r, "at first")
	if err := r.reload(text("b")); err != nil {
		t.Fatal(err)
	}
	delivered(r, "after a reload")
	r.stop()
	r = run(t, text("b"))
	delivered(r, "after a restart")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.issued != 3 || l.refused != 0 {
		t.Errorf("%d tokens were handed out and %d requests refused, want 3 and 0", l.issued, l.refused)
	}
}
