package repair

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// mended is where a WAL is written that takes the place of a damaged one.
func mended(path string) string { return path + "-wal.mended" }

// makeReadable does what it takes for SQLite to read as much as it can of a
// damaged file, without changing what is in it: a WAL that ends early for SQLite
// is written anew with all frames that are whole, and so is the first page, which
// is the same in every spool. The WAL as it was found is kept beside the file's
// new name.
func makeReadable(path, kept string) error {
	if err := padEmpty(path); err != nil {
		return err
	}
	w, err := readWAL(path)
	if err != nil {
		return err
	}
	if w.damage() != nil {
		if err := replaceWAL(path, kept, w, nil); err != nil {
			return err
		}
		if w, err = readWAL(path); err != nil {
			return err
		}
	}
	take, _ := w.usable()
	if hasTables(path) || len(take) == 0 && !dbfile.HasTrees(path) {
		return nil
	}
	page, err := firstPage()
	if err != nil {
		return err
	}
	return replaceWAL(path, kept, w, page)
}

// padEmpty makes a file that is gone or empty one page long: SQLite would throw
// away the WAL beside it.
func padEmpty(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		err = dbfile.CreatePrivate(path)
	}
	if err != nil || info != nil && info.Size() > 0 {
		return err
	}
	return os.Truncate(path, dbfile.PageSize)
}

// openDamaged opens a file for reading what can be read of it.
func openDamaged(path string) (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly) // so that closing it changes nothing in it
	if err != nil {
		return nil, err
	}
	// Else a file that is shorter than it should be is refused altogether.
	if err := errors.Join(c.SetDefensive(false), dbfile.Execute(c, `PRAGMA writable_schema = ON`)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// hasTables reports whether SQLite finds the tables of a spool.
func hasTables(path string) bool {
	c, err := openDamaged(path)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }() // only read from
	return dbfile.IsSpool(c)
}

// firstPage returns the first page of a new spool, which holds the schema. The
// tables of all spools begin at the same pages.
func firstPage() (page []byte, err error) {
	c, err := sqlite.OpenConn(":memory:", sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	defer dbfile.CloseInto(c, &err)
	if err := dbfile.Execute(c, `PRAGMA auto_vacuum = INCREMENTAL`); err != nil {
		return nil, err
	}
	if err := dbfile.Migrate(c, 0); err != nil {
		return nil, err
	}
	b, err := c.Serialize("main")
	if err != nil {
		return nil, err
	}
	page = bytes.Clone(b[:dbfile.PageSize])
	page[18], page[19] = 2, 2 // WAL mode
	clear(page[32:40])        // no free pages: they are not asked for
	return page, nil
}

// replaceWAL puts a WAL with the usable frames, and with that first page where
// it is given, in the place of the present one. A crash leaves the old one, or
// the new one under either name.
func replaceWAL(path, kept string, w *wal, first []byte) error {
	take, pages := w.usable()
	if pages == 0 {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		pages = uint32(max(1, info.Size()/dbfile.PageSize)) //nolint:gosec // the number of pages fits by the format
	}
	if err := dbfile.RemoveIfThere(mended(path)); err != nil {
		return err
	}
	if err := writeWAL(path, take, pages, first); err != nil {
		return err
	}
	if err := dbfile.RemoveIfThere(path + "-shm"); err != nil { // an index of the old one
		return err
	}
	if err := dbfile.RenameIfThere(path+"-wal", kept+"-wal.found"); err != nil {
		return err
	}
	return finishWAL(path)
}

// finishWAL gives a mended WAL its place, where the damaged one has left it.
func finishWAL(path string) error {
	if _, err := os.Stat(path + "-wal"); err == nil {
		return dbfile.RemoveIfThere(mended(path))
	}
	if err := dbfile.RenameIfThere(mended(path), path+"-wal"); err != nil {
		return err
	}
	return dbfile.SyncFolder(path)
}

// writeWAL writes frames of the present WAL as one transaction.
func writeWAL(path string, take []int, pages uint32, first []byte) (err error) {
	if len(take) == 0 && first == nil {
		return nil
	}
	out, err := os.OpenFile(mended(path), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer dbfile.CloseInto(out, &err)
	var salts [8]byte
	_, _ = rand.Read(salts[:]) // never fails
	header := walHeader(binary.LittleEndian, 0, salts)
	m := walMender{out: out, salts: salts, sum: walSum{}.add(binary.LittleEndian, header[:24])}
	if _, err := out.Write(header); err != nil {
		return err
	}
	if err := m.copyFrames(path, take, pages, first == nil); err != nil {
		return err
	}
	if first != nil {
		binary.BigEndian.PutUint32(first[28:], pages)
		copy(first[92:96], first[24:28]) // the number of pages counts
		if err := m.frame(1, pages, first); err != nil {
			return err
		}
	}
	return out.Sync()
}

// walMender writes frames that SQLite reads.
type walMender struct {
	out   io.Writer
	salts [8]byte
	sum   walSum
}

// copyFrames copies frames of the present WAL; the last one commits where it is
// the last of all.
func (m *walMender) copyFrames(path string, take []int, pages uint32, last bool) (err error) {
	if len(take) == 0 {
		return nil
	}
	in, err := os.Open(path + "-wal")
	if err != nil {
		return err
	}
	defer dbfile.CloseInto(in, &err)
	b := make([]byte, frameSize)
	for n, i := range take {
		if _, err := in.ReadAt(b, walHeaderSize+int64(i)*frameSize); err != nil {
			return err
		}
		commit := uint32(0)
		if last && n == len(take)-1 {
			commit = pages
		}
		if err := m.frame(binary.BigEndian.Uint32(b), commit, b[frameHeaderSize:]); err != nil {
			return err
		}
	}
	return nil
}

func (m *walMender) frame(page, commit uint32, content []byte) error {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, frameSize), page)
	b = binary.BigEndian.AppendUint32(b, commit)
	m.sum = m.sum.add(binary.LittleEndian, b).add(binary.LittleEndian, content)
	b = append(b, m.salts[:]...)
	b = binary.BigEndian.AppendUint32(b, m.sum[0])
	b = binary.BigEndian.AppendUint32(b, m.sum[1])
	_, err := m.out.Write(append(b, content...))
	return err
}
