package repair

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	store "github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// ofVersion1 makes a file as the first version of cdrelay left it, with one call
// that waits.
func ofVersion1(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "cdrelay.db")
	s := reopened(t, path)
	keep(t, s, "a", "")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	for _, stmt := range []string{`ALTER TABLE calls DROP COLUMN trace`, `ALTER TABLE deliveries DROP COLUMN spent`, `ALTER TABLE deliveries DROP COLUMN doubts`, `ALTER TABLE deliveries DROP COLUMN failed_at`, `ALTER TABLE calls DROP COLUMN checksum`, `ALTER TABLE dead_letters DROP COLUMN request`, `DROP TABLE counted`, `DROP TABLE indexed`, `DROP TABLE kept`, `DROP TABLE shares`, `PRAGMA user_version = 1`} {
		if err := dbfile.Execute(c, stmt); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func reopened(t *testing.T, path string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), spool.Config{Path: path}, store.Deps{Log: slog.New(slog.DiscardHandler), Repair: Tool{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

func keep(t *testing.T, s *store.Store, id, trace string) {
	t.Helper()
	_, err := s.Accept(t.Context(), spool.Acceptance{
		Record: &call.Record{Schema: call.SchemaID, ID: "dialer:" + id, Source: "dialer"}, Trace: trace,
		Route: func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileOfVersion1IsMigrated(t *testing.T) {
	path := ofVersion1(t)
	s := reopened(t, path)
	keep(t, s, "b", "00-b-01")
	leased, err := s.Lease(t.Context(), "crm", spool.Places{Limit: 10, Doubtful: 10})
	if err != nil || len(leased) != 2 {
		t.Fatalf("%d deliveries, error %v; want the old one and the new one", len(leased), err)
	}
	if leased[0].Trace != "" || leased[1].Trace != "00-b-01" {
		t.Errorf("traces %q and %q", leased[0].Trace, leased[1].Trace)
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	isInt(t, c, `PRAGMA user_version`, dbfile.SchemaVersion)
}

// TestADamagedFileOfVersion1IsSaved: damage may stand in the way of the
// migration, and the calls have no trace then.
func TestADamagedFileOfVersion1IsSaved(t *testing.T) {
	from := ofVersion1(t)
	to, err := dbfile.OpenWriter(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "new.db")}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	var p progress
	if err := salvage(t.Context(), &pace{to: to, progress: &p}, from, nil); err != nil || p.Found.Cut != 0 || p.Found.Orphans != 0 {
		t.Errorf("salvage: %+v, error %v", p, err)
	}
	isInt(t, to, `SELECT count(*) FROM calls WHERE call_id = 'dialer:a' AND trace = ''`, 1)
}

func TestTheTraceOutlivesASalvage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	s := reopened(t, path)
	keep(t, s, "a", "00-a-01")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Salvage(t.Context(), spool.Config{Path: path}, true); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	isInt(t, c, `SELECT count(*) FROM calls WHERE trace = '00-a-01'`, 1)
}

func isInt(t *testing.T, c *sqlite.Conn, sql string, want int64) {
	t.Helper()
	if got, err := dbfile.Int(c, sql); err != nil || got != want {
		t.Errorf("%s: %d, error %v, want %d", sql, got, err, want)
	}
}
