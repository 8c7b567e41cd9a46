package slack

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

func TestReadWebhook(t *testing.T) {
	for _, test := range []struct {
		status int
		header http.Header
		body   string
		want   outbound.Meaning
	}{
		{200, nil, "ok", outbound.Delivered},
		{200, nil, "ok\n", outbound.Delivered},
		{200, nil, "", outbound.Rejected},
		{200, nil, "<html>", outbound.Rejected},
		{202, nil, "ok", outbound.Rejected},
		{400, nil, "invalid_payload", outbound.Rejected},
		{400, nil, "invalid_blocks", outbound.Rejected},
		{400, nil, "no_text", outbound.Rejected},
		{400, nil, "user_not_found", outbound.Credentials},
		{403, nil, "action_prohibited", outbound.Credentials},
		{403, nil, "posting_to_general_channel_denied", outbound.Credentials},
		{404, nil, "channel_not_found", outbound.Credentials},
		{404, nil, "no_service", outbound.Credentials},
		{404, nil, "no_team", outbound.Credentials},
		{410, nil, "channel_is_archived", outbound.Credentials},
		{413, nil, "", outbound.Rejected},
		{302, nil, "", outbound.Rejected},
		{429, http.Header{"Retry-After": {"30"}}, "rate_limited", outbound.Paused},
		{429, nil, "rate_limited", outbound.Unwell},
		{500, nil, "rollup_error", outbound.Unwell},
		{503, nil, "", outbound.Unwell},
	} {
		got := readWebhook(outbound.Answer{Status: test.status, Header: test.header, Body: []byte(test.body), FixedURL: true})
		if got.Meaning != test.want {
			t.Errorf("%d %q: %v, want %v", test.status, test.body, got.Meaning, test.want)
		}
	}
}

// Of an answer that is not Slack's the operator sees whose it is.
func TestForeignAnswerIsTold(t *testing.T) {
	got := readAPI(outbound.Answer{Status: http.StatusOK, Body: []byte("<html>log in to the proxy</html>")})
	if !strings.Contains(got.Detail, "not JSON: 200 OK: <html>log in to the proxy") {
		t.Errorf("detail: %q", got.Detail)
	}
}

func TestReadAPI(t *testing.T) {
	failure := func(code string) string { return `{"ok":false,"error":"` + code + `"}` }
	for _, test := range []struct {
		status int
		header http.Header
		body   string
		want   outbound.Meaning
		wait   time.Duration
	}{
		{200, nil, `{"ok":true,"ts":"1.2"}`, outbound.Delivered, 0},
		{200, nil, failure("ratelimited"), outbound.Paused, time.Second},
		{200, http.Header{"Retry-After": {"30"}}, failure("ratelimited"), outbound.Paused, 30 * time.Second},
		{429, http.Header{"Retry-After": {"30"}}, failure("ratelimited"), outbound.Paused, 30 * time.Second},
		{429, http.Header{"Retry-After": {"30"}}, "", outbound.Paused, 30 * time.Second},
		{429, nil, failure("rate_limited"), outbound.Paused, time.Second},
		{200, nil, failure("invalid_auth"), outbound.Credentials, 0},
		{200, nil, failure("token_revoked"), outbound.Credentials, 0},
		{200, nil, failure("missing_scope"), outbound.Credentials, 0},
		{200, nil, failure("channel_not_found"), outbound.Credentials, 0},
		{200, nil, failure("not_in_channel"), outbound.Credentials, 0},
		{200, nil, failure("is_archived"), outbound.Credentials, 0},
		{200, nil, failure("invalid_blocks"), outbound.Rejected, 0},
		{200, nil, failure("msg_too_long"), outbound.Rejected, 0},
		{200, nil, failure("msg_blocks_too_long"), outbound.Rejected, 0},
		{200, nil, failure("no_text"), outbound.Rejected, 0},
		{200, nil, failure("internal_error"), outbound.Unwell, 0},
		{200, nil, failure("something_new"), outbound.Unwell, 0},
		{200, nil, `{}`, outbound.Unwell, 0},
		{200, nil, `<html>proxy</html>`, outbound.Unwell, 0},
		{401, nil, failure("invalid_auth"), outbound.Credentials, 0},
		{404, nil, "", outbound.Credentials, 0},
		{500, nil, failure("fatal_error"), outbound.Unwell, 0},
	} {
		got := readAPI(outbound.Answer{Status: test.status, Header: test.header, Body: []byte(test.body), FixedURL: true})
		if got.Meaning != test.want || test.wait != 0 && got.Wait != test.wait {
			t.Errorf("%d %q: %v %v, want %v %v", test.status, test.body, got.Meaning, got.Wait, test.want, test.wait)
		}
	}
}

func TestAPIDetail(t *testing.T) {
	got := readAPI(outbound.Answer{Status: 200, Body: []byte(
		`{"ok":false,"error":"missing_scope","needed":"chat:write","response_metadata":{"messages":["[ERROR] one","two"]}}`)})
	if want := "slack: missing_scope, needs the scope chat:write: [ERROR] one; two"; got.Detail != want {
		t.Errorf("detail %q, want %q", got.Detail, want)
	}
}

func TestLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example/x?a=1&b=2": "<https://a.example/x?a=1&amp;b=2|go>",
		"http://a.example/x|y>z":      "<http://a.example/x%7Cy%3Ez|go>",
		"https://a.example/?q=a b|c>": "<https://a.example/?q=a%20b%7Cc%3E|go>",
		"javascript:alert(1)":         "",
		"ftp://a.example/":            "",
		"//a.example/":                "",
		"rec/1.mp3":                   "",
		"":                            "",
		"https://a.example/" + strings.Repeat("x", maxLink): "",
		"https://a.example/\n<!channel>":                    "",
	} {
		if got := link(address, "go"); got != want {
			t.Errorf("link(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 5, "short"},
		{"longer", 5, "long…"},
		{"äöüßé", 4, "äöü…"},
		{"𝄞𝄞𝄞", 5, "𝄞𝄞…"},
		{"ab&amp;cdef", 7, "ab…"},
		{"ab&amp;cdef", 8, "ab&amp;…"},
		{"a & b & c & d", 6, "a & b…"},
		{"see <https://a.example|there> now", 20, "see …"},
		{"see <https://a.example|there> now", 31, "see <https://a.example|there> …"},
		{"a < b and more", 8, "a < b a…"},
		{"<a> < b <c|d>", 12, "<a> < b …"},
	} {
		if got := shorten(test.in, test.limit); got != test.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", test.in, test.limit, got, test.want)
		}
	}
}

func FuzzShorten(f *testing.F) {
	f.Add("a & < > b", 7)
	f.Add("𝄞\xff\u202e&&&&&&", 3)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = 1 + max(0, min(limit, 5000))
		got := shorten(expr.EscapeSlack(s), limit)
		if units(got) > limit || !utf8.ValidString(got) {
			t.Errorf("%q has %d units, %d are allowed", got, units(got), limit)
		}
		rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(got)
		if strings.ContainsAny(rest, "&<>") {
			t.Errorf("half an entity, or none: %q", got)
		}
	})
}

func TestValue(t *testing.T) {
	for in, want := range map[string]string{
		" a\r\n b\tc\u2028d ":     "a b c d",
		"\u202eabc\u200f\x00\x7f": "abc",
		"`a` *b* ~c~ d_e":         "'a' ∗b∗ ∼c∼ d_e",
		"<!channel> & |":          "&lt;!channel&gt; &amp; ∣",
		"\xff":                    "\uFFFD",
		strings.Repeat("é", 1000): strings.Repeat("é", maxValue-1) + "…",
	} {
		if got := value(in); got != want {
			t.Errorf("value(%q) = %q, want %q", in, got, want)
		}
	}
}
