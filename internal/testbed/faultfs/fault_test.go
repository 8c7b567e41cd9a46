package faultfs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

func TestNoRoomStopsGrowthOnly(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, filled(4096, 'a'))
	d.Fail(faultfs.NoRoom(100))
	if _, err := f.WriteAt(filled(200, 'b'), 4096); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %v", err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 4196 {
		t.Errorf("the size is %d (%v), not what there was room for", info.Size(), err)
	}
	if _, err := f.WriteAt(filled(1, 'c'), 4196); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %v", err)
	}
	f.put(0, filled(4096, 'd'))
	f.sync()
	if _, err := os.Create(filepath.Join(d.Folder(), "b")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("create: %v", err)
	}
	if err := f.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	f.put(4096, filled(100, 'e'))
	if got := content(t, d, "a"); !bytes.Equal(got, append(filled(4096, 'd'), filled(100, 'e')...)) {
		t.Errorf("%d bytes", len(got))
	}
	d.Fail()
	f.put(4196, filled(1000, 'f'))
}

func TestFullRefusesEveryWrite(t *testing.T) {
	d := faultfs.New(t)
	f, spared := open(t, d, "a"), open(t, d, "a-shm")
	f.put(0, []byte("text"))
	d.Fail(faultfs.Sparing("*-shm", faultfs.Full()))
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %v", err)
	}
	if got := string(content(t, d, "a")); got != "text" {
		t.Errorf("a write that failed is read as %q", got)
	}
	spared.put(0, []byte("x"))
	f.sync()
	d.Fail()
	f.put(0, []byte("x"))
}

// TestAFailedSyncLosesWhatItShouldKeep: the next one succeeds and keeps nothing
// of it, as Linux does.
func TestAFailedSyncLosesWhatItShouldKeep(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, filled(1024, 'o'))
	f.sync()
	syncFolder(t, d)
	d.Fail(faultfs.SyncFails())
	f.put(0, filled(512, 'x'))
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	if err := syncAt(d.Folder()); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync of the folder: %v", err)
	}
	d.Fail()
	f.put(512, filled(512, 'y'))
	f.sync()
	if got := content(t, d, "a"); !bytes.Equal(got, append(filled(512, 'x'), filled(512, 'y')...)) {
		t.Error("what is read changed before the cut")
	}
	cut(t, d, 1, f)
	if got := content(t, d, "a"); !bytes.Equal(got, append(filled(512, 'o'), filled(512, 'y')...)) {
		t.Errorf("after the cut: %q…%q", got[:1], got[512:513])
	}
}

func TestReadOnly(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	f.put(0, []byte("text"))
	d.Fail(faultfs.ReadOnly())
	path := filepath.Join(d.Folder(), "a")
	for name, err := range map[string]error{
		"write": second(f.WriteAt([]byte("x"), 0)), "sync": f.Sync(), "truncate": f.Truncate(0),
		"open": second(os.OpenFile(path, os.O_RDWR, 0)), "create": second(os.Create(path + "b")),
		"remove": os.Remove(path), "rename": os.Rename(path, path+"b"),
	} {
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := string(content(t, d, "a")); got != "text" {
		t.Errorf("%q", got)
	}
}

func TestWriteFails(t *testing.T) {
	d := faultfs.New(t)
	f := open(t, d, "a")
	d.Fail(faultfs.WriteFails())
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.EIO) {
		t.Errorf("write: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
