package dbfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"
)

// A damaged spool is set aside and replaced; a file of somebody else is left
// alone. What tells them apart, in this order: the mark of a spool or its tables;
// the roots of its tables, where the first page is lost; what only a spool leaves
// Beside its file. A file with none of them is somebody else's.

// sqliteMagic begins every SQLite database; the application_id is at byte 68.
const (
	sqliteMagic   = "SQLite format 3\x00"
	headerSize    = 100
	applicationAt = 68
)

// refuseForeign returns an error where a file is no spool and never was one. It
// reads the file and nothing beside it, and changes nothing. known says that a
// spool was there before.
func refuseForeign(path string, known bool) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer CloseInto(f, &err)
	head := make([]byte, headerSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil //nolint:nilerr // opening it says the same, and is damage or not
	}
	head = head[:n]
	if bytes.HasPrefix(head, []byte(sqliteMagic)) && n == headerSize {
		return refuseOtherDatabase(path, head, known)
	}
	archive := archiveOf(head)
	switch {
	case n == 0, HasTrees(path), known && archive == "":
		return nil
	case archive != "":
		return foreign(path, archive, "unpack it if it is a backup of the spool, or choose another spool.path")
	case utf8.Valid(head) && bytes.IndexByte(head, 0) < 0:
		return foreign(path, "a text", "choose another spool.path")
	default:
		return foreign(path, "a file of another program", "choose another spool.path")
	}
}

func foreign(path, what, remedy string) error {
	return fmt.Errorf("%s is %s: %s; it was left as it is", path, what, remedy)
}

// archiveOf names the kind of a packed file.
func archiveOf(head []byte) string {
	for _, kind := range []struct{ magic, name string }{
		{"\x1f\x8b", "a gzip archive"},
		{"\x28\xb5\x2f\xfd", "a zstd archive"},
		{"\xfd7zXZ\x00", "an xz archive"},
		{"BZh", "a bzip2 archive"},
		{"PK\x03\x04", "a zip archive"},
	} {
		if bytes.HasPrefix(head, []byte(kind.magic)) {
			return kind.name
		}
	}
	return ""
}

// refuseOtherDatabase looks at the tables of a database that does not say that it
// is a spool. One without any may become one.
func refuseOtherDatabase(path string, head []byte, known bool) error {
	if binary.BigEndian.Uint32(head[applicationAt:]) == applicationID {
		return nil
	}
	c, err := OpenInspected(path, false)
	if err != nil {
		return nil //nolint:nilerr // opening it again says the same
	}
	defer func() { _ = c.Close() }() // only read from
	_, err = Identify(c)
	wal, werr := os.Stat(path + "-wal")
	switch {
	case errors.Is(err, errOtherProgram), err == nil && werr == nil && wal.Size() > 0 && !known:
		return foreign(path, "a SQLite database of another program", "choose another spool.path")
	case err == nil, known, IsDamage(err) && IsSpool(c), HasTrees(path):
		return nil
	default:
		return foreign(path, "a damaged SQLite database of another program", "choose another spool.path")
	}
}

// HasTrees reports whether a file has the roots of a spool's tables where they
// must be: a file without those roots is not a damaged spool, but another file.
func HasTrees(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read from
	const first, last = 3, 12        // page 2 is none of them
	trees := 0
	for page := int64(first); page <= last; page++ {
		var kind [1]byte
		if _, err := f.ReadAt(kind[:], (page-1)*PageSize); err == nil && bytes.IndexByte([]byte{2, 5, 10, 13}, kind[0]) >= 0 {
			trees++
		}
	}
	return trees > (last-first)/2
}

// IsSpool reports whether a file has the tables of a spool, whatever its header
// says.
func IsSpool(c *sqlite.Conn) bool {
	n, err := Int(c, `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('lanes', 'calls', 'deliveries', 'dead_letters')`)
	return err == nil && n == 4
}
