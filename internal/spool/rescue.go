package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// source is something to read rows from.
type source struct {
	table   string
	columns []string
	from    string // what is read, from both ends towards the damage
	key     string // by which it is ordered
	// keys finds, in an index or in what was saved already, the keys of rows
	// between two damaged places, which are then read one by one.
	keys  string
	saved bool // keys is asked of the new file
}

// sources are copied in this order, each row on its own, so that one damaged
// page loses only the rows on it. The indexes of waiting deliveries and of the
// names of lanes are second copies of what matters of them. Search keys are made
// anew by the next start.
func sources() []source {
	words := strings.Fields
	return []source{
		{table: "lanes", columns: words("id name give_up paused_until paused_by"), from: "lanes", key: "id"},
		{table: "lanes", columns: words("id name"), from: "lanes INDEXED BY sqlite_autoindex_lanes_1 WHERE name > ''", key: "name"},
		{
			table: "calls", columns: words("seq call_id revision content source outcome received_at record trace checksum"),
			from: "calls", key: "seq", keys: `SELECT seq FROM calls INDEXED BY calls_identity WHERE call_id > ''`,
		},
		{
			table: "deliveries", columns: words("call_seq lane state due since tries attempts successor ended_at spent doubts failed_at"),
			from: "deliveries NOT INDEXED", key: "call_seq", keys: `SELECT seq FROM calls`, saved: true,
		},
		{table: "deliveries", columns: words("call_seq lane state due since"), from: "deliveries INDEXED BY waiting WHERE state < 4", key: "lane"},
		{
			table: "dead_letters", columns: words("id stage lane source call_id reason detail tries created_at call_seq body_hash body request"),
			from: "dead_letters", key: "id", keys: `SELECT id FROM dead_letters INDEXED BY dead_place WHERE stage > ''`,
		},
		{table: "set_aside", columns: words("id at call_seq lane reason bytes"), from: "set_aside", key: "id"},
		{table: "kept", columns: words("lane name value gone"), from: "kept", key: "lane"},
	}
}

// TableRescue is what a salvage could do for one table.
type TableRescue struct {
	Table string `json:"table"`
	Saved int    `json:"saved"`
	// Lost is how many rows are known to be lost.
	Lost int `json:"lost"`
	// Complete says that no others can be.
	Complete bool `json:"complete"`
}

// rescue is what a salvage could do.
type rescue struct {
	tables  []TableRescue
	cut     int // sources whose reading broke off
	orphans int // deliveries and dead letters whose call is lost
	// unreadable are records that wait and cannot be read.
	unreadable int
}

func (r *rescue) saved() (n int) {
	for _, t := range r.tables {
		n += t.Saved
	}
	return n
}

// note adds what was done for one source to its table. A table with a second
// source is as complete as the better one.
func (r *rescue) note(t TableRescue) {
	if i := slices.IndexFunc(r.tables, func(o TableRescue) bool { return o.Table == t.Table }); i >= 0 {
		r.tables[i].Saved += t.Saved
		return
	}
	r.tables = append(r.tables, t)
}

// salvage copies what can be read of a damaged file. Its error is about the new
// file; errors of the damaged one are what it is there for, but for the end of the
// context, which ends reading too. What m knows is added.
func salvage(ctx context.Context, to *sqlite.Conn, from string, m memory) (r rescue, err error) {
	src, err := openDamaged(from)
	if err != nil {
		for _, f := range sources() {
			r.note(TableRescue{Table: f.table})
		}
		r.cut = len(sources())
		return r, nil //nolint:nilerr // nothing of it can be read
	}
	defer func() { _ = src.Close() }() // only read from
	src.SetInterrupt(ctx.Done())
	to.SetInterrupt(ctx.Done())
	defer to.SetInterrupt(nil)
	for _, f := range sources() {
		c := copier{src: src, to: to, source: f}
		if err := errors.Join(c.run(), ctx.Err()); err != nil {
			return r, err
		}
		r.note(c.done)
		if c.broke {
			r.cut++
		}
	}
	return r, inTransaction(to, func() (err error) {
		if err := m.keepLeased(to); err != nil {
			return err
		}
		if r.unreadable, err = readRecords(to); err != nil {
			return err
		}
		r.orphans, err = untangle(to, time.Now())
		return err
	})
}

// copier copies one source.
type copier struct {
	src, to *sqlite.Conn
	source
	broke bool
	done  TableRescue
}

func (c *copier) run() error {
	c.done = TableRescue{Table: c.table, Complete: true}
	if c.absent() {
		return nil
	}
	c.columns = c.present()
	// A table that breaks off keeps the rows read before.
	return inTransaction(c.to, func() error {
		for _, order := range []string{"", " DESC"} {
			whole, err := c.rows(c.selects() + c.from + ` ORDER BY ` + c.key + order)
			if err != nil || whole {
				return err
			}
			c.broke = true
		}
		return c.between()
	})
}

// absent tells whether the damaged file is of a version that has no such table.
func (c *copier) absent() bool {
	n, err := readInt(c.src, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, c.table)
	return err == nil && n == 0 && isSpool(c.src)
}

// present gives those of the columns that the damaged file has: one that damage
// kept from being migrated has those of its old version.
func (c *copier) present() []string {
	var there []string
	err := query(c.src, `SELECT name FROM pragma_table_info(?)`, func(r *sqlite.Stmt) error {
		there = append(there, r.ColumnText(0))
		return nil
	}, c.table)
	if err != nil || len(there) == 0 {
		return c.columns
	}
	return slices.DeleteFunc(slices.Clone(c.columns), func(name string) bool { return !slices.Contains(there, name) })
}

func (c *copier) selects() string { return `SELECT ` + strings.Join(c.columns, ", ") + ` FROM ` }

// between reads the rows between two damaged places, as far as something tells
// their keys, and notes those that are lost.
func (c *copier) between() error {
	var keys []any
	err := errors.New("nothing tells")
	if c.keys != "" {
		in := c.src
		if c.saved {
			in = c.to
		}
		err = query(in, c.keys, func(r *sqlite.Stmt) error {
			keys = append(keys, columnValue(r, 0))
			return nil
		})
	}
	c.done.Complete = err == nil
	for _, key := range keys {
		n, err := readInt(c.to, `SELECT count(*) FROM `+c.table+` WHERE `+c.key+` = ?`, key)
		if err != nil {
			return err
		}
		if n > 0 && c.table != "deliveries" { // of one call there may be several
			continue
		}
		whole, err := c.rows(c.selects()+c.table+` WHERE `+c.key+` = ?`, key)
		if err != nil {
			return err
		}
		if !whole {
			if err := c.lose(key); err != nil {
				return err
			}
		}
	}
	return nil
}

// lose reports a row of which only the key is left.
func (c *copier) lose(key any) error {
	c.done.Lost++
	reason, seq := fmt.Sprintf("a row of %s is lost: %v", c.table, key), int64(0)
	if n, ok := key.(int64); ok {
		seq = n
	}
	if c.table == "calls" {
		_ = query(c.src, `SELECT call_id, revision FROM calls INDEXED BY calls_identity WHERE call_id > '' AND seq = ?`, func(r *sqlite.Stmt) error {
			reason = fmt.Sprintf("the call %s, revision %d, is lost", r.ColumnText(0), r.ColumnInt(1))
			return nil
		}, seq) // its name is more than can be asked for
	}
	return keepBytes(c.to, time.Now(), seq, 0, reason, nil)
}

// rows copies rows until their end; whole is false where reading breaks off.
func (c *copier) rows(sql string, args ...any) (whole bool, err error) {
	insert := "INSERT OR IGNORE INTO " + c.table + "(" + strings.Join(c.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(c.columns)-1) + ")"
	var writing error
	broke := query(c.src, sql, func(r *sqlite.Stmt) error {
		values := make([]any, r.ColumnCount())
		for i := range values {
			values[i] = columnValue(r, i)
		}
		writing = execute(c.to, insert, values...)
		if sqlite.ErrCode(writing).ToPrimary() == sqlite.ResultConstraint { // a row that damage made impossible
			writing = nil
			return nil
		}
		if writing == nil {
			c.done.Saved += c.to.Changes()
		}
		return writing
	}, args...)
	return broke == nil, writing
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

// readRecords sets the calls aside that wait and cannot be read.
func readRecords(c *sqlite.Conn) (unreadable int, err error) {
	err = query(c, `SELECT seq, record, content, ifnull(checksum, -1) FROM calls`, func(r *sqlite.Stmt) error {
		d := Delivery{Seq: r.ColumnInt64(0), encoded: columnBytes(r, 1), content: columnBytes(r, 2), sum: r.ColumnInt64(3)}
		derr := d.decode()
		if derr == nil {
			return nil
		}
		lanes, err := readInts(c, `SELECT lane FROM deliveries WHERE call_seq = ? AND state < 4`, d.Seq)
		if err != nil || len(lanes) == 0 {
			return err
		}
		unreadable++
		for _, lane := range lanes {
			if err := keepBytes(c, time.Now(), d.Seq, lane, derr.Error(), d.encoded); err != nil {
				return err
			}
		}
		return execute(c, `UPDATE deliveries SET state = 6, ended_at = ? WHERE call_seq = ? AND state < 4`, millis(time.Now()), d.Seq)
	})
	return unreadable, err
}
