package dbfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Locate returns the file that a path means: links are followed, since SQLite
// gives the WAL the name of the file and not that of the link. It refuses what
// cannot be a spool, whatever it holds.
func Locate(path string) (string, error) {
	if problem := spool.PathProblem(path); problem != "" {
		return "", fmt.Errorf("%q %s", path, problem)
	}
	if _, err := Existing(filepath.Dir(path)); err != nil {
		return "", err
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if path, err = follow(path); err == nil {
			info, err = os.Stat(path)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case info.IsDir():
		return "", fmt.Errorf("%s is a folder: name a file in it, such as %s", path, filepath.Join(path, filepath.Base(spool.DefaultPath)))
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is %s: name a file on a local disk", path, kindOf(info.Mode()))
	default:
		return path, nil
	}
}

// Find is locate for who only reads: it refuses a file of another program as well.
func Find(path string) (string, error) {
	path, err := Locate(path)
	if err != nil {
		return "", err
	}
	return path, refuseForeign(path, len(traces(path)) > 0 || hasWAL(path))
}

// follow returns the file behind a link.
func follow(link string) (string, error) {
	path, err := filepath.EvalSymlinks(link)
	if errors.Is(err, fs.ErrNotExist) {
		target, _ := os.Readlink(link) // only for the reader's comfort
		return "", fmt.Errorf("%s is a link to %s, which is not there: mount or restore it, or remove the link", link, target)
	}
	if err != nil {
		return "", fmt.Errorf("%s is a link that leads nowhere: %w", link, err)
	}
	return path, nil
}

// Existing returns the nearest folder, of a folder and those above it, that is
// there.
func Existing(folder string) (string, error) {
	for {
		info, err := os.Stat(folder)
		if err == nil && info.IsDir() {
			return folder, nil
		}
		if err == nil {
			return "", fmt.Errorf("the spool folder %s is a file: choose another spool.path", folder)
		}
		if _, lerr := os.Lstat(folder); lerr == nil && errors.Is(err, fs.ErrNotExist) {
			_, err = follow(folder)
			return "", err
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", err
		}
		folder = above
	}
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "no regular file"
	}
}

// traces returns the files beside a path that only a spool leaves there.
func traces(path string) []string {
	var found []string
	for _, name := range []string{path + ".lock", SuspectMark(path), UncheckedMark(path), path + ".reserve"} {
		if _, err := os.Lstat(name); err == nil {
			found = append(found, name)
		}
	}
	return append(found, Beside(path, ".damaged-*", ".saved-*")...)
}

// Beside returns the files whose names are the path and one of the endings.
func Beside(path string, endings ...string) []string {
	found := []string{}
	for _, ending := range endings {
		names, _ := filepath.Glob(quoteGlob(path) + ending) // fails for a bad pattern only
		found = append(found, names...)
	}
	return found
}

// refuseOdd refuses a spool beside which there is something that is no file under a
// name that the spool writes: through a link it would overwrite what is not its own,
// and at a named pipe it would wait for ever.
func refuseOdd(path string) error {
	for _, name := range []string{path + ".lock", path + ".reserve", path + "-wal", path + "-shm"} {
		info, err := os.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is %s: remove it, or choose another spool.path", name, kindOf(info.Mode()))
		}
	}
	return nil
}

// quoteGlob makes a pattern that matches one name.
func quoteGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
