package spool

import (
	"errors"

	"zombiezen.com/go/sqlite"
)

// errRefused is wrapped by an op that declines for a reason of its own, such as
// an unknown id; it rolls back and says nothing about the disk.
var errRefused = errors.New("refused")

// errEnough stops reading rows.
var errEnough = errors.New("enough rows")

// isStorage tells whether an error is the disk's or the file's and not the op's.
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

// isDamage tells whether SQLite found the file's content damaged.
func isDamage(err error) bool {
	if found := (*damagedError)(nil); errors.As(err, &found) {
		return true
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return true
	default:
		return false
	}
}
