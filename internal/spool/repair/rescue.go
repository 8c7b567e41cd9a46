package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// source is something to read rows from.
type source struct {
	table   string
	columns []string
	from    string // what is read, from both ends towards the damage
	key     string // by which it is ordered; of columns that are read
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
		{table: "lanes", columns: words("id name give_up paused_until paused_by paused_for"), from: "lanes", key: "id"},
		{table: "lanes", columns: words("id name"), from: "lanes INDEXED BY sqlite_autoindex_lanes_1 WHERE name > ''", key: "name"},
		{
			table: "calls", columns: words("seq call_id revision content source outcome received_at record trace checksum rules"),
			from: "calls", key: "seq", keys: `SELECT seq FROM calls INDEXED BY calls_identity WHERE call_id > ''`,
		},
		{
			table: "deliveries", columns: words("call_seq lane state due since tries attempts successor ended_at spent doubts failed_at remembered"),
			from: "deliveries NOT INDEXED", key: "call_seq", keys: `SELECT seq FROM calls`, saved: true,
		},
		{table: "deliveries", columns: words("call_seq lane state due since"), from: "deliveries INDEXED BY waiting WHERE state < 4", key: "lane, state, due, call_seq"},
		{
			table: "dead_letters", columns: words("id stage lane source call_id reason detail tries created_at call_seq body_hash body request"),
			from: "dead_letters", key: "id", keys: `SELECT id FROM dead_letters INDEXED BY dead_place WHERE stage > ''`,
		},
		{table: "set_aside", columns: words("id at call_seq lane reason bytes"), from: "set_aside", key: "id"},
		{table: "kept", columns: words("lane name value gone"), from: "kept", key: "lane"},
		{table: "events", columns: words("id action token address via sinks call_id count detail"), from: "events", key: "id"},
		{table: "event_calls", columns: words("call_seq event"), from: "event_calls", key: "call_seq, event"},
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
	Tables  []TableRescue
	Cut     int // sources whose reading broke off
	Orphans int // deliveries and dead letters whose call is lost
	// Unreadable are records that wait and cannot be read.
	Unreadable int
}

func (r *rescue) saved() (n int) {
	for _, t := range r.Tables {
		n += t.Saved
	}
	return n
}

// note adds what was done for one source to its table. A table with a second
// source is as complete as the better one.
func (r *rescue) note(t TableRescue) {
	if i := slices.IndexFunc(r.Tables, func(o TableRescue) bool { return o.Table == t.Table }); i >= 0 {
		r.Tables[i].Saved += t.Saved
		return
	}
	r.Tables = append(r.Tables, t)
}

// salvage copies what can be read of a damaged file, and goes on where the progress
// is. Its error is
// about the new file, or the end of the context; errors of the damaged one are what
// it is there for. What m knows is added.
func salvage(ctx context.Context, pc *pace, from string, m dbfile.Known) (err error) {
	pc.to.SetInterrupt(ctx.Done())
	defer pc.to.SetInterrupt(nil)
	if err := dbfile.Execute(pc.to, `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	defer func() {
		pc.to.SetInterrupt(nil)
		dbfile.Rollback(pc.to) // what was not committed
	}()
	if err := copySources(ctx, pc, from); err != nil {
		return err
	}
	if m != nil {
		if err := m.WriteLeases(pc.to); err != nil {
			return err
		}
	}
	if err := readRecords(pc); err != nil {
		return err
	}
	if pc.progress.Found.Orphans, err = untangle(pc.to, time.Now()); err != nil {
		return err
	}
	return pc.end()
}

// copySources copies those that are left.
func copySources(ctx context.Context, pc *pace, from string) error {
	p := pc.progress
	src, err := openDamaged(from)
	if err != nil { // nothing of it can be read
		for ; p.Source < len(sources()); p.next() {
			p.Found.note(TableRescue{Table: sources()[p.Source].table})
			p.Found.Cut++
		}
		return nil
	}
	defer func() { _ = src.Close() }() // only read from
	src.SetInterrupt(ctx.Done())
	for p.Source < len(sources()) {
		c := copier{src: src, pace: pc, source: sources()[p.Source]}
		if err := c.run(ctx); err != nil {
			return err
		}
		p.Found.note(p.Now)
		if p.Broke {
			p.Found.Cut++
		}
		p.next()
		if err := pc.commit(); err != nil {
			return err
		}
	}
	return nil
}

// copier copies one source.
type copier struct {
	*pace
	src *sqlite.Conn
	source
}

// run copies the source, or the rest of it. Where reading breaks off, the rows read
// before are kept.
func (c *copier) run(ctx context.Context) error {
	p := c.progress
	if p.Now.Table == "" {
		p.Now = TableRescue{Table: c.table, Complete: true}
	}
	if c.absent() {
		return nil
	}
	c.columns = c.present()
	for ; p.Pass < between; p.Pass, p.Row = p.Pass+1, nil {
		whole, err := c.through()
		if ctx.Err() != nil { // reading did not break off because of damage
			return context.Cause(ctx)
		}
		if err != nil || whole {
			return err
		}
		p.Broke = true
	}
	return c.between(ctx)
}

// through reads the source from one end.
func (c *copier) through() (whole bool, err error) {
	order, beyond := "", " >= "
	if c.progress.Pass == backwards {
		order, beyond = " DESC", " <= "
	}
	sql, args := c.selects()+c.from, c.progress.Row.values()
	if len(args) > 0 { // rows of this key may be left
		glue := " WHERE "
		if strings.Contains(c.from, " WHERE ") {
			glue = " AND "
		}
		sql += glue + "(" + c.key + ")" + beyond + "(?" + strings.Repeat(", ?", len(args)-1) + ")"
	}
	key := strings.Split(c.key, ", ")
	return c.rows(sql+" ORDER BY "+strings.Join(key, order+", ")+order, c.keyIn(key), args...)
}

// keyIn returns what finds a key in a row.
func (c *copier) keyIn(key []string) func([]any) rowKey {
	return func(row []any) rowKey {
		values := make([]any, len(key))
		for i, name := range key {
			if at := slices.Index(c.columns, name); at >= 0 {
				values[i] = row[at]
			}
		}
		return keyOf(values...)
	}
}

// absent reports whether the damaged file is of a version that has no such table.
func (c *copier) absent() bool {
	n, err := dbfile.Int(c.src, `SELECT count(*) FROM sqlite_schema WHERE name = ?`, c.table)
	return err == nil && n == 0 && dbfile.IsSpool(c.src)
}

// present returns those of the columns that the damaged file has: one that damage
// kept from being migrated has those of its old version.
func (c *copier) present() []string {
	var there []string
	err := dbfile.Query(c.src, `SELECT name FROM pragma_table_info(?)`, func(r *sqlite.Stmt) error {
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
// their keys, and notes those that are lost. Its progress is the number of a key.
func (c *copier) between(ctx context.Context) error {
	var keys []any
	err := errors.New("nothing tells")
	if c.keys != "" {
		in := c.src
		if c.saved {
			in = c.to
		}
		err = dbfile.Query(in, c.keys, func(r *sqlite.Stmt) error {
			keys = append(keys, columnValue(r, 0))
			return nil
		})
	}
	done := min(c.progress.Row.number(), int64(len(keys)))
	for i, key := range keys[done:] {
		if err := errors.Join(c.one(key), context.Cause(ctx), c.row(keyOf(done+int64(i)+1))); err != nil {
			return err
		}
	}
	c.progress.Now.Complete = err == nil
	return context.Cause(ctx)
}

// one reads the rows of one key, or notes that they are lost.
func (c *copier) one(key any) error {
	n, err := dbfile.Int(c.to, `SELECT count(*) FROM `+c.table+` WHERE `+c.key+` = ?`, key)
	if err != nil || n > 0 && c.table != "deliveries" { // of one call there may be several
		return err
	}
	whole, err := c.rows(c.selects()+c.table+` WHERE `+c.key+` = ?`, nil, key)
	if err != nil || whole {
		return err
	}
	return c.lose(key)
}

// lose reports a row of which only the key is left.
func (c *copier) lose(key any) error {
	c.progress.Now.Lost++
	reason, seq := fmt.Sprintf("a row of %s is lost: %v", c.table, key), int64(0)
	if n, ok := key.(int64); ok {
		seq = n
	}
	if c.table == "calls" {
		_ = dbfile.Query(c.src, `SELECT call_id, revision FROM calls INDEXED BY calls_identity WHERE call_id > '' AND seq = ?`, func(r *sqlite.Stmt) error {
			reason = fmt.Sprintf("the call %s, revision %d, is lost", r.ColumnText(0), r.ColumnInt(1))
			return nil
		}, seq) // its name is more than can be asked for
	}
	return dbfile.KeepBytes(c.to, time.Now(), seq, 0, reason, nil)
}

// rows copies rows until their end; whole is false where reading breaks off. key
// returns the key of a row; it is nil where the caller notes the progress.
func (c *copier) rows(sql string, key func([]any) rowKey, args ...any) (whole bool, err error) {
	insert := "INSERT OR IGNORE INTO " + c.table + "(" + strings.Join(c.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(c.columns)-1) + ")"
	var writing error
	broke := dbfile.Query(c.src, sql, func(r *sqlite.Stmt) error {
		values := make([]any, r.ColumnCount())
		for i := range values {
			values[i] = columnValue(r, i)
		}
		writing = dbfile.Execute(c.to, insert, values...)
		switch {
		case sqlite.ErrCode(writing).ToPrimary() == sqlite.ResultConstraint:
			writing = nil // a row that damage made impossible
		case writing == nil:
			c.progress.Now.Saved += c.to.Changes()
		}
		if writing == nil && key != nil {
			writing = c.row(key(values))
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
		return dbfile.Bytes(r, i)
	}
}

// readRecords sets the calls aside that wait and cannot be read.
func readRecords(pc *pace) error {
	return dbfile.Query(pc.to, `SELECT seq, record, content, ifnull(checksum, -1) FROM calls WHERE seq > ? ORDER BY seq`, func(r *sqlite.Stmt) error {
		seq, encoded := r.ColumnInt64(0), dbfile.Bytes(r, 1)
		if _, _, err := dbfile.DecodeRecord(dbfile.Bytes(r, 2), encoded, r.ColumnInt64(3)); err != nil {
			if err := pc.unreadable(seq, encoded, err.Error()); err != nil {
				return err
			}
		}
		return pc.row(keyOf(seq))
	}, pc.progress.Row.number())
}

func (p *pace) unreadable(seq int64, encoded []byte, reason string) error {
	lanes, err := dbfile.Ints(p.to, `SELECT lane FROM deliveries WHERE call_seq = ? AND state < 4`, seq)
	if err != nil || len(lanes) == 0 {
		return err
	}
	p.progress.Found.Unreadable++
	for _, lane := range lanes {
		if err := dbfile.KeepBytes(p.to, time.Now(), seq, lane, reason, encoded); err != nil {
			return err
		}
	}
	return dbfile.Execute(p.to, `UPDATE deliveries SET state = 6, ended_at = ? WHERE call_seq = ? AND state < 4`, dbfile.Millis(time.Now()), seq)
}
