package dbfile

import (
	"errors"
	"os"
	"time"
)

// UncheckedMark is a file that is there while a check is owed.
func UncheckedMark(path string) string { return path + ".unchecked" }

// IsThere reports whether there is a file of that name.
func IsThere(path string) (bool, error) {
	_, err := os.Stat(path)
	return err == nil, IgnoreMissing(err)
}

// SuspectMark is a file that tells the next start to look closer.
func SuspectMark(path string) string { return path + ".suspect" }

// What the mark asks for.
const (
	MarkCheck   = "check\n"   // read the whole file
	MarkSalvage = "salvage\n" // finish what was begun; the name to keep the file by follows
)

// WriteMark is whole or does not happen: a mark that a power cut emptied would
// ask for less.
func WriteMark(path, text string) error {
	part := SuspectMark(path) + ".new"
	if err := os.WriteFile(part, []byte(text), 0o600); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, SuspectMark(path)); err != nil {
		return err
	}
	return SyncFolder(path)
}

// Companions are the suffixes of the files that belong together.
func Companions() []string { return []string{"-wal", "-shm", ""} }

// RemoveCompanions removes a database with its WAL and its index.
func RemoveCompanions(path string) error {
	for _, suffix := range Companions() {
		if err := RemoveIfThere(path + suffix); err != nil {
			return err
		}
	}
	return nil
}

// DamagedName is where a damaged file is kept.
func DamagedName(path string) string {
	return path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
}

// Salvaged is where a file is made that takes the place of a damaged one.
func Salvaged(path string) string { return path + ".salvaged" }

// IgnoreMissing returns nil for an error that says that a file is not there.
func IgnoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// RenameIfThere renames a file, unless it is not there.
func RenameIfThere(from, to string) error { return IgnoreMissing(os.Rename(from, to)) }

// RemoveIfThere removes a file, unless it is not there.
func RemoveIfThere(path string) error { return IgnoreMissing(os.Remove(path)) }
