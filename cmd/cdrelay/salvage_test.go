package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// bigSpool makes a spool of so many delivered calls that to salvage it takes a
// while, and asks the next start for that.
func bigSpool(t *testing.T, config string) (path string) {
	t.Helper()
	s := start(t, config)
	s.signal(syscall.SIGTERM)
	s.ends(0, patience)
	path = filepath.Join(filepath.Dir(config), "cdrelay.db")
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteScript(c, `
		INSERT INTO calls(call_id, revision, content, source, outcome, received_at, record)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
			SELECT 'dialer:' || i, 1, randomblob(32), 'dialer', 'answered', i, '{"schema":"cdrelay.call/v1","id":"dialer:' || i || '"}' FROM n;
		UPDATE counted SET calls = 60000, up_to = 60000;
		UPDATE indexed SET up_to = 60000;`, nil)
	if err := errors.Join(err, c.Close(), os.WriteFile(path+".suspect", []byte("salvage\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAStartThatSalvages answers health, ends at once when it is told to, with
// exit code 0, and goes on where it was: it answered nobody, ended with 1, and
// began anew, so that a startup probe could keep it from ever serving.
func TestAStartThatSalvages(t *testing.T) {
	config := configure(t, "")
	path := bigSpool(t, config)
	admin := freePort(t)
	change(t, config, `admin: {listen: "127.0.0.1:0"}`, `admin: {listen: "`+admin+`"}`)

	first := launch(t, config, nil)
	first.admin = "http://" + admin
	first.awaitStarting(path)
	first.signal(syscall.SIGTERM)
	first.ends(0, 2*time.Second)

	second := start(t, config)
	log := second.log.String()
	if strings.Contains(log, `"rows":0,`) || !strings.Contains(log, "what can be read of the damaged file is being saved") {
		t.Errorf("it did not go on where it was:\n%s", log)
	}
	if _, body := second.get("/api/v1/status"); !strings.Contains(body, `"calls":60000`) {
		t.Errorf("status: %s", body)
	}
}

// awaitStarting waits until something was saved, and wants health to be answered
// meanwhile.
func (s *server) awaitStarting(path string) {
	s.t.Helper()
	eventually(s.t, "something was saved", func() bool {
		info, err := os.Stat(path + ".salvaged")
		return err == nil && info.Size() > 1<<20
	})
	if status, _ := s.get("/healthz"); status != http.StatusOK {
		s.t.Errorf("/healthz is %d", status)
	}
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "the server is starting: what can be read of a damaged file is being saved") {
		s.t.Errorf("/readyz: %d %s", status, body)
	}
	if status, _ := s.get("/metrics"); status != http.StatusOK {
		s.t.Errorf("/metrics is %d", status)
	}
	if status, _ := s.get("/api/v1/status"); status != http.StatusServiceUnavailable {
		s.t.Errorf("the API answers %d", status)
	}
}
