package faultfs_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

// file is an open file of a test that wants no error.
type file struct {
	*os.File
	t *testing.T
}

func open(t *testing.T, d *faultfs.Disk, name string) file {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(d.Folder(), name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // after a cut nothing else works
	return file{f, t}
}

func (f file) put(at int64, b []byte) {
	f.t.Helper()
	if n, err := f.WriteAt(b, at); err != nil || n != len(b) {
		f.t.Fatalf("write: %d, %v", n, err)
	}
}

func (f file) sync() {
	f.t.Helper()
	if err := f.Sync(); err != nil {
		f.t.Fatal(err)
	}
}

func syncFolder(t *testing.T, d *faultfs.Disk) {
	t.Helper()
	if err := syncAt(d.Folder()); err != nil {
		t.Fatal(err)
	}
}

func syncAt(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// cut ends the power and brings it back.
func cut(t *testing.T, d *faultfs.Disk, seed uint64, opened ...file) faultfs.Survival {
	t.Helper()
	s := d.Cut(seed)
	for _, f := range opened {
		if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, syscall.EIO) {
			t.Errorf("an open file after the cut reads: %v", err)
		}
		if err := f.Sync(); !errors.Is(err, syscall.EIO) {
			t.Errorf("an open file after the cut syncs: %v", err)
		}
		_ = f.Close() // so that the disk can be unmounted
	}
	if err := d.Remount(); err != nil {
		t.Fatal(err)
	}
	return s
}

func content(t *testing.T, d *faultfs.Disk, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(d.Folder(), name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

func filled(n int, with byte) []byte { return bytes.Repeat([]byte{with}, n) }

func TestWhatIsSyncedSurvives(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, filled(10_000, 'x'))
	f.sync()
	syncFolder(t, d)
	for seed := range uint64(10) {
		f := open(t, d, "a")
		cut(t, d, seed, f)
		if got := content(t, d, "a"); !bytes.Equal(got, filled(10_000, 'x')) {
			t.Fatalf("seed %d: %d bytes, not those that were synced", seed, len(got))
		}
	}
}

func TestWhatIsNotSyncedIsLostTornOrReordered(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, filled(8192, 'o'))
	f.sync()
	syncFolder(t, d)
	var lost, kept, torn, reordered int
	for seed := range uint64(60) {
		f := open(t, d, "a")
		f.put(0, filled(4096, '1'))
		f.put(4096, filled(4096, '2'))
		cut(t, d, seed, f)
		got := content(t, d, "a")
		if len(got) != 8192 {
			t.Fatalf("seed %d: %d bytes", seed, len(got))
		}
		first, second := bytes.Count(got[:4096], []byte("1")), bytes.Count(got[4096:], []byte("2"))
		for i := 0; i < len(got); i += 512 {
			if !bytes.Equal(got[i:i+512], filled(512, got[i])) {
				t.Fatalf("seed %d: the sector at %d is not whole", seed, i)
			}
		}
		switch {
		case first == 0 && second == 0:
			lost++
		case first == 4096 && second == 4096:
			kept++
		}
		if first%4096 != 0 || second%4096 != 0 {
			torn++
		}
		if first < second {
			reordered++
		}
		f = open(t, d, "a")
		f.put(0, filled(8192, 'o'))
		f.sync()
		_ = f.Close()
	}
	t.Logf("lost %d, kept %d, torn %d, reordered %d", lost, kept, torn, reordered)
	if lost == 0 || kept == 0 || torn == 0 || reordered == 0 {
		t.Error("not everything that may happen did")
	}
}

func TestNamesNeedASyncOfTheFolder(t *testing.T) {
	d := faultfs.New(t)
	var missing, there int
	for seed := range uint64(20) {
		f := open(t, d, "new")
		f.put(0, []byte("text"))
		f.sync()
		cut(t, d, seed, f)
		switch string(content(t, d, "new")) {
		case "":
			missing++
		case "text":
			there++
		default:
			t.Errorf("seed %d: synced content changed", seed)
		}
		_ = os.Remove(filepath.Join(d.Folder(), "new")) // where it survived
		syncFolder(t, d)
	}
	if missing == 0 || there == 0 {
		t.Errorf("missing %d times, there %d times", missing, there)
	}
}

func TestARenameIsWhole(t *testing.T) {
	d := faultfs.New(t)
	path := func(name string) string { return filepath.Join(d.Folder(), name) }
	var before, after int
	for seed := range uint64(20) {
		for name, text := range map[string]string{"to": "old", "from": "new"} {
			f := open(t, d, name)
			f.put(0, []byte(text))
			f.sync()
			_ = f.Close()
		}
		syncFolder(t, d)
		if err := os.Rename(path("from"), path("to")); err != nil {
			t.Fatal(err)
		}
		cut(t, d, seed)
		switch to, from := string(content(t, d, "to")), string(content(t, d, "from")); {
		case to == "old" && from == "new":
			before++
		case to == "new" && from == "":
			after++
		default:
			t.Fatalf("seed %d: to holds %q, from holds %q", seed, to, from)
		}
	}
	if before == 0 || after == 0 {
		t.Errorf("%d before, %d after", before, after)
	}
}

// TestAFolderNeedsASyncOfItsParent: the fsync of a folder keeps its names, not
// its own.
func TestAFolderNeedsASyncOfItsParent(t *testing.T) {
	d := faultfs.New(t)
	below := filepath.Join(d.Folder(), "data")
	var missing int
	for seed := range uint64(20) {
		if err := os.Mkdir(below, 0o700); err != nil {
			t.Fatal(err)
		}
		f := open(t, d, "data/a")
		f.sync()
		if err := syncAt(below); err != nil {
			t.Fatal(err)
		}
		cut(t, d, seed, f)
		if _, err := os.Stat(below); err != nil {
			missing++
			continue
		}
		if err := os.RemoveAll(below); err != nil {
			t.Fatal(err)
		}
		syncFolder(t, d)
	}
	if missing == 0 || missing == 20 {
		t.Errorf("the folder was missing %d of 20 times", missing)
	}
}

func TestAPlannedCutComesInPlaceOfAnOperation(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, []byte("one"))
	f.sync()
	syncFolder(t, d)
	other := open(t, d, "b")
	syncFolder(t, d)
	done := d.CutAfter(3, "a*", 1)
	other.put(0, []byte("other"))
	other.sync()
	f.put(0, []byte("two"))
	f.sync()
	if _, err := f.WriteAt([]byte("six"), 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("the write that met the cut: %v", err)
	}
	if s := <-done; s.Changes != 0 {
		t.Errorf("survival %v", s)
	}
	cut(t, d, 1, f, other)
	if got := string(content(t, d, "a")) + string(content(t, d, "b")); got != "twoother" {
		t.Errorf("%q", got)
	}
}

func TestRemountWithoutACutKeepsAll(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, []byte("text"))
	_ = f.Close()
	if err := d.Remount(); err != nil {
		t.Fatal(err)
	}
	if got := string(content(t, d, "a")); got != "text" {
		t.Errorf("%q", got)
	}
}

// TestMapping: SQLite shares the index of its WAL between connections that way.
func TestMapping(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a-shm")
	f.put(0, make([]byte, 32768))
	var maps [2][]byte
	for i := range maps {
		m, err := syscall.Mmap(int(f.Fd()), 0, 32768, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Munmap(m) })
		maps[i] = m
	}
	maps[0][5000] = 'x'
	if maps[1][5000] != 'x' {
		t.Error("two mappings of one file differ")
	}
	again := open(t, d, "a-shm") // opening it once more must not disturb them
	b := make([]byte, 1)
	if _, err := again.ReadAt(b, 5000); err != nil || b[0] != 'x' || maps[1][5000] != 'x' {
		t.Errorf("read %q: %v", b, err)
	}
}

// TestChildrenDoNotInheritTheDevice: they would outlive the test in a mount that
// nobody serves.
func TestChildrenDoNotInheritTheDevice(t *testing.T) {
	faultfs.New(t)
	out, err := exec.CommandContext(t.Context(), "ls", "-l", "/proc/self/fd").CombinedOutput()
	if err != nil || strings.Contains(string(out), "/dev/fuse") {
		t.Errorf("%v\n%s", err, out)
	}
}
