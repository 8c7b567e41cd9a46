package sqlite_test

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

// version1 writes the file that the first version of cdrelay made: in crm one
// call was delivered, one failed three times and waits, one is a dead letter and
// one is fresh; a callback could not be understood, and slack is paused.
func version1(t *testing.T) (path string) {
	t.Helper()
	f, err := os.Open("testdata/version1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "cdrelay.db")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileOfTheFirstVersionIsMigratedWithAllThatIsInIt(t *testing.T) {
	path := version1(t)
	before, err := repair.Check(t.Context(), path)
	if err != nil || !before.Sound() || before.Schema != 1 {
		t.Fatalf("before: %+v, error %v", before, err)
	}
	s := open(t, spool.Config{Path: path})
	if got := s.Totals(); got.Calls != 4 || got.IntakeDeadLetters != 1 || got.SetAside != 0 {
		t.Errorf("totals: %+v", got)
	}
	lanes, err := s.Lanes(t.Context())
	if err != nil || len(lanes) != 1 || lanes[0].Waiting != 2 || lanes[0].DeadLetters != 1 {
		t.Errorf("lanes: %+v, error %v", lanes, err)
	}
	if p := s.PauseOf("slack"); p.By != spool.ByOperator || !p.Active(time.Now()) {
		t.Errorf("the pause: %+v", p)
	}
	accept(t, s, "after")
	for id, want := range map[string]string{"delivered": "delivered", "retried": "waiting", "dead": "dead_letter", "fresh": "waiting"} {
		detail, err := s.Call(t.Context(), "dialer:"+id)
		if err != nil || len(detail.Deliveries) != 1 || detail.Deliveries[0].State != want {
			t.Errorf("%s: %+v, error %v", id, detail.Deliveries, err)
		}
	}
	for _, d := range lease(t, s, 10) {
		if d.Record.ID == "dialer:retried" && (d.Tries != 3 || d.History != (spool.History{Spent: 1})) {
			t.Errorf("after one attempt of three tries: %d tries, %+v", d.Tries, d.History)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := repair.Check(t.Context(), path)
	if err != nil || !after.Sound() || after.Schema <= before.Schema || after.Rows["calls"] != 5 {
		t.Errorf("after: %+v, error %v", after, err)
	}
}

func TestAFileOfTheFirstVersionIsSavedWhenItIsDamaged(t *testing.T) {
	path := version1(t)
	spoil(t, path, "", 1)
	s := open(t, spool.Config{Path: path})
	if got := s.Totals(); got.Calls != 4 || got.IntakeDeadLetters != 1 || len(kept(t, path)) == 0 {
		t.Errorf("totals: %+v, kept: %q", got, kept(t, path))
	}
}

func TestASpoolWhoseHeaderSaysOtherwiseIsDamagedAndNotForeign(t *testing.T) {
	path := closed(t, 20)
	b := read(t, path)
	copy(b[68:72], "liar") // application_id
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := repair.Check(t.Context(), path); err != nil || r.Sound() {
		t.Errorf("check: %+v, error %v", r, err)
	}
	if got := len(lease(t, open(t, spool.Config{Path: path}), 20)); got != 10 || len(kept(t, path)) != 1 {
		t.Errorf("%d deliveries were saved of 10, kept %q", got, kept(t, path))
	}
}

func TestACheckSaysWhyItCannotCheck(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "notes.db")
	script(t, foreign, `CREATE TABLE notes (text TEXT)`)
	newer := closed(t, 1)
	script(t, newer, `PRAGMA user_version = 99`)
	held := open(t, spool.Config{})
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "none.db"): "there is no spool",
		foreign:                               "another program",
		newer:                                 "schema version 99",
		held.Path():                           "spool is held by process ",
	} {
		if _, err := repair.Check(t.Context(), path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := repair.Salvage(t.Context(), spool.Config{Path: newer}, true); err == nil {
		t.Error("a file of a newer version was salvaged")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := repair.Check(ended, closed(t, 10)); err == nil {
		t.Error("checked although it was cancelled")
	}
}
