package dbfile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// OpenInspected opens a file without a WAL in a way that needs no other file, so
// that it works where the folder is read-only.
func OpenInspected(path string, wal bool) (*sqlite.Conn, error) {
	if wal {
		return sqlite.OpenConn(path, sqlite.OpenReadOnly)
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: full, RawQuery: "immutable=1"}
	return sqlite.OpenConn(uri.String(), sqlite.OpenReadOnly|sqlite.OpenURI)
}

// BusyTimeout is how long a connection waits for a lock; only another program
// that has the file open can make it wait.
const BusyTimeout = 5 * time.Second

// OpenReader opens the file for reading, beside its writer.
func OpenReader(path string) (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	if err := PrepareReader(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// PrepareReader makes a connection one that reads beside the writer.
func PrepareReader(c *sqlite.Conn) error {
	c.SetBusyTimeout(BusyTimeout)
	return errors.Join(Execute(c, `PRAGMA query_only = ON`), Execute(c, `PRAGMA cache_size = -2000`))
}

// OpenWriter opens the file for the one writer and brings its schema up, unless the
// context ends before.
func OpenWriter(ctx context.Context, cfg spool.Config) (*sqlite.Conn, error) {
	path := cfg.Path
	if err := CreatePrivate(path); err != nil {
		return nil, err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(BusyTimeout)
	conn.SetInterrupt(ctx.Done())
	err = prepareFile(conn, cfg)
	conn.SetInterrupt(nil)
	if err == nil {
		err = SyncFolder(path)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// prepareFile refuses a foreign file, sets the connection up and brings the
// schema up.
func prepareFile(conn *sqlite.Conn, cfg spool.Config) error {
	version, err := Identify(conn)
	if err != nil {
		return err
	}
	if version == 0 { // counts only before the first table, and writes
		if err := Execute(conn, `PRAGMA auto_vacuum = INCREMENTAL`); err != nil {
			return err
		}
	}
	if err := ExecuteAll(conn, `PRAGMA journal_mode = WAL`, `PRAGMA synchronous = FULL`, `PRAGMA secure_delete = ON`, `PRAGMA cache_size = -8000`); err != nil {
		return err
	}
	if err := BoundWAL(conn, cfg); err != nil {
		return err
	}
	return Migrate(conn, version)
}

// WalPages is the length of the WAL at which it is moved into the file: an
// eighth of MaxBytes, 8 MB at the most.
func WalPages(c spool.Config) int64 { return min(2000, int64(c.MaxBytes)/8/PageSize) }

// PageSize is SQLite's default.
const PageSize = 4096

// BoundWAL sets the length at which the WAL is moved into the file.
func BoundWAL(conn *sqlite.Conn, cfg spool.Config) error {
	return errors.Join(
		Execute(conn, fmt.Sprintf(`PRAGMA wal_autocheckpoint = %d`, WalPages(cfg))),
		Execute(conn, fmt.Sprintf(`PRAGMA journal_size_limit = %d`, WalPages(cfg)*PageSize)),
	)
}

// CreatePrivate makes the file with mode 0600; SQLite gives the WAL and the
// shared memory the mode of the file.
func CreatePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
