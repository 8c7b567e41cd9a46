package dbfile

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Lock says that this process owns the spool. The kernel drops it with the
// process, however that ends.
type Lock struct {
	// name is the file <path>.lock; its text tells a second process who holds it.
	// nil where a spool is only read and has none.
	name *os.File
	// file is the database itself, which may have a second name, or whose .lock may
	// have been removed: see guard. nil while there is none.
	file *os.File
}

// Own takes the lock of a spool that is to be written. A file of another program
// is refused before anything is made beside it. left are the traces of a spool that
// was there before.
func Own(path string) (_ *Lock, left []string, err error) {
	if err := refuseOdd(path); err != nil {
		return nil, nil, err
	}
	left = traces(path)
	if err := refuseForeign(path, len(left) > 0 || hasWAL(path)); err != nil {
		return nil, nil, err
	}
	name, err := acquireLock(path + ".lock")
	if err != nil {
		return nil, nil, err
	}
	l := &Lock{name: name}
	if err := l.Guard(path); err != nil {
		return nil, nil, errors.Join(err, l.Release())
	}
	return l, left, nil
}

// hasWAL reports whether there is a WAL with something in it, which the owner of
// the file has left.
func hasWAL(path string) bool {
	info, err := os.Stat(path + "-wal")
	return err == nil && info.Size() > 0
}

// acquireLock takes the lock, or says who has it.
func acquireLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool lock: %w", err)
	}
	if err := lockOpened(f, path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	host, _ := os.Hostname() // only for the reader's comfort
	text := fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	// Of one length, and in place: the disk may be full.
	if _, err := f.WriteAt(fmt.Appendf(nil, "%-127s\n", text), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("spool lock: %w", err), f.Close())
	}
	return f, nil
}

// LockExisting takes the lock of a spool that is only read, and leaves nothing
// behind: where there is no lock file, the database alone is locked.
func LockExisting(spool string) (*Lock, error) {
	path := spool + ".lock"
	l := &Lock{}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("spool lock: %w: run this as the user of the server", err)
	case err != nil:
		return nil, fmt.Errorf("spool lock: %w", err)
	default:
		if err := lockOpened(f, path); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		l.name = f
	}
	if err := l.Guard(spool); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
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

// Guard locks the database itself, in place of the one locked before, so that no
// second process opens it through a hard link, a bind mount, or after its .lock was
// removed. It is flock(2): SQLite's own locks are those of fcntl(2), which a process
// loses when it closes any descriptor of the file, and to which flock is blind. So
// this descriptor is opened before SQLite opens the file and closed after SQLite
// has closed it.
func (l *Lock) Guard(path string) error {
	if err := l.unguard(); err != nil {
		return err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := lockDatabase(f); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("spool is held by another process, which reached %s by another name, or whose lock file was removed: stop it first, or choose another spool.path", path)
		}
		return errors.Join(err, f.Close())
	}
	l.file = f
	return nil
}

// Renew locks the name again where its file was taken away.
func (l *Lock) Renew(path string) error {
	was, err := l.name.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(path + ".lock"); err == nil && os.SameFile(was, now) {
		return nil
	}
	name, err := acquireLock(path + ".lock")
	if err != nil {
		return err
	}
	old := l.name
	l.name = name
	return old.Close()
}

func (l *Lock) unguard() error {
	f := l.file
	l.file = nil
	if f == nil {
		return nil
	}
	return f.Close()
}

// Release returns the lock up. Its file stays: removing it would let two processes
// hold locks on two files of one name.
func (l *Lock) Release() error {
	err := l.unguard()
	if l.name != nil {
		err = errors.Join(err, l.name.Close())
	}
	return err
}
