package faultfs

import (
	"path"
	"slices"
	"syscall"
)

// Kind is what an operation does.
type Kind int

// The kinds of operations. Create is of files and folders, Remove too; Open is
// an opening for writing; Sync is of files, SyncFolder of folders.
const (
	Read Kind = iota
	Open
	Write
	Truncate
	Sync
	Create
	Rename
	Remove
	SyncFolder
)

// Op is an operation that is about to happen.
type Op struct {
	Kind Kind
	// Name is the last part of the path.
	Name string
	// Len is the length of a write; a Fault may lower it, and the rest is not
	// written.
	Len int64
	// Grow is by how much the file becomes longer, or shorter.
	Grow int64
}

// changes tells whether the operation can alter what a cut leaves.
func (op *Op) changes() bool { return op.Kind != Read && op.Kind != Open }

// Fault gives the error of an operation, 0 to let it happen. It is called for
// one operation at a time.
type Fault func(op *Op) syscall.Errno

// NoRoom lets files grow by n bytes more. Then a write beyond the end is cut
// short or gives ENOSPC, and nothing can be created; overwriting works, as on
// ext4. What becomes shorter makes room.
func NoRoom(n int64) Fault {
	return func(op *Op) syscall.Errno {
		switch {
		case op.Kind == Create && n <= 0, op.Kind == Truncate && op.Grow > n:
			return syscall.ENOSPC
		case op.Kind == Write && op.Grow > n:
			if op.Len -= op.Grow - max(n, 0); op.Len <= 0 {
				return syscall.ENOSPC
			}
			n = 0
		case op.Kind == Write, op.Kind == Truncate:
			n -= op.Grow
		}
		return 0
	}
}

// Full gives ENOSPC at every write, as a file system does that never writes in
// place.
func Full() Fault { return always(syscall.ENOSPC, Write, Create) }

// SyncFails gives EIO at every fsync.
func SyncFails() Fault { return always(syscall.EIO, Sync, SyncFolder) }

// WriteFails gives EIO at every write.
func WriteFails() Fault { return always(syscall.EIO, Write) }

// ReadOnly gives EROFS at everything that would change something, as after a
// remount of a file system that found an error.
func ReadOnly() Fault {
	return always(syscall.EROFS, Open, Write, Truncate, Sync, Create, Rename, Remove, SyncFolder)
}

func always(err syscall.Errno, kinds ...Kind) Fault {
	return func(op *Op) syscall.Errno {
		if slices.Contains(kinds, op.Kind) {
			return err
		}
		return 0
	}
}

// Only is a fault of files whose names match a pattern of path.Match.
func Only(pattern string, f Fault) Fault {
	return func(op *Op) syscall.Errno {
		if ok, err := path.Match(pattern, op.Name); !ok || err != nil {
			return 0
		}
		return f(op)
	}
}

// Sparing is a fault that leaves alone the files whose names match a pattern of
// path.Match.
func Sparing(pattern string, f Fault) Fault {
	return func(op *Op) syscall.Errno {
		if ok, err := path.Match(pattern, op.Name); ok || err != nil {
			return 0
		}
		return f(op)
	}
}
