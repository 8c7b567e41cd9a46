package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/adapter/infin8linx"
	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// forgetful is a store that keeps nothing, but does what every store must: ask
// for the sinks and write the record.
type forgetful struct{}

func (forgetful) Accept(_ context.Context, a spool.Acceptance) (spool.Receipt, error) {
	_, _ = a.Route(a.Record)
	a.Record.JSON()
	return spool.Receipt{ID: a.Record.ID, Revision: 1}, nil
}

func (forgetful) KeepUndecodable(context.Context, spool.Undecodable) error { return nil }

// sender is a request that can be sent again and again, and takes its own answer:
// it adds next to nothing to what is measured.
type sender struct {
	http.Request
	body   bytes.Reader
	header http.Header
	status int
}

func (s *sender) Read(p []byte) (int, error)  { return s.body.Read(p) }
func (s *sender) Close() error                { return nil }
func (s *sender) Header() http.Header         { return s.header }
func (s *sender) WriteHeader(status int)      { s.status = status }
func (s *sender) Write(p []byte) (int, error) { return len(p), nil }

func (s *sender) send(h http.Handler, body []byte) int {
	s.body.Reset(body)
	clear(s.header)
	h.ServeHTTP(s, &s.Request)
	return s.status
}

func newSender(h http.Header, path string, size int) *sender {
	r := post("", func(r *http.Request) { r.URL.Path = path })
	r.Header, r.ContentLength = h, int64(size)
	s := &sender{Request: *r, header: http.Header{}}
	s.Body = s
	return s
}

// escaped spells a callback as some senders do: everything but ASCII, and the
// slash, behind a backslash.
func escaped(body []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(body) {
		switch {
		case r == '/':
			b.WriteString(`\/`)
		case r > '~':
			b.WriteString(strings.Trim(strconv.QuoteToASCII(string(r)), `"`))
		default:
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

func compact(b *testing.B, body []byte) []byte {
	b.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, body); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkHandler takes callbacks from the request to the answer, but for the
// network and the store.
func BenchmarkHandler(b *testing.B) {
	config := testConfig(open("nxcc"), SourceConfig{
		Name: "infin8linx", Region: "ID", Auth: Auth{Header: &NamedSecret{Name: "token", Value: keys("s3cret")}},
	})
	config.Sources[0].Dialect.Convert, config.Sources[1].Dialect.Convert = nxcc.Convert, infin8linx.Convert
	h, err := New(config, Deps{Store: forgetful{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Registry: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	heads := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"platform"}, "Token": {"s3cret"}}
	for _, source := range []string{"nxcc", "infin8linx"} {
		published, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "callbacks", source+"-call.json"))
		if err != nil {
			b.Fatal(err)
		}
		for name, body := range map[string][]byte{
			"published": published,
			"web":       compact(b, bytes.Replace(published, []byte("{"), []byte(`{"recordUrl":"https://media.example/r?call=1&part=2",`), 1)),
			"escaped":   compact(b, escaped(bytes.Replace(published, []byte("{"), []byte(`{"recordUrl":"https://media.example/r/1","note":"转人工",`), 1))),
		} {
			s := newSender(heads, "/callbacks/"+source, len(body))
			b.Run(source+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					if s.send(h, body) != http.StatusOK {
						b.Fatal(s.status)
					}
				}
			})
		}
	}
}

// The sender is its own body and its own answer.
var (
	_ io.ReadCloser       = (*sender)(nil)
	_ http.ResponseWriter = (*sender)(nil)
)
