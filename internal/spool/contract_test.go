package spool_test

import (
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/spooltest"
)

func TestContract(t *testing.T) {
	spooltest.Run(t, func(t *testing.T, dir string, maxBytes spool.Bytes) spooltest.Store {
		t.Helper()
		s, err := spool.Open(t.Context(), spool.Config{Path: filepath.Join(dir, "cdrelay.db"), MaxBytes: maxBytes}, spool.Deps{Log: quiet(), Readings: phone.Readings})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
