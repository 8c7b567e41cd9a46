package pages

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// The numbers of the calls: no page may show them unasked.
const (
	customer = "6281351111451"
	caller   = "628117654321"
)

var client = &http.Client{Timeout: patience}

// sink is a destination that keeps what it gets and answers as told.
type sink struct {
	*httptest.Server
	answer atomic.Int64 // the status

	mu  sync.Mutex // guards got
	got []string
}

func newSink(t *testing.T, status int64) *sink {
	t.Helper()
	s := &sink{}
	s.answer.Store(status)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came, if not all
		s.mu.Lock()
		s.got = append(s.got, string(body))
		s.mu.Unlock()
		if status := int(s.answer.Load()); status != http.StatusOK {
			w.Header().Set("X-Request-Id", "r-1")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":"no field phone for `+customer+`"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// bodies returns the bodies of the requests so far.
func (s *sink) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// site is a whole server within this process.
type site struct {
	t            *testing.T
	app          *app.App
	file         string // of its configuration
	public, page string // its addresses
}

// serve starts a server with the sinks and rules of a configuration, and stops it
// with the test.
func serve(t *testing.T, rest string) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{t: t, file: filepath.Join(dir, "config.yaml")}
	text := fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
spool: {path: %s/cdrelay.db}
shutdown: {grace: 5s}
sources:
  - {name: dialer, format: infin8linx, region: ID, auth: {query: {name: key, value: dialer-secret}}}
  - {name: nxlink, format: nxcc, region: HK, auth: {header: {name: token, value: nxcc-secret}}}
`, dir) + rest
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func() (*config.Loaded, error) { return config.Load(s.file) }
	loaded, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if s.app, err = app.New(t.Context(), loaded, app.Options{Version: "v1.2.3", Log: slog.New(slog.DiscardHandler), Level: new(slog.LevelVar), Load: load}); err != nil {
		t.Fatal(err)
	}
	s.public, s.page = "http://"+s.app.Addr().String(), "http://"+s.app.AdminAddr().String()
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.app.Run(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s.until("the server is ready", func() bool {
		resp, err := client.Get(s.page + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	return s
}

// change replaces a text of the configuration's file.
func (s *site) change(from, to string) {
	s.t.Helper()
	b, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.file, []byte(strings.ReplaceAll(string(b), from, to)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// callback is what the dialer posts.
func callback(id, direction, number string) string {
	return `{"id":` + id + `,"companycode":"9513923","direction":"` + direction + `","type":"` + direction + `","callmethod":2,` +
		`"starttime":"2026-11-20 17:31:13","answertime":"2026-11-20 17:31:19","endtime":"2026-11-20 17:33:21","duration":128,"billsec":122,` +
		`"userid":"12","username":"Ayu","ext":"801","disnumber":"+` + caller + `","destnumber":"+` + number + `","extnumber":"801","hangupdirection":10041,"hangupcause":16,` +
		`"uuid":"db4a44cc-aa72-11f0-ad78-1d7ff0749d07","userkey":"order <b>7</b>"}`
}

// post posts a callback, which must be taken.
func (s *site) post(body string) { s.t.Helper(); s.postFor(body, http.StatusOK) }

// postGarbage posts what cannot be understood.
func (s *site) postGarbage(body string) { s.t.Helper(); s.postFor(body, http.StatusBadRequest) }

func (s *site) postFor(body string, want int) {
	s.t.Helper()
	resp, err := client.Post(s.public+"/callbacks/dialer?key=dialer-secret", "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	said, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != want {
		s.t.Fatalf("%s %s, %v; want %d", resp.Status, said, err, want)
	}
}

// state returns the state of the first delivery of a call.
func (s *site) state(id string) string {
	d, err := s.app.Spool().Call(s.t.Context(), id)
	if err != nil || len(d.Deliveries) == 0 {
		return ""
	}
	return d.Deliveries[0].State
}

// letterOf returns the id of the first dead letter that a filter selects.
func (s *site) letterOf(f spool.LetterFilter) string {
	s.t.Helper()
	page, _, err := s.app.Spool().SearchLetters(s.t.Context(), f, 1, "")
	if err != nil || len(page) == 0 {
		s.t.Fatalf("no dead letter: %v %v", f, err)
	}
	return page[0].ID
}

func (s *site) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
