package outbound

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// packed writes the text through a compressor.
func packed(tb testing.TB, text string, pack func(io.Writer) io.WriteCloser) string {
	tb.Helper()
	var b bytes.Buffer
	w := pack(&b)
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func zipped(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
func framed(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func bare(w io.Writer) io.WriteCloser {
	f, err := flate.NewWriter(w, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	return f
}

func TestReadable(t *testing.T) {
	const text = `{"ok":true,"name":"好"}`
	long := strings.Repeat(" ", maxBody)
	gz := packed(t, text, zipped)
	for name, test := range map[string]struct {
		raw, coding, want, unread string
	}{
		"plain":                {raw: text, want: text},
		"empty":                {},
		"empty gzip":           {coding: "gzip"},
		"BOM":                  {raw: "\ufeff" + text, want: text},
		"UTF-16 little":        {raw: "\xff\xfe{\x00}\x00", want: "{}"},
		"UTF-16 big":           {raw: "\xfe\xff\x00{\x00}", want: "{}"},
		"gzip":                 {raw: gz, coding: "gzip", want: text},
		"gzip by its old name": {raw: gz, coding: "X-GZIP", want: text},
		"gzip with a BOM":      {raw: packed(t, "\ufeff"+text, zipped), coding: "gzip", want: text},
		"deflate":              {raw: packed(t, text, framed), coding: "deflate", want: text},
		"deflate without zlib": {raw: packed(t, text, bare), coding: "deflate", want: text},
		"twice":                {raw: packed(t, packed(t, text, framed), zipped), coding: "deflate, gzip", want: text},
		"identity":             {raw: text, coding: "identity", want: text},
		"too often":            {raw: gz, coding: "gzip,gzip,gzip,gzip", want: gz, unread: "too many"},
		"unknown":              {raw: "\x0b\x02", coding: "br", want: "\x0b\x02", unread: "br cannot be read"},
		"not gzip after all":   {raw: text, coding: "gzip", want: text, unread: "gzip cannot be read"},
		"gzip that ends early": {raw: gz[:len(gz)-12], coding: "gzip", want: text[:16], unread: "ends too early"},
		"long":                 {raw: long + "x", want: long, unread: tooLong},
		"as long as allowed":   {raw: long, want: long},
		"a bomb":               {raw: packed(t, strings.Repeat(" ", 50<<20), zipped), coding: "gzip", want: long, unread: tooLong},
	} {
		h := http.Header{}
		if test.coding != "" {
			h.Set("Content-Encoding", test.coding)
		}
		body, unread := readable([]byte(test.raw), h)
		if name == "gzip that ends early" {
			body = body[:min(len(body), len(test.want))]
		}
		if string(body) != test.want || !strings.Contains(unread, test.unread) || (unread == "") != (test.unread == "") {
			t.Errorf("%s: %.60q (%d bytes), %q", name, body, len(body), unread)
		}
	}
}

func TestDoReadsCodedAnswers(t *testing.T) {
	var body, coding string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if accepted := r.Header.Get("Accept-Encoding"); accepted != "" {
			t.Errorf("asked for %q", accepted)
		}
		w.Header().Set("Content-Encoding", coding)
		_, _ = io.WriteString(w, body) // the client reads it or fails the test
	}))
	defer server.Close()
	c := newClient(t, Transport{}, quick(0))
	for _, test := range []struct{ coding, body string }{
		{"gzip", packed(t, "fine", zipped)}, {"deflate", packed(t, "fine", framed)}, {"deflate", packed(t, "fine", bare)},
	} {
		body, coding = test.body, test.coding
		var read Answer
		request := post(server.URL)
		request.Read = func(a Answer) Verdict { read = a; return Standard(a) }
		if o := c.Do(t.Context(), request); o.Meaning != Delivered || string(read.Body) != "fine" || o.Detail != "200 OK: fine" {
			t.Errorf("%s: %v %q, body %q", coding, o.Meaning, o.Detail, read.Body)
		}
	}
}
