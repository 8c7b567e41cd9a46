package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// plan returns SQLite's plan of a statement, a line each step.
func plan(t *testing.T, c *sqlite.Conn, sql string) string {
	t.Helper()
	var steps []string
	err := dbfile.Query(c, "EXPLAIN QUERY PLAN "+sql, func(r *sqlite.Stmt) error {
		steps = append(steps, r.ColumnText(3))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "\n")
}

func TestHotStatementsUseTheirIndexAndNeverScanOrSort(t *testing.T) {
	c, err := dbfile.OpenWriter(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	const partial, primary = "INDEX waiting (lane=?", "PRIMARY KEY"
	for _, s := range []struct{ name, sql, uses string }{
		{"lease fresh", leaseFresh, "COVERING " + partial + " AND state=? AND due=? AND call_seq>?)"},
		{"lease scheduled", leaseScheduled, partial + " AND state=? AND due<?)"},
		{"lease doubtful", leaseDoubtful, partial + " AND state=? AND due<?)"},
		{"lease replayed", leaseReplayed, partial + " AND state=? AND due<?)"},
		{"leased call", leasedCall, "INTEGER PRIMARY KEY (rowid=?)"},
		{"next scheduled", nextScheduled, partial + " AND state=?)"},
		{"next doubtful", nextDoubtful, partial + " AND state=?)"},
		{"next replayed", nextReplayed, partial + " AND state=?)"},
		{"oldest fresh", oldestFresh, partial + " AND state=? AND due=?)"},
		{"oldest tried", oldestTried, partial + " AND state=?)"},
		{"oldest doubtful", oldestDoubtful, partial + " AND state=?)"},
		{"expired fresh", expiredFresh, partial + " AND state=? AND due=?)"},
		{"expired tried", expiredTried, partial + " AND state=?)"},
		{"count waiting", countWaiting, partial},
		{"count doubtful", countDoubtful, "COVERING " + partial + " AND state=?)"},
		{"count dead by reason", countReasons, "COVERING INDEX dead_place (stage=? AND lane=?)"},
		{"letters of a source", lettersOfSource, "INDEX dead_place (stage=? AND lane=? AND reason=?)"},
		{"count dead", countDead, "COVERING INDEX dead_place (stage=? AND lane=?)"},
		{"revisions", revisionsOf, "INDEX calls_identity (call_id=?)"},
		{"ahead, scheduled", aheadScheduled, partial + " AND state=? AND due>?)"},
		{"ahead, replayed", aheadReplayed, partial + " AND state=? AND due>?)"},
		{"ahead, fresh", aheadFresh, "COVERING " + partial + " AND state=? AND due=? AND call_seq>?)"},
		{"older waiting", olderWaiting, "INDEX calls_identity (call_id=? AND revision<?)"},
		{"next held", nextHeld, "INDEX calls_identity (call_id=?)"},
		{"history", history, "INTEGER PRIMARY KEY (rowid>?)"},
		{"letters", letterColumns + `WHERE ` + lettersBetween + newestFirst, primary},
	} {
		t.Run(s.name, func(t *testing.T) {
			got := plan(t, c, s.sql)
			if !strings.Contains(got, s.uses) {
				t.Errorf("plan does not use %q:\n%s", s.uses, got)
			}
			if strings.Contains(got, "SCAN") || strings.Contains(got, "TEMP B-TREE") {
				t.Errorf("plan scans or sorts:\n%s", got)
			}
		})
	}
}

func TestOpeningCountsFromIndexesOnly(t *testing.T) {
	c, err := dbfile.OpenWriter(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	for sql, uses := range map[string]string{
		`SELECT count(*) FROM deliveries WHERE state < 4`:              "COVERING INDEX waiting",
		`SELECT count(*) FROM dead_letters WHERE stage = 'delivery'`:   "COVERING INDEX dead_place",
		`SELECT count(*) FROM dead_letters WHERE stage = 'intake'`:     "COVERING INDEX dead_place",
		`SELECT count(*) FROM deliveries WHERE lane = 1 AND state < 4`: "COVERING INDEX waiting",
	} {
		if got := plan(t, c, sql); !strings.Contains(got, uses) {
			t.Errorf("%s does not use %q:\n%s", sql, uses, got)
		}
	}
}
