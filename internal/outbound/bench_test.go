package outbound

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// BenchmarkDo is one delivered exchange over loopback; BenchmarkBare the same
// with net/http alone.
func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(accept))
	b.Cleanup(server.Close)
	c, err := New("crm", Transport{Secrets: []secret.Value{secret.New(server.URL + "/hooks/t0ken"), secret.New("p4ssword")}}, Settings{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	r := post(server.URL)
	b.ReportAllocs()
	for b.Loop() {
		if o := c.Do(b.Context(), r); o.Meaning != Delivered {
			b.Fatal(o)
		}
	}
}

func BenchmarkBare(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(accept))
	b.Cleanup(server.Close)
	client := server.Client()
	b.ReportAllocs()
	for b.Loop() {
		resp, err := client.Post(server.URL, "application/json", strings.NewReader(`{"id":"1"}`))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

func accept(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, `{"status":"ok","id":"12345"}`)
}

// BenchmarkClean is what an answer costs until it may be kept: one that says
// little, and a long one in lines.
func BenchmarkClean(b *testing.B) {
	r := newRedactor([]secret.Value{secret.New("https://crm.example.com/services/T000/B000/t0kent0ken"), secret.New("p4ssword")})
	for name, text := range map[string]string{
		"short": `200 OK: {"status":"ok","id":"12345"}`,
		"long":  "201 Created: " + strings.Repeat("{\n  \"id\": \"12345\",\n  \"owner\": \"Besprechung mit Jörg\"\n}, ", 30),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r.clean(text, maxDetail) == "" {
					b.Fatal("nothing is left")
				}
			}
		})
	}
}
