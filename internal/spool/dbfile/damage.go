package dbfile

import (
	"errors"
	"time"

	"zombiezen.com/go/sqlite"
)

// KeepBytes keeps what cannot be read, with the reason, in the table set_aside.
func KeepBytes(c *sqlite.Conn, at time.Time, seq, lane int64, reason string, b []byte) error {
	return Execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason, bytes) VALUES (?, ?, ?, ?, ?)`, Millis(at), seq, lane, reason, b)
}

// DamagedError is what a whole check found.
type DamagedError struct{ Found string }

// Error says what was found.
func (e *DamagedError) Error() string { return e.Found }

// QuickCheck reads the whole file.
func QuickCheck(c *sqlite.Conn) error { return runCheck(c, `PRAGMA quick_check(1)`) }

// WholeCheck reads the whole file and compares each table with its indexes.
func WholeCheck(c *sqlite.Conn) error { return runCheck(c, `PRAGMA integrity_check(1)`) }

func runCheck(c *sqlite.Conn, pragma string) error {
	return Query(c, pragma, func(r *sqlite.Stmt) error {
		if found := r.ColumnText(0); found != "ok" {
			return &DamagedError{Found: found}
		}
		return nil
	})
}

// IsDamage reports whether SQLite found the file's content damaged.
func IsDamage(err error) bool {
	_, found := errors.AsType[*DamagedError](err)
	code := sqlite.ErrCode(err).ToPrimary()
	return found || code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB
}
