package sqlite

import (
	"errors"
	"fmt"
	"strconv"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// errRefused is wrapped by an op that declines for a reason of its own, such as
// an unknown id; it rolls back and says nothing about the disk.
var errRefused = errors.New("refused")

// errClosed is why nothing is done after Close.
var errClosed = errors.New("it is closed")

// errDamaged is why nothing is taken while the file is damaged.
var errDamaged = errors.New("the spool file is damaged: it is set aside, and what can be read of it is saved")

// errDamagedAgain is why nothing is taken any more.
var errDamagedAgain = errors.New("the spool file was damaged again and again: look at the disk and restart")

// errEnough stops reading rows.
var errEnough = errors.New("enough rows")

// isStorage reports whether an error is the disk's or the file's and not the op's.
func isStorage(err error) bool {
	if errors.Is(err, errRefused) {
		return false
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultReadOnly, sqlite.ResultCantOpen,
		sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultBusy, sqlite.ResultLocked, sqlite.ResultNoMem, sqlite.ResultProtocol:
		return true
	default:
		return false
	}
}

// withRemedy tells the operator what to look at when the file cannot be opened
// because of its disk; SQLite's own words are the same for many causes.
func withRemedy(err error, folder string) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultReadOnly, sqlite.ResultCantOpen, sqlite.ResultPerm:
		free := "an unknown number of"
		if _, n, ferr := dbfile.Space(folder); ferr == nil {
			free = strconv.FormatInt(n, 10)
		}
		return fmt.Errorf("%w: see whether its disk is full (%s bytes are free, a start needs 1 MiB), read-only or broken, and whether its folder is writable for this user", err, free)
	default:
		return err
	}
}
