package problem_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/problem"
)

func TestWrite(t *testing.T) {
	w := httptest.NewRecorder()
	problem.Write(w, 503, "the disk is full")
	var got struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if w.Code != 503 || got.Status != 503 || got.Title != "Service Unavailable" || got.Detail != "the disk is full" || got.Type != "about:blank" {
		t.Errorf("%d %+v", w.Code, got)
	}
	if w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("type %s", w.Header().Get("Content-Type"))
	}
}

// FuzzBody: whatever the detail, a problem is valid JSON in UTF-8 under 1 KiB.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{"", "x", strings.Repeat("é", 2000), strings.Repeat("\x00", 900), "\xff\xfe<script>\u2028", strings.Repeat("\"\\", 400)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, detail string) {
		b := problem.Body(400, detail)
		if !json.Valid(b) || !utf8.Valid(b) || len(b) >= 1024 {
			t.Errorf("%d bytes: %q", len(b), b)
		}
	})
}
