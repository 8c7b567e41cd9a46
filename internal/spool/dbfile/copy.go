package dbfile

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"
)

const (
	// backupPages is one step of a backup, between which it may be cancelled.
	backupPages = 1024
	// backupWAL is the length of the server's WAL at which a backup gives up: the
	// server cannot begin it anew while a backup reads.
	backupWAL = 1 << 30
)

// CopyInto copies what a connection to the spool at path reads into a new file.
func CopyInto(ctx context.Context, path string, src *sqlite.Conn, to string) error {
	if err := CreatePrivate(to); err != nil {
		return err
	}
	dst, err := sqlite.OpenConn(to, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	// The copy is of use only when it is whole, and is synced then.
	err = errors.Join(Execute(dst, `PRAGMA journal_mode = OFF`), Execute(dst, `PRAGMA synchronous = OFF`))
	if err == nil {
		err = copyPages(ctx, path, dst, src)
	}
	if err := errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return syncFile(to)
}

// copyPages copies in steps within one read transaction: without it the copy
// would begin again with each commit of the server.
func copyPages(ctx context.Context, path string, dst, src *sqlite.Conn) (err error) {
	if err := Execute(src, `BEGIN`); err != nil {
		return err
	}
	defer Rollback(src)
	if _, err := Int(src, `SELECT count(*) FROM lanes`); err != nil { // begins the snapshot
		return err
	}
	b, err := sqlite.NewBackup(dst, "main", src, "main")
	if err != nil {
		return err
	}
	defer CloseInto(b, &err)
	for more := true; more; {
		if more, err = b.Step(backupPages); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > backupWAL {
			return fmt.Errorf("the server has written %d bytes meanwhile: try again when less is going on", info.Size())
		}
	}
	return nil
}

func syncFile(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer CloseInto(f, &err)
	return f.Sync()
}
