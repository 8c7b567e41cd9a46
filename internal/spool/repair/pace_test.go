package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// damagedInTheMiddle makes a file with calls of which some cannot be read, from
// neither end.
func damagedInTheMiddle(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	s := reopened(t, path)
	for i := range 300 {
		keep(t, s, fmt.Sprintf("%03d", i), strings.Repeat("x", 200))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := dbfile.Ints(c, `SELECT pageno FROM dbstat WHERE name IN ('calls', 'deliveries') AND pagetype = 'leaf' ORDER BY name, path`)
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	if len(pages) < 20 {
		t.Fatalf("only %d pages", len(pages))
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{5, 6, 9, len(pages) - 2} {
		if _, err := f.WriteAt(make([]byte, dbfile.PageSize), (pages[i]-1)*dbfile.PageSize); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// content is all that a salvage saved, but for the times at which it did.
func content(t *testing.T, c *sqlite.Conn) string {
	t.Helper()
	var out strings.Builder
	for _, sql := range []string{
		`SELECT seq || call_id || trace FROM calls ORDER BY seq`,
		`SELECT call_seq || ' ' || lane || ' ' || state FROM deliveries ORDER BY call_seq, lane`,
		`SELECT call_seq || reason FROM set_aside ORDER BY call_seq, reason`,
		`SELECT lane || name FROM kept`,
	} {
		err := dbfile.Query(c, sql, func(r *sqlite.Stmt) error {
			out.WriteString(r.ColumnText(0) + "\n")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// TestASalvageGoesOnWhereItWas: a start that was stopped in the middle began again
// from nothing, so that an impatient supervisor kept it from ever ending. What
// comes of it does not depend on where it was cut.
func TestASalvageGoesOnWhereItWas(t *testing.T) {
	from := damagedInTheMiddle(t)
	whole, want := salvageInSteps(t, from, 0)
	if whole != 1 || !strings.Contains(want, "is lost") {
		t.Fatalf("one salvage in %d steps:\n%s", whole, want)
	}
	for _, rows := range []int{5, 64} {
		runs, got := salvageInSteps(t, from, rows)
		if got != want {
			t.Errorf("cut after %d rows each, in %d steps:\n%s\nwant\n%s", rows, runs, got, want)
		}
		if rows < 64 && runs < 20 {
			t.Errorf("cut after %d rows each there were only %d steps", rows, runs)
		}
	}
}

// salvageInSteps stops at each commit but the first of a step, and goes on in the
// next one; 0 rows for one step.
func salvageInSteps(t *testing.T, from string, rows int) (steps int, result string) {
	t.Helper()
	cfg := spool.Config{Path: filepath.Join(t.TempDir(), "new.db")}.WithDefaults()
	for steps = 1; ; steps++ {
		ctx, cancel := context.WithCancel(t.Context())
		conn, p, err := openFresh(ctx, cfg, "this file")
		if err != nil {
			t.Fatal(err)
		}
		commits, before := 0, p
		err = salvage(ctx, &pace{to: conn, progress: &p, every: rows, committed: time.Now(), tell: func(progress) {
			if commits++; rows > 0 && commits == 2 {
				cancel()
			}
		}}, from, nil)
		cancel()
		if err == nil {
			result = content(t, conn)
		} else if !errors.Is(err, context.Canceled) && sqlite.ErrCode(err) != sqlite.ResultInterrupt {
			t.Fatal(err)
		}
		if err := errors.Join(conn.Close(), t.Context().Err()); err != nil {
			t.Fatal(err)
		}
		if result != "" {
			found, _ := json.Marshal(p.Found)
			return steps, result + string(found)
		}
		if steps > 5000 {
			t.Fatalf("no end: %+v after %+v", p, before)
		}
	}
}

// TestASalvageOfAnotherFileBeginsAnew: what was saved of one is not mixed with what
// is saved of another.
func TestASalvageOfAnotherFileBeginsAnew(t *testing.T) {
	cfg := spool.Config{Path: filepath.Join(t.TempDir(), "new.db")}.WithDefaults()
	for _, c := range []struct {
		of   string
		rows int64
	}{{"one", 0}, {"one", 1}, {"other", 0}} {
		conn, p, err := openFresh(t.Context(), cfg, c.of)
		if err != nil {
			t.Fatal(err)
		}
		isInt(t, conn, `SELECT count(*) FROM set_aside`, c.rows)
		pc := pace{to: conn, progress: &p}
		err = errors.Join(dbfile.Execute(conn, `BEGIN`), dbfile.KeepBytes(conn, time.Now(), 1, 1, "x", nil), pc.commit(), dbfile.Execute(conn, `ROLLBACK`), conn.Close())
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(cfg.Path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	conn, _, err := openFresh(t.Context(), cfg, "one")
	if err != nil {
		t.Fatal(err)
	}
	isInt(t, conn, `SELECT count(*) FROM set_aside`, 0)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}
