package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	zombie "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

// TestNoDamagedByteGoesUntoldNoRace flips one byte anywhere behind the first page of a
// spool that was stopped, and starts it: what a check finds afterwards would be
// damage of which the start said nothing. So it was with indexes and with the keys of
// rows, which no delivery reads. SPOOL_TEST_FLIPS sets how many; the seed is logged.
func TestNoDamagedByteGoesUntoldNoRace(t *testing.T) {
	seed, flips := uint64(time.Now().UnixNano()), 40
	if text := os.Getenv("SPOOL_TEST_FLIPS"); text != "" {
		if _, err := fmt.Sscan(text, &flips); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	whole := read(t, closed(t, 120))
	told, harmless := 0, 0
	for range flips {
		at := pageSize + random.IntN(len(whole)-pageSize)
		path := filepath.Join(t.TempDir(), "cdrelay.db")
		b := bytes.Clone(whole)
		b[at] ^= byte(1 + random.IntN(255))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if startOn(t, path) > 0 {
			told++
		} else {
			harmless++
		}
		r, err := repair.Check(t.Context(), path)
		if err != nil || !r.Sound() {
			t.Errorf("byte %d of page %d: after a start that told of it or not, a check finds %+v, %v", at%pageSize, at/pageSize+1, r.Findings, err)
		}
	}
	t.Logf("%d of %d damaged bytes were told, %d damaged nothing", told, flips, harmless)
}

// startOn starts a spool, delivers all, and returns how much was set aside.
func startOn(t *testing.T, path string) (aside int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Path: path})
		pass(time.Second)
		for _, d := range lease(t, s, 1000) {
			succeed(t, s.Settle(d, nil))
		}
		pass(15 * time.Minute) // until the check that an unreadable record asks for
		aside = s.Totals().SetAside
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return aside
}

// TestSumsThatDisagreeAreCountedAgain: a damaged letter in the source of a row makes
// the sum of one source too large and leaves another without one.
func TestSumsThatDisagreeAreCountedAgain(t *testing.T) {
	for name, sql := range map[string]string{
		"a row":   `UPDATE calls SET source = 'diales' WHERE seq = 3`,
		"a sum":   `UPDATE shares SET bytes = bytes + 7`,
		"no sums": `DELETE FROM shares`,
	} {
		t.Run(name, func(t *testing.T) {
			path := closed(t, 20)
			damage(t, path, sql)
			if r, err := repair.Check(t.Context(), path); err != nil || r.Sound() {
				t.Fatalf("the damage is not found before: %+v, %v", r.Findings, err)
			}
			if aside := startOn(t, path); aside != 0 {
				t.Errorf("%d records were set aside", aside)
			}
			if r, err := repair.Check(t.Context(), path); err != nil || !r.Sound() {
				t.Errorf("after a start a check finds %+v, %v", r.Findings, err)
			}
		})
	}
}

// damage changes a spool that nobody has open.
func damage(t *testing.T, path, sql string) {
	t.Helper()
	c, err := zombie.OpenConn(path, zombie.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteScript(c, sql, nil), c.Close()); err != nil {
		t.Fatal(err)
	}
}
