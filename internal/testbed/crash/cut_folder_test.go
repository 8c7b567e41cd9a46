package crash

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

// TestCrashNewFolder: a sync of the spool's folder keeps the names in it, and the
// folder's own name, which is in the one above, only if that is synced, too.
func TestCrashNewFolder(t *testing.T) {
	well := newRecorder(t, "well", alike(http.StatusOK))
	for seed := range uint64(6) {
		d := faultfs.New(t)
		above := filepath.Join(d.Folder(), "var")
		folder := filepath.Join(above, "data")
		if seed%2 == 1 { // by a start that was killed before it synced
			if err := errors.Join(os.Mkdir(above, 0o700), syncOf(d.Folder()), os.Mkdir(folder, 0o700)); err != nil {
				t.Fatal(err)
			}
		}
		config := configOn(t, d, "", sprintfSinks("sinks: [{name: well, webhook: {url: \"%s\"}}]\nrules: [{name: all, to: [well]}]\n", well))
		rename(t, config, "/data/", "/var/data/")
		p := launch(t, config)
		p.awaitServing()
		p.kill()
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

// syncOf makes the names in a folder durable.
func syncOf(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
