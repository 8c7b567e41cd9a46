package sqlite_test

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// TestTheWALIsMovedBesideTheCommits switches SQLite's own way off, so that only
// the spool's can move anything.
func TestTheWALIsMovedBesideTheCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		if err := s.Exec(`PRAGMA wal_autocheckpoint = 0`); err != nil {
			t.Fatal(err)
		}
		size := func() int64 {
			synctest.Wait()
			info, err := os.Stat(s.Path())
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		before := size()
		for i := range sqlite.CheckpointEvery / 10 { // a WAL of a few megabytes
			accept(t, s, fmt.Sprint(i))
		}
		if now := size(); now != before {
			t.Errorf("the file grew from %d to %d before there was much to move", before, now)
		}
		for i := range sqlite.CheckpointEvery {
			accept(t, s, fmt.Sprint("more", i))
		}
		if now := size(); now < before+sqlite.CheckpointEvery*100 {
			t.Errorf("the file has %d bytes and had %d: the WAL was not moved", now, before)
		}
	})
}
