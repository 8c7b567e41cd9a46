package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/faultfs"
)

// TestTheFolderSurvivesAPowerCut: a sync of the spool's folder keeps the names
// in it, and the folder's own name, which is in the one above, only if that is
// synced, too.
func TestTheFolderSurvivesAPowerCut(t *testing.T) {
	for seed := range uint64(6) {
		d := faultfs.New(t)
		folder := filepath.Join(d.Folder(), "var", "data")
		if seed%2 == 1 { // by a start that was killed before it synced
			if err := makeFolder(filepath.Dir(folder)); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := makeFolder(folder); err != nil {
			t.Fatal(err)
		}
		d.Cut(seed)
		if err := d.Remount(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(folder)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v", info.Mode())
		}
	}
}
