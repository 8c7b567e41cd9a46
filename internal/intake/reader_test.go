package intake

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// encoded is a text in a character set.
func encoded(t *testing.T, name, text string) string {
	t.Helper()
	enc, err := htmlindex.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	out, err := enc.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func in(name string) SourceConfig {
	s := open("a")
	s.Charset = name
	return s
}

func TestCharacterSets(t *testing.T) {
	const js = `{"id":"1","intent":"转人工"}`
	part := func(contentType, value string) string {
		return crlf("--X", `Content-Disposition: form-data; name="detail"`, "Content-Type: "+contentType, "", value, "--X--", "")
	}
	for _, tt := range []struct {
		name        string
		source      SourceConfig
		contentType string
		body        string
		warning     string
	}{
		{"UTF-8", open("a"), "application/json", js, ""},
		{"named by the Content-Type", open("a"), "application/json; charset=GBK", encoded(t, "gbk", js), ""},
		{"named by the Content-Type, in quotes", open("a"), `text/plain; charset="gb18030"`, encoded(t, "gb18030", js), ""},
		{"the Content-Type before the source", in("big5"), "application/json;charset=gb2312", encoded(t, "gbk", js), ""},
		{"named by the source", in("gbk"), "application/json", encoded(t, "gbk", js), ""},
		{"a mark before all names", in("gbk"), "application/json; charset=big5", "\xff\xfe" + encoded(t, "utf-16le", js), ""},
		{"UTF-16, the big end first", open("a"), "", "\xfe\xff" + encoded(t, "utf-16be", js), ""},
		{"UTF-16 without a mark", open("a"), "application/json; charset=utf-16", encoded(t, "utf-16be", js), ""},
		{"a form in GBK", in("gbk"), urlencodedType, "detail=" + url.QueryEscape(encoded(t, "gbk", js)), ""},
		{"a form that names it", open("a"), urlencodedType + "; charset=GBK", "detail=" + url.QueryEscape(encoded(t, "gbk", js)), ""},
		{"a form that is not encoded", in("gbk"), "", "detail=" + encoded(t, "gbk", js), ""},
		{"a part that names it", in("big5"), multipartType + "; boundary=X", part("application/json; charset=GBK", encoded(t, "gbk", js)), ""},
		{"a part in UTF-16", in("big5"), multipartType + "; boundary=X", part("text/plain", "\xff\xfe"+encoded(t, "utf-16le", js)), ""},
		{"the multipart form names it", open("a"), multipartType + "; boundary=X; charset=gbk", part("text/plain", encoded(t, "gbk", js)), ""},
		{"an unknown name", open("a"), "application/json; charset=klingon", js, `the sender's character set "klingon" is unknown: the body was read as UTF-8`},
		{"an unknown name, and the source's", in("gbk"), "application/json; charset=klingon", encoded(t, "gbk", js), `the sender's character set "klingon" is unknown: the body was read as gbk`},
		{"an unknown name, and bad bytes", open("a"), "application/json; charset=klingon", `{"id":"1","intent":"` + "\xd7" + `"}`, `the sender's character set "klingon" is unknown: the body was read as UTF-8: bad bytes were replaced`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.source)
			res, body := f.do(t, post(tt.body, header(contentType, tt.contentType)))
			if res.StatusCode != 200 {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			got := f.store.records[0]
			if raw := strings.ReplaceAll(string(got.Raw), "\ufffd", "转人工"); raw != js || strings.Join(got.Warnings, "; ") != tt.warning {
				t.Errorf("%s, warnings %q", got.Raw, got.Warnings)
			}
		})
	}
}

// An update in a character set that nobody named is an update all the same.
func TestReplacedBytesAreContent(t *testing.T) {
	f := newFixture(t, open("a"))
	first := encoded(t, "gbk", `{"id":"1","intent":"转人工"}`)
	for _, step := range []struct{ what, body, want string }{
		{"the first", first, `"revision":1`},
		{"the same", first, `{"status":"duplicate","id":"a:1","revision":1}`},
		{"an update of characters that are replaced", encoded(t, "gbk", `{"id":"1","intent":"不需要"}`), `"revision":2`},
		{"white space, and another order", encoded(t, "gbk", "{\n\"intent\": \"转人工\",\n \"id\":\"1\" }\n"), `{"status":"duplicate","id":"a:1","revision":1}`},
		{"the replacement itself", `{"id":"1","intent":"` + strings.Repeat("\ufffd", 3) + `"}`, `"revision":3`},
		{"a bad byte before a quote", `{"id":"1","intent":"` + "\xd7" + `"}`, `"revision":4`},
		{"half a surrogate pair", `{"id":"1","intent":"\ud800"}`, `"revision":5`},
		{"another half", `{"id":"1","intent":"\udfff"}`, `"revision":6`},
		{"the same text in UTF-16", "\xff\xfe" + encoded(t, "utf-16le", `{"id":"1","intent":"转人工"}`), `"revision":7`},
		{"and in UTF-8", `{"intent":"转人工","id":"1"}`, `{"status":"duplicate","id":"a:1","revision":7}`},
	} {
		if res, body := f.do(t, post(step.body)); res.StatusCode != 200 || !strings.Contains(body, step.want) {
			t.Errorf("%s: %d %s, want %s", step.what, res.StatusCode, body, step.want)
		}
	}
	if got := f.store.records[1].Warnings; len(got) != 1 || got[0] != "the body is not valid UTF-8: bad bytes were replaced" {
		t.Errorf("warnings %q", got)
	}
}

// A body of nothing but bytes that must be replaced would become three times as long.
func TestTooMuchIsReplaced(t *testing.T) {
	f := newFixture(t, open("a"))
	body := `{"id":"1","x":"` + strings.Repeat("a\xff", 10_000) + `"}`
	if res, answer := f.do(t, post(body)); res.StatusCode != 400 || !strings.Contains(answer, "too many bytes") {
		t.Errorf("%d %s", res.StatusCode, answer)
	}
	chinese := `{"id":"1","x":"` + strings.Repeat("转", 100_000) + `"}`
	if res, answer := f.do(t, post(encoded(t, "gbk", chinese), header(contentType, "text/json; charset=gbk"))); res.StatusCode != 200 {
		t.Errorf("text that only grows: %d %s", res.StatusCode, answer)
	}
}

// FuzzReader reads any body under any Content-Type and character set: it must give a
// record in UTF-8 or say why not, and read the same body the same way again.
func FuzzReader(f *testing.F) {
	for _, name := range []string{"", "gbk", "big5", "utf-16le", "shift_jis"} {
		f.Add("application/json; charset=gbk", name, []byte("{\"id\":\"1\",\"x\":\"\xd7\xaa\xff\"}"))
		f.Add(multipartType+"; boundary=X", name, []byte(crlf("--X", `Content-Disposition: form-data; name="detail"`, "Content-Type: text/plain; charset=big5", "", "{\"id\":\"\xc2\xe0\"}", "--X--")))
		f.Add(urlencodedType, name, []byte("detail=%7B%22id%22%3A%22%D7%AA%22%7D"))
		f.Add("", name, []byte("\xff\xfe{\x00\"\x00i\x00d\x00\"\x00:\x00\"\x001\x00\"\x00}\x00"))
	}
	f.Fuzz(func(t *testing.T, contentType, name string, body []byte) {
		r, err := NewReader(Source{SourceConfig: in(name), Dialect: dialect()})
		if err != nil {
			return // an unknown character set
		}
		defer func() {
			if bug := recover(); bug != nil && !strings.Contains(fmt.Sprint(bug), "out of range") { // the test's adapter
				panic(bug)
			}
		}()
		before := bytes.Clone(body)
		rec, content, err := r.Read(contentType, body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			return
		}
		if !utf8.Valid(rec.Raw) {
			t.Fatalf("%q is read as %q", body, rec.Raw)
		}
		if _, again, err := r.Read(contentType, body); err != nil || again != content {
			t.Fatalf("read again: %v", err)
		}
	})
}

func TestABoundaryIsNoContent(t *testing.T) {
	f := newFixture(t, open("a"))
	for i, boundary := range []string{"X", "----WebKitFormBoundary7MA4YWxkTrZu0gW"} {
		body := crlf("--"+boundary, `Content-Disposition: form-data; name="detail"`, "", `{"id":"1"}`, "--"+boundary+"--", "")
		_, got := f.do(t, post(body, header(contentType, multipartType+"; boundary="+boundary)))
		if want := []string{"accepted", "duplicate"}[i]; !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", boundary, got, want)
		}
	}
}

func TestVolatileFields(t *testing.T) {
	s := open("a")
	s.Volatile = []string{"pushCount"}
	f := newFixture(t, s)
	for _, step := range []struct{ body, want string }{
		{`{"id":"1","pushCount":1}`, `"revision":1`},
		{`{"id":"1","pushcount":2}`, "duplicate"},
		{`{"id":"1"}`, "duplicate"},
		{`{"id":"1","pushCount":3,"recordUrl":"https://example.com/1.mp3"}`, `"revision":2`},
	} {
		if _, body := f.do(t, post(step.body)); !strings.Contains(body, step.want) {
			t.Errorf("%s: %s, want %s", step.body, body, step.want)
		}
	}
}

// What cannot be understood is kept with what its reading needs, and without the
// secret that opened the door.
func TestKeptWithItsRequest(t *testing.T) {
	guarded := open("a")
	guarded.Auth = Auth{Query: &NamedSecret{Name: "key", Value: keys("s3cret")}}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(callJSON("1")))
	_ = w.Close()
	for _, tt := range []struct {
		name   string
		source SourceConfig
		post   *http.Request
		want   spool.Request
	}{
		{"nothing", open("a"), post("{"), spool.Request{}},
		{
			"a character set", open("a"), post(encoded(t, "utf-16le", "{"), header(contentType, "application/json; charset=utf-16le")),
			spool.Request{Header: map[string]string{contentType: "application/json; charset=utf-16le"}},
		},
		{
			"no coding when it was undone", open("a"),
			post(string(gzipped(t, "{")), header(contentEncoding, "gzip"), header(contentType, "text/json")),
			spool.Request{Header: map[string]string{contentType: "text/json"}},
		},
		{
			"a coding that could not be undone", open("a"),
			post(zipped.String()[:zipped.Len()-9], header(contentEncoding, "gzip")),
			spool.Request{Header: map[string]string{contentEncoding: "gzip"}},
		},
		{
			"the query without its secret", guarded,
			post("{", func(r *http.Request) { r.URL.RawQuery = "key=s3cret&b=2&a=1" }),
			spool.Request{Query: "a=1&b=2"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.source)
			if res, body := f.do(t, tt.post); res.StatusCode != 400 {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
			if diff := cmp.Diff(tt.want, f.store.letters[0].Request); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A kept callback is read as it would have been when it came.
func TestRedeemReadsTheRequestAgain(t *testing.T) {
	const js = `{"id":"1","intent":"转人工"}`
	gbk := map[string]string{contentType: "application/json; charset=gbk"}
	for _, tt := range []struct {
		name string
		body string
		kept spool.Request
	}{
		{"a character set", encoded(t, "gbk", js), spool.Request{Header: gbk}},
		{"a coding", string(gzipped(t, js)), spool.Request{Header: map[string]string{contentEncoding: "gzip"}}},
		{
			"a form", "x=1&detail=" + url.QueryEscape(encoded(t, "gbk", js)),
			spool.Request{Header: map[string]string{contentType: urlencodedType + "; charset=gbk"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, open("a"))
			receipt, err := f.Redeem(t.Context(), Kept{Source: "a", Body: []byte(tt.body), Request: tt.kept})
			if err != nil || receipt.Revision != 1 {
				t.Fatalf("%+v, %v", receipt, err)
			}
			if got := f.store.records[0]; string(got.Raw) != js || len(got.Warnings) > 0 {
				t.Errorf("%s, warnings %q", got.Raw, got.Warnings)
			}
			// The same callback, posted, is the same content.
			change := func(r *http.Request) {
				for name, value := range tt.kept.Header {
					r.Header.Set(name, value)
				}
			}
			if _, body := f.do(t, post(tt.body, change)); !strings.Contains(body, "duplicate") {
				t.Errorf("posted: %s", body)
			}
		})
	}
}
