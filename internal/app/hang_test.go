package app_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/app"
)

// occupy lets nobody write to the spool in a folder until free is called: the spool
// waits at each write, for seconds, as on a disk that hangs.
func occupy(t *testing.T, dir string) (free func()) {
	t.Helper()
	c, err := sqlite.OpenConn(filepath.Join(dir, "s.db"), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(c, `BEGIN IMMEDIATE`, nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(sqlitex.ExecuteTransient(c, `ROLLBACK`, nil), c.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestAStopDoesNotWaitForADiskThatHangs, nor for a reload that waits for it.
func TestAStopDoesNotWaitForADiskThatHangs(t *testing.T) {
	crm := newCounter(t, http.StatusOK)
	dir := t.TempDir()
	text := strings.Replace(head(dir), "delay: 300ms, grace: 5s", "delay: 0s, grace: 1s", 1) + toCRM(crm.URL)
	r := run(t, text)
	r.post(1)
	eventually(t, "the call is delivered", func() bool { return crm.n.Load() == 1 })
	free := occupy(t, dir)
	reloaded := make(chan error, 1)
	go func() { reloaded <- r.reload(text + "log: {level: debug}\n") }()
	begun := time.Now()
	r.stop()
	if took := time.Since(begun); took > 1500*time.Millisecond {
		t.Errorf("the stop took %v", took)
	}
	if err := <-reloaded; err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("the reload: %v", err)
	}
	free()
	eventually(t, "the spool is closed in the end", func() bool {
		a, err := app.New(t.Context(), parse(t, text), app.Options{Log: quiet()})
		if err != nil {
			return false
		}
		r := &running{App: a, t: t, done: make(chan error, 1)}
		r.start()
		r.stop()
		return true
	})
}
