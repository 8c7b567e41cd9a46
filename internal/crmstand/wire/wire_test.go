package wire_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

func TestRead(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"a":1}`: true, `{"a":1,"b":2}`: false, `{"a":"1"}`: false, `{"a":1}{}`: false, ``: false,
	} {
		var v struct {
			A int `json:"a"`
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		if err := wire.Read(r, &v); (err == nil) != ok {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestWriteKeepsMarkup(t *testing.T) {
	w := httptest.NewRecorder()
	wire.Write(w, http.StatusCreated, map[string]string{"a": "<b>"})
	if got := w.Body.String(); w.Code != http.StatusCreated || strings.TrimSpace(got) != `{"a":"<b>"}` {
		t.Errorf("%d %q", w.Code, got)
	}
}

func TestLimit(t *testing.T) {
	l := wire.Limit{Requests: 2, Per: time.Second}
	begin := time.Unix(0, 0)
	for _, tt := range []struct {
		at    time.Duration
		left  int
		reset time.Duration
		ok    bool
	}{
		{0, 1, time.Second, true},
		{400 * time.Millisecond, 0, 600 * time.Millisecond, true},
		{900 * time.Millisecond, 0, 100 * time.Millisecond, false},
		{1000 * time.Millisecond, 0, 400 * time.Millisecond, true}, // the first has left the window
		{1300 * time.Millisecond, 0, 100 * time.Millisecond, false},
		{3 * time.Second, 1, time.Second, true},
	} {
		if left, reset, ok := l.Take(begin.Add(tt.at)); left != tt.left || reset != tt.reset || ok != tt.ok {
			t.Errorf("at %s: %d left, reset in %s, %v; want %+v", tt.at, left, reset, ok, tt)
		}
	}
}

func TestDigits(t *testing.T) {
	if got := wire.Digits("+62 (0)812-3456 ext٣"); got != "6208123456" {
		t.Errorf("got %s", got)
	}
}
