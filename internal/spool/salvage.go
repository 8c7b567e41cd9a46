package spool

import (
	"errors"
	"os"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// replaceDamaged copies what can be read of the damaged file into a new one,
// and only then gives the damaged one another name and the new one its place: a
// crash at any moment leaves one of them to go on from.
func (s *Spool) replaceDamaged(damage error) error {
	path, fresh := s.cfg.Path, salvaged(s.cfg.Path)
	kept := damagedName(path)
	for _, suffix := range companions() { // of a salvage that was cut short
		if err := removeIfThere(fresh + suffix); err != nil {
			return err
		}
	}
	cfg := s.cfg
	cfg.Path = fresh
	conn, err := openWriter(cfg)
	if err != nil {
		return err
	}
	r, err := salvage(conn, path)
	if err == nil {
		err = keepBytes(conn, time.Now(), 0, 0, "damaged file kept as "+kept, nil)
	}
	if err := errors.Join(err, conn.Close()); err != nil {
		return err
	}
	s.log.Error("the spool file was damaged and is set aside", "file", path, "kept_as", kept, "error", damage)
	s.log.Error("what could be read of the damaged file was saved", "rows", r.saved, "tables_cut_short", r.cut, "deliveries_without_call", r.orphans)
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() == 0 { // of the read-only connection
		if err := os.Remove(path + "-wal"); err != nil {
			return err
		}
	}
	if err := os.Rename(path, kept); err != nil {
		return err
	}
	return finishSalvage(path, kept)
}

// companions are the suffixes of the files that belong together.
func companions() []string { return []string{"-wal", "-shm", ""} }

// damagedName is where a damaged file is kept.
func damagedName(path string) string {
	return path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
}

func salvaged(path string) string { return path + ".salvaged" }

// finishSalvage gives a whole salvaged file its place, where the damaged one has
// left it. The damaged one's WAL must not stay beside the new one.
func finishSalvage(path, kept string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := removeIfThere(path + "-shm"); err != nil { // an index of the WAL, no data
		return err
	}
	for _, move := range [][2]string{{path + "-wal", kept + "-wal"}, {salvaged(path), path}} {
		if err := renameIfThere(move[0], move[1]); err != nil {
			return err
		}
	}
	return syncFolder(path)
}

func renameIfThere(from, to string) error {
	if err := os.Rename(from, to); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// source is something to read rows from.
type source struct{ table, columns, from, key string }

// sources are copied in this order, each row on its own, so that one damaged
// page loses only the rows on it. The index of waiting deliveries is a second
// copy of what matters of them. Search keys are made anew.
func sources() []source {
	return []source{
		{"lanes", "id, name, give_up, paused_until, paused_by", "lanes", "id"},
		{"calls", "seq, call_id, revision, content, source, outcome, received_at, record", "calls", "seq"},
		{"deliveries", "call_seq, lane, state, due, since, tries, attempts, successor, ended_at", "deliveries NOT INDEXED", "call_seq"},
		{"deliveries", "call_seq, lane, state, due, since", "deliveries INDEXED BY waiting WHERE state < 4", "lane"},
		{"dead_letters", "id, stage, lane, source, call_id, reason, detail, tries, created_at, call_seq, body_hash, body", "dead_letters", "id"},
		{"set_aside", "id, at, call_seq, lane, reason, bytes", "set_aside", "id"},
	}
}

// rescue is what a salvage could do.
type rescue struct {
	saved   int // rows
	cut     int // tables whose reading broke off
	orphans int // deliveries and dead letters whose call is lost
}

// salvage copies what can be read of a damaged file. Its error is about the new
// file; errors of the damaged one are what it is there for.
func salvage(to *sqlite.Conn, from string) (r rescue, err error) {
	src, err := sqlite.OpenConn(from, sqlite.OpenReadOnly) // so that closing it changes nothing in it
	if err != nil {
		return rescue{cut: len(sources())}, nil //nolint:nilerr // nothing of it can be read
	}
	defer func() { _ = src.Close() }() // only read from
	for _, from := range sources() {
		for _, order := range []string{"", " DESC"} { // from both ends towards the damage
			n, broke, err := copyRows(src, to, from, order)
			if err != nil {
				return r, err
			}
			r.saved += n
			if broke == nil {
				break
			}
			if order == "" {
				r.cut++
			}
		}
	}
	return r, inTransaction(to, func() (err error) {
		if err := remakeKeys(to); err != nil {
			return err
		}
		r.orphans, err = untangle(to, time.Now())
		return err
	})
}

// copyRows copies rows until their end, or until reading breaks off.
func copyRows(src, to *sqlite.Conn, f source, order string) (saved int, broke, err error) {
	insert := "INSERT OR IGNORE INTO " + f.table + "(" + f.columns + ") VALUES (?" + strings.Repeat(", ?", strings.Count(f.columns, ",")) + ")"
	err = inTransaction(to, func() error {
		var writing error
		broke = query(src, "SELECT "+f.columns+" FROM "+f.from+" ORDER BY "+f.key+order, func(r *sqlite.Stmt) error {
			args := make([]any, r.ColumnCount())
			for i := range args {
				args[i] = columnValue(r, i)
			}
			if writing = execute(to, insert, args...); writing != nil {
				if sqlite.ErrCode(writing).ToPrimary() != sqlite.ResultConstraint {
					return writing
				}
				writing = nil // a row that damage made impossible
				return nil
			}
			saved += to.Changes()
			return nil
		})
		return writing // a table that breaks off keeps the rows read before
	})
	return saved, broke, err
}

func columnValue(r *sqlite.Stmt, i int) any {
	switch r.ColumnType(i) {
	case sqlite.TypeInteger:
		return r.ColumnInt64(i)
	case sqlite.TypeNull:
		return nil
	case sqlite.TypeText:
		return r.ColumnText(i)
	default:
		return columnBytes(r, i)
	}
}

// remakeKeys makes the search keys of all calls.
func remakeKeys(c *sqlite.Conn) error {
	return query(c, `SELECT seq, record FROM calls`, func(r *sqlite.Stmt) error {
		return insertKeys(c, r.ColumnInt64(0), decodeLeniently(columnBytes(r, 1)))
	})
}

// untangle makes what was saved consistent: it reports and ends what refers to
// rows that were lost, and gives lanes whose name was lost another one. Rows of
// lost calls must go, since their numbers will be given out again.
func untangle(c *sqlite.Conn, now time.Time) (orphans int, err error) {
	const callLost = `call_seq NOT IN (SELECT seq FROM calls)`
	const letterLost = `state = 5 AND (call_seq, lane) NOT IN (SELECT call_seq, lane FROM dead_letters WHERE stage = 'delivery')`
	for _, lost := range []struct{ from, reason string }{
		{`deliveries WHERE state < 4 AND ` + callLost, "the call of a waiting delivery was lost"},
		{`dead_letters WHERE stage = 'delivery' AND ` + callLost, "the call of a dead letter was lost"},
		{`deliveries WHERE ` + letterLost, "the dead letter of a delivery was lost"},
	} {
		if err := execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason) SELECT ?, call_seq, lane, ? FROM `+lost.from, millis(now), lost.reason); err != nil {
			return orphans, err
		}
		orphans += c.Changes()
	}
	for _, sql := range []string{
		`DELETE FROM deliveries WHERE ` + callLost,
		`DELETE FROM dead_letters WHERE stage = 'delivery' AND ` + callLost,
		`UPDATE deliveries SET state = 6 WHERE ` + letterLost,
		`UPDATE deliveries SET state = 5 WHERE state < 4 AND (call_seq, lane) IN (SELECT call_seq, lane FROM dead_letters WHERE stage = 'delivery')`,
		`INSERT OR IGNORE INTO deliveries(call_seq, lane, state, due, since) SELECT call_seq, lane, 5, 0, created_at FROM dead_letters WHERE stage = 'delivery'`,
		`INSERT OR IGNORE INTO lanes(id, name) SELECT DISTINCT lane, 'lost-' || lane FROM deliveries`,
		`UPDATE deliveries SET successor = 1 WHERE state < 4`, // costs one look when it ends
		`UPDATE deliveries SET state = 1 WHERE state = 3 AND NOT EXISTS (
			SELECT 1 FROM calls this JOIN calls c ON c.call_id = this.call_id AND c.revision < this.revision
			JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = deliveries.call_seq AND d.lane = deliveries.lane AND d.state < 4)`,
	} {
		if err := execute(c, sql); err != nil {
			return orphans, err
		}
	}
	return orphans, nil
}
