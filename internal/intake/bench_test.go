package intake

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// forgetful is a store that keeps nothing.
type forgetful struct{}

func (forgetful) Accept(_ context.Context, a spool.Acceptance) (spool.Receipt, error) {
	a.Route(a.Record)
	return spool.Receipt{ID: a.Record.ID, Revision: 1}, nil
}

func (forgetful) KeepUndecodable(context.Context, spool.Undecodable) error { return nil }

// BenchmarkHandler takes a published callback from the request to the answer, but
// for the network and the store.
func BenchmarkHandler(b *testing.B) {
	body, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "callbacks", "nxcc-call.json"))
	if err != nil {
		b.Fatal(err)
	}
	config := testConfig(open("a"))
	config.Sources[0].Convert = nxcc.Convert
	h, err := New(config, Deps{Store: forgetful{}, Log: slog.New(slog.DiscardHandler), Now: time.Now, Registry: prometheus.NewRegistry()})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, post(string(body))); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
