package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// displaced opens a spool in a folder of its own, with calls that wait, a lease and
// a dead letter, in the file and in the WAL.
func displaced(t *testing.T) (*sqlite.Store, *logText) {
	t.Helper()
	log := &logText{}
	s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "data", "cdrelay.db")}, sqlite.Deps{Log: slog.New(slog.NewJSONHandler(log, nil)), Repair: repair.Tool{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		accept(t, s, fmt.Sprint("moved-", i))
	}
	s.Checkpoint()
	for i := range 10 {
		accept(t, s, fmt.Sprint("in-wal-", i))
	}
	succeed(t, s.Bury(lease(t, s, 1)[0], nil, spool.Rejected, "no"))
	pass(time.Second)
	return s, log
}

// removals take files of an open spool away. back puts away what stands in the way.
func removals() map[string]struct {
	take func(path string) error
	back func(path string) error
} {
	folder := filepath.Dir
	text := func(path string) error { return os.WriteFile(path, []byte("somebody's"), 0o600) }
	over := func(path string) error { return errors.Join(text(path+".theirs"), os.Rename(path+".theirs", path)) }
	type removal = struct{ take, back func(path string) error }
	return map[string]removal{
		"file removed":   {take: os.Remove},
		"file moved":     {take: func(path string) error { return os.Rename(path, path+".moved") }},
		"folder removed": {take: func(path string) error { return os.RemoveAll(folder(path)) }},
		"folder moved":   {take: func(path string) error { return os.Rename(folder(path), folder(path)+".moved") }},
		"folder emptied": {take: func(path string) error {
			return errors.Join(os.RemoveAll(folder(path)), os.Mkdir(folder(path), 0o700))
		}},
		"file and WAL removed": {take: func(path string) error { return errors.Join(os.Remove(path), os.Remove(path+"-wal")) }},
		"WAL removed":          {take: func(path string) error { return os.Remove(path + "-wal") }},
		"WAL moved":            {take: func(path string) error { return os.Rename(path+"-wal", path+".w") }},
		"WAL replaced":         {take: func(path string) error { return over(path + "-wal") }},
		"index removed":        {take: func(path string) error { return os.Remove(path + "-shm") }},
		"file replaced":        {take: over, back: os.Remove},
		"file replaced by a folder": {
			take: func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, back: os.Remove,
		},
		"folder replaced by a file": {
			take: func(path string) error {
				return errors.Join(os.Rename(folder(path), folder(path)+".moved"), text(folder(path)))
			},
			back: func(path string) error { return os.Remove(folder(path)) },
		},
		"moved and moved back": {
			take: func(path string) error { return os.Rename(path, path+".moved") },
			back: func(path string) error { return os.Rename(path+".moved", path) },
		},
	}
}

// TestAFileThatIsTakenAwayLosesNothing: nothing is acknowledged from the removal on
// until what is open is in its place again; then all that was acknowledged before is
// there, and so are the leases. What somebody else put there is left alone.
func TestAFileThatIsTakenAwayLosesNothing(t *testing.T) {
	for name, r := range removals() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, log := displaced(t)
				leased := lease(t, s, 3)
				if err := r.take(s.Path()); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Accept(t.Context(), acceptance("after", "first", "crm")); !errors.Is(err, spool.ErrUnavailable) {
					t.Errorf("a call was taken after the removal: %v", err)
				}
				if err := s.Ready(); err == nil {
					t.Error("ready")
				}
				if r.back != nil && name != "moved and moved back" {
					before := read1(t, s.Path())
					pass(10 * time.Second)
					if err := s.Ready(); err == nil || read1(t, s.Path()) != before {
						t.Errorf("with another file there: ready says %v", err)
					}
				}
				if r.back != nil {
					if err := r.back(s.Path()); err != nil {
						t.Fatal(err)
					}
				}
				pass(3 * time.Second)
				if err := s.Ready(); err != nil {
					t.Fatalf("ready says %v\n%s", err, log)
				}
				if !strings.Contains(log.String(), "a file of the spool is not in its place") || !strings.Contains(log.String(), "the spool is in its place again") || s.Errors("place") == 0 {
					t.Errorf("the log: %s", log)
				}
				accept(t, s, "new")
				for _, d := range leased {
					succeed(t, s.Settle(d, nil))
				}
				pass(time.Second)
				holdsAll(t, s, 40+10-1-3+1)
			})
		})
	}
}

// holdsAll wants so many deliveries that wait after a restart, and a sound file.
func holdsAll(t *testing.T, s *sqlite.Store, want int) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := repair.Check(t.Context(), s.Path())
	if err != nil || !r.Sound() {
		t.Fatalf("%+v, %v", r.Findings, err)
	}
	after := open(t, spool.Config{Path: s.Path()})
	got := len(lease(t, after, 1000))
	// The call that was not acknowledged may be kept.
	if n, err := after.Int(`SELECT count(*) FROM calls WHERE call_id = 'dialer:after'`); err != nil || got != want+int(n) {
		t.Errorf("%d wait, want %d and %d, %v", got, want, n, err)
	}
	if n, err := after.Int(`SELECT count(*) FROM dead_letters`); err != nil || n != 1 {
		t.Errorf("%d dead letters, %v", n, err)
	}
}

// read1 describes what is at a path and beside it that is not the spool's.
func read1(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	if info.IsDir() {
		return "a folder"
	}
	return string(read(t, path))
}

// TestASpoolThatRestsNoticesWithinTwoSeconds that its file is gone.
func TestASpoolThatRestsNoticesWithinTwoSeconds(t *testing.T) {
	for name, r := range removals() {
		if r.back != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, log := displaced(t)
				if err := r.take(s.Path()); err != nil {
					t.Fatal(err)
				}
				pass(2 * time.Second)
				if !strings.Contains(log.String(), "a file of the spool is not in its place") {
					t.Errorf("nobody noticed: %s", log)
				}
				pass(2 * time.Second)
				holdsAll(t, s, 40+10-1)
			})
		})
	}
}

// TestAStopRightAfterTheRemoval saves what is open too.
func TestAStopRightAfterTheRemoval(t *testing.T) {
	for name, r := range removals() {
		if r.back != nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := displaced(t)
				if err := r.take(s.Path()); err != nil {
					t.Fatal(err)
				}
				holdsAll(t, s, 40+10-1)
			})
		})
	}
}

// TestAFileInTheWayIsKeptAndSoIsWhatWasOpen: another file, even a spool, that takes
// the place is not touched; what was accepted is in a file beside it that can be put
// in its place.
func TestAFileInTheWayIsKeptAndSoIsWhatWasOpen(t *testing.T) {
	for name, theirs := range map[string]func(t *testing.T) string{
		"a text": func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(path, []byte("Dear diary"), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"a spool": func(t *testing.T) string {
			t.Helper()
			return closed(t, 12)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, log := displaced(t)
				other := theirs(t)
				want := read(t, other)
				if err := os.Rename(other, s.Path()); err != nil {
					t.Fatal(err)
				}
				pass(4 * time.Second)
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if got := read(t, s.Path()); string(got) != string(want) {
					t.Error("the other file was changed")
				}
				saved, err := filepath.Glob(s.Path() + ".saved-*")
				if err != nil || len(saved) != 1 || !strings.Contains(log.String(), saved[0]) {
					t.Fatalf("saved as %q, %v\n%s", saved, err, log)
				}
				for _, suffix := range []string{"-wal", "-shm"} {
					if _, err := os.Lstat(s.Path() + suffix); err == nil {
						t.Errorf("%s is left and belongs to no file: it would damage the other one", suffix)
					}
				}
				if got := len(lease(t, open(t, spool.Config{Path: saved[0]}), 1000)); got != 49 {
					t.Errorf("%d wait in the saved file, want 49", got)
				}
			})
		})
	}
}

// TestAVolumeThatIsGoneIsNotReplacedByAFolder: another file system at the folder's
// place would hide the calls when the volume is back.
func TestAVolumeThatIsGoneIsNotReplacedByAFolder(t *testing.T) {
	there, err := os.MkdirTemp("/dev/shm", "cdrelay-test-") //nolint:usetesting // it must be on another file system
	if err != nil {
		t.Skipf("DID NOT RUN: this test needs a second file system: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(there) })
	synctest.Test(t, func(t *testing.T) {
		s, log := displaced(t)
		folder := filepath.Dir(s.Path())
		if err := errors.Join(os.Rename(folder, folder+".moved"), os.Symlink(there, folder)); err != nil {
			t.Fatal(err)
		}
		pass(4 * time.Second)
		if err := s.Ready(); err == nil || !strings.Contains(log.String(), "is not mounted: mount it again") {
			t.Errorf("ready says %v\n%s", err, log)
		}
		if left, err := os.ReadDir(there); err != nil || len(left) > 0 {
			t.Errorf("made on the other file system: %v, %v", left, err)
		}
		if err := errors.Join(os.Remove(folder), os.Rename(folder+".moved", folder)); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		accept(t, s, "new")
		holdsAll(t, s, 40+10-1+1)
	})
}
