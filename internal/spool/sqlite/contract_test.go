package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/spooltest"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

func TestContract(t *testing.T) {
	spooltest.Run(t, spooltest.Kind{Open: func(t *testing.T, dir string, maxBytes spool.Bytes) spool.Store {
		t.Helper()
		s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(dir, "cdrelay.db"), MaxBytes: maxBytes}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}, Readings: phone.Readings})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}})
}
