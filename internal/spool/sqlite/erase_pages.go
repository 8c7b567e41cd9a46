package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

const (
	// pagesStep is how many pages are looked at before a reader is given back.
	pagesStep = 500
	// truncatePatience is how long Erase tries to empty the WAL.
	truncatePatience = 10 * time.Second
)

// overwrite takes what was deleted out of the bytes of the file. secure_delete
// zeroes a deleted cell and a freed page; what it leaves are copies of cells in
// the unused space of pages from which they were once moved to another, and the
// WAL.
func (e *eraser) overwrite(ctx context.Context) error {
	if err := e.orphanKeys(ctx); err != nil {
		return err
	}
	if err := e.wipePages(ctx); err != nil {
		return err
	}
	e.vacuum(ctx)
	for end := time.Now().Add(truncatePatience); ; {
		done, err := e.truncateWAL(ctx)
		if err != nil || done {
			return err
		}
		if err := ctx.Err(); err != nil || time.Now().After(end) {
			e.out.Residue = true
			return err
		}
	}
}

// keyBlocks steps from one block to the next, without a look at what is in them.
const (
	keyBlocks = `WITH RECURSIVE b(n) AS (SELECT min(block) FROM number_keys UNION ALL
		SELECT (SELECT min(block) FROM number_keys WHERE block > n) FROM b WHERE n IS NOT NULL) SELECT n FROM b WHERE n IS NOT NULL`
	deleteOrphanKey = `DELETE FROM number_keys WHERE block = ? AND digits = ? AND NOT EXISTS (SELECT 1 FROM calls WHERE seq = call_seq)`
)

// orphanKeys deletes the number's keys of calls that are no more: those of a
// damaged record cannot be read from it.
func (e *eraser) orphanKeys(ctx context.Context) error {
	return e.writer.wait(ctx, "erase", func(t *tx) error {
		blocks, err := dbfile.Ints(t.conn, keyBlocks)
		if err != nil {
			return err
		}
		for _, block := range blocks {
			for form := range e.match.forms {
				if err := dbfile.Execute(t.conn, deleteOrphanKey, block, dbfile.SearchDigits(form)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// truncateWAL moves the WAL into the file and truncates it; false when a reader was
// in the way for a moment.
func (e *eraser) truncateWAL(ctx context.Context) (bool, error) {
	err := e.writer.between(ctx, func(c *sqlite.Conn) error {
		c.SetBusyTimeout(eraseAgain)
		defer c.SetBusyTimeout(dbfile.BusyTimeout)
		return checkpoint(c, "TRUNCATE")
	})
	if errors.Is(err, errBeingRead) {
		return false, nil
	}
	return err == nil, err
}

// pageOf reads one page as the pager has it, the WAL included.
const pageOf = `SELECT data FROM sqlite_dbpage WHERE pgno = ?`

// wipePages zeroes the unused space of pages where it holds the number.
func (e *eraser) wipePages(ctx context.Context) error {
	for from, last := int64(1), int64(1); from <= last; from += pagesStep {
		var dirty []int64
		err := e.listRd.do(ctx, func(c *sqlite.Conn) (err error) {
			if last, err = dbfile.Int(c, `PRAGMA page_count`); err != nil {
				return err
			}
			for n := from; n <= last && n < from+pagesStep; n++ {
				if err := dbfile.Query(c, pageOf, func(r *sqlite.Stmt) error {
					if gap := unused(dbfile.Bytes(r, 0), n == 1); e.match.inPage(gap) {
						dirty = append(dirty, n)
					}
					return nil
				}, n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(dirty) == 0 {
			continue
		}
		if err := e.writer.wait(ctx, "erase", func(t *tx) error { return wipe(t.conn, dirty) }); err != nil {
			return err
		}
	}
	return nil
}

// wipe zeroes the unused space of pages.
func wipe(c *sqlite.Conn, pages []int64) error {
	for _, n := range pages {
		var page []byte
		err := dbfile.Query(c, pageOf, func(r *sqlite.Stmt) error {
			page = dbfile.Bytes(r, 0)
			return nil
		}, n)
		if err != nil {
			return err
		}
		gap := unused(page, n == 1)
		if len(gap) == 0 {
			continue // it is another kind of page by now
		}
		clear(gap)
		if err := dbfile.Execute(c, `UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?`, page, n); err != nil {
			return err
		}
	}
	return nil
}

// inPage reports whether a part of a page holds the number: as text, or as a key
// for search, which is reversed.
func (m *matcher) inPage(part []byte) bool {
	if len(part) == 0 {
		return false
	}
	for form := range m.forms {
		if bytes.Contains(part, []byte(dbfile.SearchDigits(form))) {
			return true
		}
	}
	return m.text(part, nil)
}

// unused returns the space between the cell pointers and the cells of a b-tree
// page, as SQLite's file format lays it out; nothing for other pages.
func unused(page []byte, first bool) []byte {
	const interiorIndex, interiorTable, leafIndex, leafTable = 2, 5, 10, 13
	header := 0
	if first {
		header = 100 // the file's own header
	}
	if len(page) < header+12 {
		return nil
	}
	kind := page[header]
	pointers := header + 8
	switch {
	case !slices.Contains([]byte{interiorIndex, interiorTable, leafIndex, leafTable}, kind):
		return nil
	case kind == interiorIndex || kind == interiorTable:
		pointers += 4
	}
	pointers += 2 * int(binary.BigEndian.Uint16(page[header+3:]))
	cells := int(binary.BigEndian.Uint16(page[header+5:]))
	if cells == 0 {
		cells = 1 << 16
	}
	if pointers > cells || cells > len(page) {
		return nil
	}
	return page[pointers:cells]
}
