//go:build !linux

package sqlite

import (
	"errors"
	"os"
)

// refuseNetworkFS knows the file systems of Linux only.
func refuseNetworkFS(string) error { return nil }

// freeBytes is known on Linux only.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

// lockDatabase does nothing: elsewhere flock meets the locks of fcntl, which SQLite
// takes, and SQLite would wait for it.
func lockDatabase(*os.File) error { return nil }

// allocate is known on Linux only.
func allocate(*os.File, int64) error { return errors.ErrUnsupported }

// totalBytes is known on Linux only.
func totalBytes(string) (int64, error) { return 0, errors.ErrUnsupported }

// inMemory is known on Linux only.
func inMemory(string) bool { return false }
