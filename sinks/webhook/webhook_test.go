package webhook

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
)

func record() *call.Record { return contracttest.Records()[0] }

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		success, retryIf string
		status           int
		header           http.Header
		body             string
		want             outbound.Meaning
	}{
		{status: 204, want: outbound.Delivered},
		{status: 404, want: outbound.Credentials},
		{success: `response.json.code == "ok"`, status: 200, body: `{"code":"ok"}`, want: outbound.Delivered},
		{success: `response.json.code == "ok"`, status: 200, body: `{"code":"no"}`, want: outbound.Rejected},
		{success: `response.json.code == "ok"`, status: 200, body: `no JSON`, want: outbound.Rejected},
		{success: `response.json.code == "ok"`, status: 500, body: `{"code":"no"}`, want: outbound.Unwell},
		{success: `response.json.code == "ok"`, status: 401, want: outbound.Credentials},
		{success: `response.status < 300 || response.body.contains("DUPLICATE_DATA")`, status: 400, body: `DUPLICATE_DATA`, want: outbound.Delivered},
		{success: `response.status < 300 || response.body.contains("DUPLICATE_DATA")`, status: 400, body: `MANDATORY_NOT_FOUND`, want: outbound.Rejected},
		{retryIf: `response.body == "busy"`, status: 200, body: "busy", want: outbound.Unwell},
		{retryIf: `response.body == "busy"`, success: "true", status: 200, body: "busy", want: outbound.Unwell},
		{retryIf: `response.body == "busy"`, status: 400, body: "busy", want: outbound.Unwell},
		{retryIf: `response.body == "busy"`, status: 200, body: "fine", want: outbound.Delivered},
		{retryIf: "false", status: 200, want: outbound.Delivered},
		{retryIf: "true", status: 429, header: http.Header{"Retry-After": {"7"}}, want: outbound.Paused},
		{status: 503, header: http.Header{"Retry-After": {"7"}}, want: outbound.Paused},
	} {
		name := fmt.Sprintf("%s|%s|%d %s", test.success, test.retryIf, test.status, test.body)
		t.Run(name, func(t *testing.T) {
			c := Request{Success: condition(t, test.success), RetryIf: condition(t, test.retryIf)}
			got := c.conventions().Read(outbound.Answer{Status: test.status, Header: test.header, Body: []byte(test.body), FixedURL: true})
			if got.Meaning != test.want {
				t.Errorf("%v (%s), want %v", got.Meaning, got.Detail, test.want)
			}
			for _, told := range []string{strconv.Itoa(test.status), test.body} {
				if !strings.Contains(got.Detail, told) {
					t.Errorf("%q is not told in %q", told, got.Detail)
				}
			}
		})
	}
}

// What a sink says in its own way is read before success, and an answer of which a
// part is missing is not taken for a refusal.
func TestConventions(t *testing.T) {
	var c Config
	if err := yaml.Unmarshal([]byte(`
address_if: response.json.errcode == 310000
pause: 'response.json.errcode == 130101 ? 600 : int(response.headers["x-wait"])'
retry_if: response.json.errcode == -1
success: response.json.errcode == 0
`), &c); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		body, unread string
		header       http.Header
		want         outbound.Meaning
		wait         time.Duration
	}{
		{body: `{"errcode":0}`, want: outbound.Delivered},
		{body: `{"errcode":310000}`, want: outbound.Credentials},
		{body: `{"errcode":130101}`, want: outbound.Paused, wait: 10 * time.Minute},
		{body: `{"errcode":0}`, header: http.Header{"X-Wait": {"3"}}, want: outbound.Paused, wait: 3 * time.Second},
		{body: `{"errcode":0}`, header: http.Header{"X-Wait": {"soon"}}, want: outbound.Delivered},
		{body: `{"errcode":-1}`, want: outbound.Unwell},
		{body: `{"errcode":40058}`, want: outbound.Rejected},
		{body: `{"errcode":40058}`, unread: "its content coding gzip cannot be read", want: outbound.Rejected},
		{body: `{"errcode":0,"more":"`, unread: "the answer is longer than 64 KiB", want: outbound.Delivered},
		{body: `{"errcode":0,"more":"`, want: outbound.Rejected},
	} {
		got := c.conventions().Read(outbound.Answer{Status: 200, Header: test.header, Body: []byte(test.body), Unread: test.unread})
		if got.Meaning != test.want || got.Wait != test.wait {
			t.Errorf("%s: %v after %v, want %v after %v", test.body, got.Meaning, got.Wait, test.want, test.wait)
		}
		if warned := strings.Contains(got.Warning, test.unread) && got.Warning != ""; warned != (test.unread != "" && test.want == outbound.Delivered) {
			t.Errorf("%s: warning %q", test.body, got.Warning)
		}
	}
}

func condition(t *testing.T, src string) expr.ResponseCondition {
	t.Helper()
	if src == "" {
		return expr.ResponseCondition{}
	}
	c, err := expr.CompileResponse(src)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSigningKey(t *testing.T) {
	text := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n))) }
	for _, test := range []struct {
		secret string
		ok     bool
	}{
		{"whsec_" + text(24), true},
		{"whsec_" + text(64), true},
		{text(32), true},
		{"whsec_" + strings.TrimRight(text(32), "="), true},
		{"whsec_" + text(23), false},
		{"whsec_" + text(65), false},
		{"whsk_" + text(64), false},
		{"whsec_planted!", false},
		{"", false},
	} {
		key, err := signingKey(secret.New(test.secret))
		if (err == nil) != test.ok {
			t.Errorf("%q: %v", test.secret, err)
		}
		if err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("the error shows the secret: %v", err)
		}
		if test.ok && len(key) < minKey {
			t.Errorf("%q: key of %d bytes", test.secret, len(key))
		}
	}
}

// The signature is the reference library's.
func TestSign(t *testing.T) {
	const text = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A="
	s := &Sign{StandardWebhooks: secret.List{secret.New(text), secret.New("whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3E=")}}
	k, err := s.keys()
	if err != nil {
		t.Fatal(err)
	}
	at, h := time.Unix(1_700_000_000, 999), http.Header{}
	k.sign(h, "msg_1", at, []byte(`{"a":1}`))
	reference, err := standardwebhooks.NewWebhook(text)
	if err != nil {
		t.Fatal(err)
	}
	want, err := reference.Sign("msg_1", at, []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(h.Get("webhook-signature"), " ")
	if len(got) != 2 || got[0] != want || got[1] == want || h.Get("webhook-timestamp") != "1700000000" {
		t.Errorf("headers %v, want first signature %s", h, want)
	}
}

func TestFieldValue(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\r\nX: y": "a  X: y", "\x00\x1b": "", "a\u2028b\u0085c": "a b c", " é \xff ": "é \uFFFD",
	} {
		if got := fieldValue(in); got != want {
			t.Errorf("fieldValue(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFieldValue(f *testing.F) {
	f.Add("a\r\nb")
	f.Add("\u2028\xff\x7f")
	f.Fuzz(func(t *testing.T, s string) {
		if got := fieldValue(s); strings.ContainsAny(got, "\r\n\x00\x7f") {
			t.Errorf("fieldValue(%q) = %q", s, got)
		}
	})
}

// A static text under a telling name, and every secret, is hidden in answers; a
// plain X-Tenant is not.
func TestHeaderSecrets(t *testing.T) {
	h := Headers{
		"X-Tenant":      {literal: secret.New("acme")},
		"Authorization": {literal: secret.New("Token token=abc")},
		"X-Api-Key":     {literal: secret.New("k-1")},
	}
	var got []string
	for _, s := range h.secrets() {
		got = append(got, s.Reveal())
	}
	if text := strings.Join(got, "|"); text != "Token token=abc|token=abc|k-1" {
		t.Errorf("secrets %q", text)
	}
}

// 404 and 410 speak of the address only where the address is the same for all.
func TestFixedURL(t *testing.T) {
	for address, want := range map[string]bool{"https://crm.example/hook": true, "https://crm.example/${call.id}": false} {
		sink, err := New(Config{Request: Request{URL: secret.New(address)}}, contract.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		request, err := contracttest.Request(sink, "msg_1", record())
		if err != nil || request.FixedURL != want {
			t.Errorf("%s: FixedURL %v, %v, want %v", address, request.FixedURL, err, want)
		}
	}
}

// A template that fails on a call names its place.
func TestRenderError(t *testing.T) {
	divide, err := expr.ParseText("x ${1 / call.revision}")
	if err != nil {
		t.Fatal(err)
	}
	sink, err := New(Config{Request: Request{URL: secret.New("https://crm.example/"), Headers: Headers{"X-A": {template: &divide}}}}, contract.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := contracttest.Request(sink, "msg_1", &call.Record{}); err == nil || !strings.HasPrefix(err.Error(), "webhook header X-A: ") {
		t.Errorf("error %v, want one about header X-A", err)
	}
}

func TestBodyIsUTF8(t *testing.T) {
	body, err := document(expr.Tree{}, expr.NewRendering(&call.Record{Raw: []byte("{\"a\":\"\xff\"}")}, expr.Rendering{Budget: expr.NewBudget(contract.DefaultMaxRequest)}))
	if err != nil || !utf8.Valid(body) || !strings.Contains(string(body), "\uFFFD") {
		t.Errorf("%q, %v", body, err)
	}
}

func TestEventID(t *testing.T) {
	for revision, want := range map[int]string{1: "s:k", 2: "s:k/2", 12: "s:k/12"} {
		if got := eventID(&call.Record{ID: "s:k", Revision: revision}); got != want {
			t.Errorf("revision %d: %q, want %q", revision, got, want)
		}
	}
}

func TestEventTime(t *testing.T) {
	r := &call.Record{ReceivedAt: call.At(time.Unix(3, 0))}
	for _, test := range []struct {
		set  func()
		want int64
	}{
		{func() {}, 3},
		{func() { r.StartedAt = call.At(time.Unix(1, 0)) }, 1},
		{func() { r.EndedAt = call.At(time.Unix(2, 0)) }, 2},
	} {
		if test.set(); eventTime(r).Unix() != test.want {
			t.Errorf("time %v, want %d", eventTime(r), test.want)
		}
	}
	if !eventTime(&call.Record{}).IsZero() {
		t.Error("a record without times has one")
	}
}

func BenchmarkRequest(b *testing.B) {
	body, err := expr.ParseText("${call.account}")
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]Config{
		"record": {Request: Request{URL: secret.New("https://crm.example/hook")}},
		"header": {Request: Request{URL: secret.New("https://crm.example/hook/${call.id}"), Headers: Headers{"X-Tenant": {template: &body}}}},
		"events": {Request: Request{URL: secret.New("https://crm.example/hook")}, Envelope: envelopeCloudEvents},
		"form":   {Request: Request{URL: secret.New("https://crm.example/hook"), Encoding: encodingForm}},
	} {
		sink, err := New(c, contract.Deps{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			r := record()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := contracttest.Request(sink, "msg_1", r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
