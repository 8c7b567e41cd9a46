package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

const (
	walHeader = 32
	walFrame  = 24 + pageSize
)

// edit changes a file.
func edit(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	if err := os.WriteFile(path, f(read(t, path)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamageOfTheWALIsToldFromAPowerCut(t *testing.T) {
	const calls = 30
	path := killed(t, calls)
	frames := (len(read(t, path+"-wal")) - walHeader) / walFrame
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[at] ^= 0x10
			return b
		}
	}
	drop := func([]byte) []byte { return nil }
	for _, c := range []struct {
		name       string
		wal, index func([]byte) []byte
		damaged    bool
		saved      int
	}{
		{name: "whole", saved: calls},
		{name: "without its index", index: drop, saved: calls},
		{name: "a frame in the middle", wal: flip(walHeader + frames/2*walFrame + 1000), damaged: true, saved: calls - 2},
		{name: "a frame in the middle, without an index", wal: flip(walHeader + frames/2*walFrame + 1000), index: drop, damaged: true, saved: calls - 2},
		{name: "the first frame", wal: flip(walHeader + 1000), damaged: true, saved: calls - 1},
		{name: "the header", wal: flip(5), damaged: true, saved: calls},
		{name: "the header's salts", wal: flip(17), damaged: true, saved: calls},
		{name: "the header's sums, without an index", wal: flip(25), index: drop, damaged: true, saved: calls},
		{name: "the last frame, of which the index knows", wal: flip(walHeader + (frames-1)*walFrame + 1000), damaged: true, saved: calls - 1},
		{name: "the last frame, as a power cut leaves it", wal: flip(walHeader + (frames-1)*walFrame + 1000), index: drop, saved: calls - 1},
		{name: "cut in the middle", wal: func(b []byte) []byte { return b[:len(b)/2] }, damaged: true, saved: calls / 3},
		{name: "cut in the last frame, as a power cut leaves it", wal: func(b []byte) []byte { return b[:len(b)-100] }, index: drop, saved: calls - 1},
		{name: "gone", wal: drop, damaged: true},
		{name: "an index of nonsense", index: flip(20), saved: calls},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cdrelay.db")
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.WriteFile(file+suffix, read(t, path+suffix), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if c.wal != nil {
				edit(t, file+"-wal", c.wal)
			}
			if c.index != nil {
				edit(t, file+"-shm", c.index)
			}
			if r, err := repair.Check(t.Context(), file); err != nil || r.Sound() == c.damaged {
				t.Errorf("check: %+v, error %v", r, err)
			}
			s := open(t, spool.Config{Path: file})
			if got := len(lease(t, s, 100)); got < c.saved {
				t.Errorf("%d calls were saved, want %d", got, c.saved)
			}
			if aside := len(kept(t, file)) > 0; aside != c.damaged || (s.Totals().SetAside > 0) != c.damaged {
				t.Errorf("set aside: %q, counted: %d", kept(t, file), s.Totals().SetAside)
			}
			accept(t, s, "after")
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r, err := repair.Check(t.Context(), file); err != nil || !r.Sound() {
				t.Errorf("check after it: %+v, error %v", r, err)
			}
		})
	}
}

// TestAWALThatWasMovedIsNotTakenForLost: what was checkpointed is in the file,
// and the WAL is begun anew over its old frames.
func TestAWALThatWasMovedIsNotTakenForLost(t *testing.T) {
	s := open(t, spool.Config{MaxBytes: 1 << 20}) // moves the WAL often
	for i := range 200 {
		accept(t, s, fmt.Sprint(i))
		if i%7 != 0 {
			continue
		}
		file := filepath.Join(t.TempDir(), "cdrelay.db")
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.WriteFile(file+suffix, read(t, s.Path()+suffix), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r, err := repair.Check(t.Context(), file); err != nil || !r.Sound() || int(r.Rows["calls"]) != i+1 {
			t.Fatalf("after %d calls: %+v, error %v", i+1, r, err)
		}
	}
}

// FuzzWAL: whatever lies beside the file, a start neither fails nor loses what
// the file itself holds.
func FuzzWAL(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte("short"), []byte("short"))
	f.Add(make([]byte, walHeader+2*walFrame), make([]byte, 32768))
	dir := f.TempDir()
	s, err := sqlite.Open(f.Context(), spool.Config{Path: filepath.Join(dir, "cdrelay.db")}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}})
	if err != nil {
		f.Fatal(err)
	}
	accept(f, s, "a")
	if err := s.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(s.Path())
	if err != nil {
		f.Fatal(err)
	}
	accept(f, s, "b")
	for _, n := range []int{1 << 30, walHeader + 3*walFrame + 100} {
		wal, werr := os.ReadFile(s.Path() + "-wal")
		index, ierr := os.ReadFile(s.Path() + "-shm")
		if werr != nil || ierr != nil {
			f.Fatal(werr, ierr)
		}
		f.Add(wal[:min(n, len(wal))], index)
	}
	if err := s.Close(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, wal, index []byte) {
		path := filepath.Join(t.TempDir(), "cdrelay.db")
		for suffix, b := range map[string][]byte{"": whole, "-wal": wal, "-shm": index} {
			if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := open(t, spool.Config{Path: path})
		accept(t, s, "after")
		if _, err := s.Call(t.Context(), "dialer:after"); err != nil {
			t.Error(err)
		}
	})
}
