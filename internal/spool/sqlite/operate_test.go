package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

func TestABackupUnderLoadIsWholeAndDisturbsNobody(t *testing.T) {
	s := open(t, spool.Config{})
	for i := range 500 {
		accept(t, s, fmt.Sprint(i))
	}
	var taken atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for w := range 4 {
		load.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Accept(t.Context(), acceptance(fmt.Sprintf("load-%d-%d", w, i), "first", "crm")); err != nil {
					t.Error(err)
					return
				}
				taken.Add(1)
			}
		})
	}
	for n := range 5 {
		to := filepath.Join(t.TempDir(), "backup.db")
		before := taken.Load()
		r, err := repair.Backup(t.Context(), s.Path(), to)
		if err != nil {
			t.Fatal(err)
		}
		if calls := r.Rows["calls"]; calls < 500+before || r.Waiting != calls {
			t.Errorf("backup %d: %d calls, %d of them wait; %d had been taken", n, calls, r.Waiting, 500+before)
		}
		if got := len(lease(t, open(t, spool.Config{Path: to}), 100)); got != 100 {
			t.Errorf("backup %d: a spool opened on it gives %d of 100", n, got)
		}
	}
	close(stop)
	load.Wait()
	if taken.Load() == 0 {
		t.Error("nothing was taken meanwhile")
	}
}

func TestABackupLeavesNothingHalf(t *testing.T) {
	path, dir := closed(t, 20), t.TempDir()
	to := filepath.Join(dir, "backup.db")
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := repair.Backup(ended, path, to); err == nil {
		t.Error("made although it was cancelled")
	}
	damaged := copied(t, path)
	spoil(t, damaged, "", rootPage(t, path, "waiting"))
	if _, err := repair.Backup(t.Context(), damaged, to); err == nil {
		t.Error("a damaged spool was backed up without a word")
	}
	lost := killed(t, 20)
	edit(t, lost+"-wal", func(b []byte) []byte { return b[:len(b)/2] })
	if _, err := repair.Backup(t.Context(), lost, to); err == nil {
		t.Error("a spool with half a WAL was backed up without a word")
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) != 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
	if _, err := repair.Backup(t.Context(), path, to); err != nil {
		t.Fatal(err)
	}
	if names, err := filepath.Glob(path + "-*"); err != nil || len(names) != 0 {
		t.Errorf("left beside a spool that nobody has open: %q, %v", names, err)
	}
}

func TestRowsBetweenTwoDamagedPagesAreSaved(t *testing.T) {
	const calls = 200
	path := closed(t, calls)
	spoil(t, path, `"dialer:50"`, 0)
	spoil(t, path, `"dialer:150"`, 0)
	r, err := repair.Salvage(t.Context(), spool.Config{Path: path}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range r.Tables {
		if table.Table != "calls" {
			continue
		}
		if table.Saved+table.Lost != calls || table.Lost == 0 || table.Lost > 40 || !table.Complete {
			t.Errorf("%+v, want all but those of two pages", table)
		}
	}
	s := open(t, spool.Config{Path: path})
	if n, err := s.Int(`SELECT count(*) FROM set_aside WHERE reason LIKE 'the call dialer:%, revision 1, is lost'`); err != nil || n == 0 {
		t.Errorf("%d lost calls are named, error %v", n, err)
	}
	if n := s.Totals().Calls; n < calls-40 {
		t.Errorf("%d calls are left", n)
	}
}

func TestASoundSpoolIsNotSalvagedUnlessForced(t *testing.T) {
	path := closed(t, 20)
	if _, err := repair.Salvage(t.Context(), spool.Config{Path: path}, false); !errors.Is(err, repair.ErrSound) {
		t.Errorf("error %v, want %v", err, repair.ErrSound)
	}
	if len(kept(t, path)) != 0 {
		t.Error("it was set aside")
	}
	r, err := repair.Salvage(t.Context(), spool.Config{Path: path}, true)
	if err != nil || len(kept(t, path)) != 1 {
		t.Fatalf("%+v, error %v", r, err)
	}
	if _, err := os.Stat(sqlite.SuspectMark(path)); err == nil {
		t.Error("the new file is under suspicion")
	}
	if got, err := repair.Check(t.Context(), path); err != nil || !got.Sound() || got.Rows["calls"] != 20 || got.Waiting != 10 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestASalvageThatWasCutShortIsDoneAgain(t *testing.T) {
	path := closed(t, 20)
	if err := os.WriteFile(sqlite.SuspectMark(path), []byte("salvage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, spool.Config{Path: path})
	if got := len(lease(t, s, 20)); got != 10 || len(kept(t, path)) != 1 {
		t.Errorf("%d deliveries of 10, kept %q", got, kept(t, path))
	}
}

func TestAStepThatFailsCountsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		for i := range 300 {
			accept(t, s, fmt.Sprint(i))
		}
		pass(2 * time.Hour)
		s.FillDisk(t, true)
		fillUp(t, s)
		if n, err := s.Expire(t.Context(), "crm", time.Now(), spool.Expired, "late", 300); err == nil || n != 0 {
			t.Errorf("%d ended, error %v; want none, and an error", n, err)
		}
		s.FillDisk(t, false)
		pass(3 * time.Second)
		if n, err := s.Expire(t.Context(), "crm", time.Now(), spool.Expired, "late", 300); err != nil || n != 300 {
			t.Errorf("%d ended with room again, error %v", n, err)
		}
	})
}
