package spool

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAnswerOf(t *testing.T) {
	for detail, want := range map[string]string{
		"": "",
		`422 Unprocessable Entity: {"error":"no such field"}`:                                        `422 Unprocessable Entity: {"error":"no such field"}`,
		`422 Unprocessable Entity: {"error":"contact 8812 is gone","at":"2026-11-30T12:00:07Z"}`:     `422 Unprocessable Entity: {"error":"contact # is gone","at":"#Z"}`,
		`success does not hold: 200 OK: {"code":1001,"id":"550e8400-e29b-41d4-a716-446655440000"}`:   `success does not hold: 200 OK: {"code":#,"id":"#"}`,
		"the sink took other calls while 16 attempts for this one failed: 500 Internal Server Error": "the sink took other calls while # attempts for this one failed: 500 Internal Server Error",
		"+62 813-5111-1451 is no number":                                                             "+# is no number",
		"crm.example.com:443: dial tcp 192.0.2.7:443: connection refused":                            "crm.example.com:#: dial tcp #: connection refused",
		"400":                           "#",
		"429 Too Many Requests":         "429 Too Many Requests",
		"429 times":                     "# times",
		"ids 1, 2, 3 and 4":             "ids # and #",
		"ids 17 and 4":                  "ids # and #",
		"phone2 and 2FA are wrong":      "phone# and #FA are wrong",
		"line\n\tone \x00 two":          "line one \x00 two",
		"\xff\xfebroken":                "broken",
		strings.Repeat("é", 300):        strings.Repeat("é", 100),
		"req_8a7F93 of tenant acme":     "# of tenant acme",
		"no contact of Budi (id 12)":    "no contact of Budi (id #)",
		`{"requestId":"a1b2c3d4e5f60"}`: `{"requestId":"#"}`,
	} {
		if got := AnswerOf(detail); got != want {
			t.Errorf("%q:\n got %q\nwant %q", detail, got, want)
		}
	}
}

func FuzzAnswerOf(f *testing.F) {
	f.Add("422 Unprocessable Entity: 12:30:07 a1")
	f.Fuzz(func(t *testing.T, detail string) {
		got := AnswerOf(detail)
		if len(got) > maxAnswerOf || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\t") {
			t.Errorf("%q", got)
		}
	})
}

func BenchmarkAnswerOf(b *testing.B) {
	for b.Loop() {
		AnswerOf(`422 Unprocessable Entity: {"error":"contact 8812 is gone","at":"2026-11-30T12:00:07Z","request":"550e8400-e29b-41d4-a716-446655440000"}`)
	}
}
