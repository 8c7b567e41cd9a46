package repair

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	store "github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// undone are the statements that undo what later versions brought, by the version that
// they lead to.
func undone() map[int][]string {
	return map[int][]string{
		7: {`ALTER TABLE deliveries DROP COLUMN remembered`},
		6: {`DROP TABLE events`, `DROP TABLE event_calls`, `ALTER TABLE lanes DROP COLUMN paused_for`, `ALTER TABLE calls DROP COLUMN rules`},
		1: {
			`ALTER TABLE calls DROP COLUMN trace`, `ALTER TABLE deliveries DROP COLUMN spent`, `ALTER TABLE deliveries DROP COLUMN doubts`,
			`ALTER TABLE deliveries DROP COLUMN failed_at`, `ALTER TABLE calls DROP COLUMN checksum`, `ALTER TABLE dead_letters DROP COLUMN request`,
			`DROP TABLE counted`, `DROP TABLE indexed`, `DROP TABLE kept`, `DROP TABLE shares`,
		},
	}
}

// ofVersion makes a file as a version of cdrelay left it, with one call that waits.
func ofVersion(t *testing.T, version int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "cdrelay.db")
	s := reopened(t, path)
	keep(t, s, "a", "")
	if err := s.SetPause(t.Context(), "crm", spool.Pause{By: spool.ByOperator}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	for v := dbfile.SchemaVersion; v >= version; v-- {
		for _, stmt := range undone()[v] {
			if err := dbfile.Execute(c, stmt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := dbfile.Execute(c, fmt.Sprintf(`PRAGMA user_version = %d`, version)); err != nil {
		t.Fatal(err)
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
		Record: &call.Record{Schema: call.SchemaID, ID: "dialer:" + id, Source: "dialer"}, Trace: trace, Rules: func() string { return "all calls\nto the CRM" },
		Route: func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileOfVersion1IsMigrated(t *testing.T) {
	path := ofVersion(t, 1)
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
	from := ofVersion(t, 1)
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

// TestAFileOfVersion6IsMigrated: the pause has no reason, the call no rules, and events
// are kept from then on.
func TestAFileOfVersion6IsMigrated(t *testing.T) {
	path := ofVersion(t, 6)
	before, err := Check(t.Context(), path)
	if err != nil || before.Schema != 6 || !before.Sound() {
		t.Fatalf("before: %+v, error %v", before, err)
	}
	s := reopened(t, path)
	if p := s.PauseOf("crm"); !p.Endless() || p.By != spool.ByOperator || p.Reason != "" {
		t.Errorf("the pause: %+v", p)
	}
	if c, err := s.Call(t.Context(), "dialer:a"); err != nil || len(c.Revisions) != 1 || c.Revisions[0].Rules != nil {
		t.Errorf("the call: %+v, error %v", c, err)
	}
	if err := s.KeepEvent(t.Context(), paused()); err != nil {
		t.Error(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := Check(t.Context(), path)
	if err != nil || !after.Sound() || after.Rows["events"] != 1 {
		t.Errorf("after: %+v, error %v", after, err)
	}
}

func paused() spool.Event {
	return spool.Event{ID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Action: spool.ActionPause, Token: "admin", Via: "api", Sinks: []string{"crm"}, Count: 1, Detail: "maintenance"}
}

// TestWhatOperatorsDidOutlivesASalvageAndABackup: with the calls of each event, the
// reasons of pauses and the rules that decided.
func TestWhatOperatorsDidOutlivesASalvageAndABackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	s := reopened(t, path)
	keep(t, s, "a", "")
	ctx := spool.WithEvent(t.Context(), paused())
	if err := s.SetPause(ctx, "crm", spool.Pause{By: spool.ByOperator, Reason: "maintenance"}); err != nil {
		t.Fatal(err)
	}
	leased, err := s.Lease(t.Context(), "crm", spool.Places{Limit: 1})
	if err != nil || len(leased) != 1 {
		t.Fatalf("%d deliveries, error %v", len(leased), err)
	}
	if err := s.Settle(leased[0], nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil { // commits it
		t.Fatal(err)
	}
	s = reopened(t, path)
	if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm"}}); err != nil {
		t.Fatal(err)
	}
	resent := paused()
	resent.ID, resent.Action = "01BX5ZZKBKACTAV9WEVGEMMVRZ", spool.ActionResend
	if _, err := s.Resend(spool.WithEvent(t.Context(), resent), spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := Backup(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	if _, err := Salvage(t.Context(), spool.Config{Path: path}, true); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, copied} {
		s := reopened(t, p)
		all, _, err := s.SearchEvents(t.Context(), spool.EventFilter{}, 10, "")
		ofCall, _, cerr := s.SearchEvents(t.Context(), spool.EventFilter{CallID: "dialer:a"}, 10, "")
		if err != nil || cerr != nil || len(all) < 2 || len(ofCall) != 1 || ofCall[0].Action != spool.ActionResend {
			t.Errorf("%s: %+v, of the call %+v, errors %v, %v", p, all, ofCall, err, cerr)
		}
		if byCommand := len(all) == 3 && all[0].Action == spool.ActionSalvage && all[0].Token == "command"; byCommand != (p == path) {
			t.Errorf("%s: the salvage is not the newest event, or is one of the copy: %+v", p, all)
		}
		if got := s.PauseOf("crm"); got.Reason != "maintenance" {
			t.Errorf("%s: the pause is %+v", p, got)
		}
		if c, err := s.Call(t.Context(), "dialer:a"); err != nil || len(c.Revisions[0].Rules) != 2 {
			t.Errorf("%s: the call is %+v, error %v", p, c, err)
		}
	}
}
