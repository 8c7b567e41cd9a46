package spool

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// lockFile says that this process owns the spool. The kernel drops the lock with
// the process, however that ends; the file's text only tells a second process
// who holds it.
type lockFile struct{ f *os.File }

// acquireLock takes the lock, or says who has it.
func acquireLock(path string) (*lockFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool lock: %w", err)
	}
	if err := lockOpened(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	host, _ := os.Hostname() // only for the reader's comfort
	text := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("spool lock: %w", err), f.Close())
	}
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("spool lock: %w", err), f.Close())
	}
	return &lockFile{f: f}, nil
}

// lockExisting takes the lock of a spool that is only read, and leaves nothing
// behind: where there is no lock file, no server has the spool open.
func lockExisting(spool string) (*lockFile, error) {
	path := spool + ".lock"
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &lockFile{}, nil
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("spool lock: %w: run this as the user of the server", err)
	case err != nil:
		return nil, fmt.Errorf("spool lock: %w", err)
	}
	if err := lockOpened(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lockFile{f: f}, nil
}

func lockOpened(f *os.File, path string) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		holder, rerr := os.ReadFile(path)
		if rerr != nil || len(holder) == 0 {
			holder = []byte("another process")
		}
		return fmt.Errorf("spool is held by %s (%s): stop it first, or choose another spool.path", strings.TrimSpace(string(holder)), path)
	case err != nil:
		return fmt.Errorf("spool lock: %w", err)
	}
	return nil
}

// release gives the lock up. The file stays: removing it would let two
// processes hold locks on two files of one name.
func (l *lockFile) release() error {
	if l.f == nil {
		return nil
	}
	return l.f.Close()
}
