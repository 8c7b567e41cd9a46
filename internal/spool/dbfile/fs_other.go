//go:build !linux

package dbfile

import (
	"errors"
	"os"
)

// RefuseNetworkFS knows the file systems of Linux only.
func RefuseNetworkFS(string) error { return nil }

// Space is known on Linux only.
func Space(string) (total, free int64, err error) { return 0, 0, errors.ErrUnsupported }

// lockDatabase does nothing: elsewhere flock meets the locks of fcntl, which SQLite
// takes, and SQLite would wait for it.
func lockDatabase(*os.File) error { return nil }

// Allocate is known on Linux only.
func Allocate(*os.File, int64) error { return errors.ErrUnsupported }

// inMemory is known on Linux only.
func inMemory(string) bool { return false }
