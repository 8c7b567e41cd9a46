package intake

import (
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/call"
)

// TestLongReasons wants short problems and bounded letters whatever a converter
// says; do checks the problem's form.
func TestLongReasons(t *testing.T) {
	for _, reason := range []string{
		"a reason", strings.Repeat("x", 5000), strings.Repeat("<", 5000), strings.Repeat("\x00", 5000), strings.Repeat("\xff", 5000), strings.Repeat("電話", 2000),
	} {
		c := testConfig(open("a"))
		c.Sources[0].Dialect.Convert = func([]byte, call.Source) (*call.Record, error) { return nil, call.Unreadablef("no: %s", reason) }
		f := newFixture(t)
		if err := f.update(c); err != nil {
			t.Fatal(err)
		}
		if res, body := f.do(t, post("x")); res.StatusCode != 400 || !strings.Contains(body, "no: ") {
			t.Errorf("%.20q: answer %d %s", reason, res.StatusCode, body)
		}
		if kept := f.store.letters[0].Detail; len(kept) > maxKeptDetail || !utf8.ValidString(kept) {
			t.Errorf("%.20q: %d bytes kept", reason, len(kept))
		}
	}
}

// TestProblemQuotesSafely posts what would break a log line or a page.
func TestProblemQuotesSafely(t *testing.T) {
	f := newFixture(t, open("a"))
	w := httptest.NewRecorder()
	f.ServeHTTP(w, post(`{"id":"\u0000`+"\r\nX-Evil: 1<script>"))
	if w.Code != 400 || w.Header().Get("X-Evil") != "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answer %d %v", w.Code, w.Header())
	}
	if strings.ContainsAny(strings.TrimSpace(w.Body.String()), "\r\n\x00<") {
		t.Errorf("raw bytes in %q", w.Body)
	}
}
