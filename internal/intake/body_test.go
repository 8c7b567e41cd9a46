package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

func zip(t *testing.T, from io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := io.Copy(z, from); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// zeros gives n bytes without holding them.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestContentEncoding(t *testing.T) {
	small := zip(t, strings.NewReader(callJSON("1")))
	fits := zip(t, io.MultiReader(strings.NewReader(`{"id":"1"}`), bytes.NewReader(bytes.Repeat([]byte(" "), maxBody-10))))
	form := zip(t, strings.NewReader("detail="+callJSON("1")))
	tests := []struct {
		name, encoding, body string
		status               int
	}{
		{"gzip", "gzip", small, 200},
		{"gzip in capitals", "GZIP", small, 200},
		{"x-gzip", "x-gzip", small, 200},
		{"identity", "identity", callJSON("1"), 200},
		{"gzip of a form", "gzip", form, 200},
		{"gzip of the largest body", "gzip", fits, 200},
		{"one byte more", "gzip", zip(t, zeros(maxBody+1)), 413},
		{"bomb", "gzip", zip(t, zeros(64<<20)), 413},
		{"gzip called nothing", "", small, 400},
		{"JSON called gzip", "gzip", callJSON("1"), 400},
		{"cut gzip", "gzip", small[:len(small)-3], 400},
		{"damaged sum", "gzip", small[:len(small)-8] + "12345678", 400},
		{"rubbish behind", "gzip", small + "rubbish", 400},
		{"twice", "gzip, gzip", zip(t, strings.NewReader(small)), 400},
		{"deflate", "deflate", small, 400},
		{"brotli", "br", small, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, open("a"))
			changes := []func(*http.Request){}
			if tt.encoding != "" {
				changes = append(changes, header("Content-Encoding", tt.encoding))
			}
			if res, body := f.do(t, post(tt.body, changes...)); res.StatusCode != tt.status {
				t.Errorf("answer %d %s, want %d", res.StatusCode, body, tt.status)
			}
			if want := tt.status != 413; (f.store.stored() == 1) != want {
				t.Errorf("%d traces under %d", f.store.stored(), tt.status)
			}
			if !f.budget.isFree() {
				t.Error("the budget was not given back")
			}
		})
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	f := newFixture(t, open("a"))
	r := post("")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.ContentLength = 20
	res, body := f.do(t, r)
	if res.StatusCode != 400 || !strings.Contains(body, "broke off") {
		t.Errorf("answer %d %s", res.StatusCode, body)
	}
	if f.store.stored() != 0 {
		t.Error("half a body was kept")
	}
	if got := f.counted(t, "cdrelay_callbacks_total", "result"); got["incomplete"] != 1 {
		t.Errorf("counted %v", got)
	}
}

func TestSenderThatHangsUpIsStoredAllTheSame(t *testing.T) {
	f := newFixture(t, open("a"))
	ctx, hangUp := context.WithCancel(t.Context())
	f.store.wait = func(stored context.Context) {
		hangUp()
		if stored.Err() != nil {
			t.Error("the store's context ended with the sender's")
		}
		if _, bounded := stored.Deadline(); !bounded {
			t.Error("the wait for the store has no end")
		}
	}
	f.do(t, post(callJSON("1")).WithContext(ctx))
	if f.store.stored() != 1 {
		t.Error("nothing stored")
	}
}
