package dbfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes the folder and those above it that are missing, and makes
// their names durable: a sync of the spool's folder does not keep the name of
// that folder itself, and a power cut would take all calls with it. The name is
// synced at each start, since the start that made the folder may have been
// killed before its sync.
func MakeFolder(folder string) error {
	err := os.Mkdir(folder, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err := MakeFolder(filepath.Dir(folder)); err != nil {
			return err
		}
		err = os.Mkdir(folder, 0o700)
	}
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, serr := os.Stat(folder); serr == nil && !info.IsDir() {
		return err // a file has the name
	}
	err = SyncFolder(folder)
	if !made && errors.Is(err, fs.ErrPermission) {
		return nil // the folder above is not ours, and nor was making this one
	}
	return err
}

// SyncFolder makes the name of a file or folder durable.
func SyncFolder(path string) (err error) {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer CloseInto(d, &err)
	return d.Sync()
}
