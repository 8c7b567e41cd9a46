package app_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
)

// TestReloadOfTheSpool: its bounds change while it works.
func TestReloadOfTheSpool(t *testing.T) {
	text := head(t.TempDir())
	r := run(t, text)
	if err := r.reload(strings.Replace(text, "spool: {", "spool: {retention: 2h, max_bytes: 32MiB, ", 1)); err != nil {
		t.Fatal(err)
	}
	if _, m := r.get("/metrics"); !strings.Contains(m, "cdrelay_spool_max_bytes 3.3554432e+07") {
		t.Error("max_bytes did not change")
	}
	if status := r.post(1); status != http.StatusOK {
		t.Errorf("after the change: %d", status)
	}
}

// fixedChanges are a change of each key, in the text of head.
func fixedChanges(t *testing.T) map[string][2]string {
	t.Helper()
	return map[string][2]string{
		"listen":       {`listen: "127.0.0.1:0"` + "\n", `listen: "127.0.0.1:1"` + "\n"},
		"admin.listen": {`admin: {listen: "127.0.0.1:0"}`, `admin: {listen: "127.0.0.1:1"}`},
		"spool.path":   {"s.db", "other.db"},
		"tls":          {"sources:", keyPair(t) + "\nsources:"},
		"log.format":   {"sources:", "log: {format: text}\nsources:"},
		"":             {"grace: 5s", "grace: 6s"},
	}
}

// TestReloadNamesWhatNeedsARestart, and goes on with what there is.
func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	for key, change := range fixedChanges(t) {
		t.Run(key, func(t *testing.T) {
			var log bytes.Buffer
			text := head(t.TempDir())
			a, err := app.New(t.Context(), parse(t, text), app.Options{
				Log: slog.New(slog.NewJSONHandler(&log, nil)),
				Load: func() (*config.Loaded, error) {
					return config.Parse("c.yaml", []byte(strings.Replace(text, change[0], change[1], 1)))
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { // the way to close it
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := a.Run(ctx); err != nil {
					t.Error(err)
				}
			}()
			if err := a.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := restarts(&log); strings.Join(got, " ") != key {
				t.Errorf("a restart is asked for because of %q, want %q", got, key)
			}
		})
	}
}

// TestTheSchemaMarksWhatNeedsARestart: these keys, and no others.
func TestTheSchemaMarksWhatNeedsARestart(t *testing.T) {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	type key struct {
		Restart    bool           `json:"x-needs-restart"`
		Properties map[string]key `json:"properties"`
	}
	var top key
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	marked := map[string]bool{"": true} // a change that needs none
	for name, k := range top.Properties {
		if k.Restart {
			marked[name] = true
			continue // what is below it is marked with it
		}
		for child, c := range k.Properties {
			if c.Restart {
				marked[name+"."+child] = true
			}
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(fixedChanges(t))), slices.Sorted(maps.Keys(marked))); diff != "" {
		t.Errorf("needed by the server (-) and marked in the schema (+):\n%s", diff)
	}
}

// restarts gives the keys whose change needs a restart, by the log.
func restarts(log *bytes.Buffer) (keys []string) {
	for line := range strings.Lines(log.String()) {
		var l struct{ Msg, Key string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Msg == "this change needs a restart" {
			keys = append(keys, l.Key)
		}
	}
	return keys
}

// keyPair makes a certificate and gives the setting that names it.
func keyPair(t *testing.T) string {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]pem.Block{"cert": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, "key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("tls: {cert: %s/cert, key: %s/key}", dir, dir)
}
