package outbound

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/secret"
)

func redactorOf(texts ...string) *redactor {
	var all []secret.Value
	for _, s := range texts {
		all = append(all, secret.New(s))
	}
	return newRedactor(all)
}

func TestCleanRemovesEverySpelling(t *testing.T) {
	const s = `p&ss/"wörd"<1>+%`
	quoted, _ := json.Marshal(s)
	for name, spelled := range map[string]string{
		"plain":             s,
		"query":             url.QueryEscape(s),
		"path":              url.PathEscape(s),
		"lower-case query":  "p%26ss%2f%22w%c3%b6rd%22%3c1%3e%2b%25",
		"json":              strings.Trim(string(quoted), `"`),
		"json of PHP":       `p&ss\/\"wörd\"<1>+%`,
		"html":              "p&amp;ss/&#34;wörd&#34;&lt;1&gt;+%",
		"base64":            base64.StdEncoding.EncodeToString([]byte(s)),
		"base64 unpadded":   base64.RawStdEncoding.EncodeToString([]byte(s)),
		"base64 for URLs":   base64.URLEncoding.EncodeToString([]byte(s)),
		"twice in a row":    s + s,
		"in base64 of pair": base64.StdEncoding.EncodeToString([]byte("me:" + s)),
	} {
		got := redactorOf("another", s).clean("before "+spelled+" after", maxDetail)
		kept := strings.Trim(strings.NewReplacer("before ", "", " after", "", mask, "").Replace(got), "=")
		if !strings.Contains(got, mask) || len(kept) > 6 { // base64 of `me:`, and the character shared with it
			t.Errorf("%s: %q", name, got)
		}
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%s: too much is gone: %q", name, got)
		}
	}
}

func TestCleanRemovesPartsOfASecretURL(t *testing.T) {
	r := redactorOf("https://user:passw0rd@hooks.example.com/services/T0/B0/s3cr3ttoken?sig=abc%2Bdef&n=1#fragment")
	for _, leak := range []string{
		"Cannot POST /services/T0/B0/s3cr3ttoken",
		"no such hook: s3cr3ttoken",
		"bad sig=abc%2Bdef&n=1", "bad sig abc+def", "bad user:passw0rd", "bad passw0rd", "at #fragment",
		`{"url":"https:\/\/user:passw0rd@hooks.example.com\/services\/T0\/B0\/s3cr3ttoken?sig=abc%2Bdef&n=1#fragment"}`,
	} {
		got := r.clean(leak, maxDetail)
		for _, part := range []string{"s3cr3t", "abc", "passw0rd", "T0", "fragment"} {
			if strings.Contains(got, part) {
				t.Errorf("%q became %q", leak, got)
			}
		}
	}
	if got := r.clean("hooks.example.com: connection refused", maxDetail); got != "hooks.example.com: connection refused" {
		t.Errorf("the host is no secret: %q", got)
	}
}

func TestCleanKnowsASecretURLWithTemplate(t *testing.T) {
	r := redactorOf("https://hooks.example.com/in/t0ken/${call.id}?k=${call.account}")
	if got := r.clean("Cannot POST /in/t0ken/1234?k=7", maxDetail); strings.Contains(got, "t0ken") {
		t.Error(got)
	}
	r = redactorOf("https://hooks.example.com/in/%zz/t0ken")
	if got := r.clean("Cannot POST /in/%zz/t0ken", maxDetail); strings.Contains(got, "t0ken") {
		t.Error(got)
	}
}

func TestCleanMakesTextFitToKeep(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"fine – 好":                  "fine – 好",
		"a\x00b\x1b[31mc\r\nd\x7f":  "a b [31mc  d ",
		"half \xe5\xa5":             "half \uFFFD",
		"C1 \u0085 bidi \u202e end": "C1   bidi   end",
		"short secrets stay: abc":   "short secrets stay: abc",
	} {
		if got := redactorOf("abc", "", "***********", "     ").clean(text, maxDetail); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := redactorOf().clean(strings.Repeat("好", maxDetail), maxDetail); len(got) > maxDetail || !utf8.ValidString(got) || len(got) < maxDetail-3 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestCleanLeavesNoHalfSecretAtTheCut(t *testing.T) {
	s := strings.Repeat("0123456789abcdef", 100) // masked, it shrinks the text below the bound
	text := strings.Repeat(s, 10)
	if got := redactorOf(s).clean(text, maxDetail); strings.Contains(got, "0123") {
		t.Errorf("%q", got)
	}
}

func TestCleanSeesASecretThatCleaningCompletes(t *testing.T) {
	if got := redactorOf("open sesame").clean("it is open\nsesame", maxDetail); strings.Contains(got, "sesame") {
		t.Error(got)
	}
	if got := redactorOf("open\nsesame").clean("it is open\nsesame, open sesame", maxDetail); strings.Contains(got, "sesame") {
		t.Error(got)
	}
	if got := redactorOf("*ab*").clean("*a*ab*b*", maxDetail); strings.Contains(got, "*ab*") {
		t.Error(got)
	}
}

func TestCleanEndsOnSecretsThatTheMaskCompletes(t *testing.T) {
	if got := redactorOf("a***").clean(strings.Repeat("a", 3000)+"***", maxDetail); got != mask {
		t.Errorf("%d bytes: %.40q", len(got), got)
	}
}
