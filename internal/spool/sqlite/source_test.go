package sqlite

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

// openPlain opens a spool for the tests inside the package.
func openPlain(tb testing.TB, cfg spool.Config) *Store {
	tb.Helper()
	s, err := Open(tb.Context(), cfg, Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(tb.Context())); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// opsInSource finds the names of ops where they are given to the writer.
func opsInSource(t *testing.T) (ops []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	given := regexp.MustCompile(`(?:wait\(ctx, |op\{name: |report\(d, attempts, |report\(&d\.Delivery, nil, )"(\w+)"`)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range given.FindAllStringSubmatch(string(b), -1) {
			ops = append(ops, m[1])
		}
	}
	if len(ops) < 20 {
		t.Fatalf("only %d ops were found", len(ops))
	}
	return ops
}

// succeed notes the error of something that must not fail.
func succeed(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Error(err)
	}
}
