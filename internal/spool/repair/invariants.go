package repair

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// inspector runs the checks on one connection.
type inspector struct {
	conn   *sqlite.Conn
	report *CheckReport
}

func (i *inspector) run() error {
	var err error
	if i.report.Schema, err = dbfile.Identify(i.conn); err != nil {
		return err
	}
	if i.report.Schema == 0 {
		i.report.find("the file has no tables", 1, "", remedyEmpty)
		return nil
	}
	for _, step := range []func() error{i.pages, i.count, i.relations, i.records} {
		err = errors.Join(err, step()) // one that breaks off does not hide what the others find
	}
	return err
}

// pages is SQLite's own check of the whole file.
func (i *inspector) pages() error {
	return dbfile.Query(i.conn, fmt.Sprintf(`PRAGMA integrity_check(%d)`, complaints), func(r *sqlite.Stmt) error {
		if found := r.ColumnText(0); found != "ok" {
			i.report.find("SQLite finds: "+found, 1, "", remedySalvage)
		}
		return nil
	})
}

// count counts rows, and compares the number of calls with the one that is kept.
func (i *inspector) count() error {
	tables := []string{"lanes", "calls", "deliveries", "dead_letters", "number_keys", "set_aside"}
	if i.report.Schema >= 7 {
		tables = append(tables, "events")
	}
	for _, table := range tables {
		n, err := dbfile.Int(i.conn, `SELECT count(*) FROM `+table)
		if err != nil {
			return err
		}
		i.report.Rows[table] = n
	}
	if n := i.report.Rows["set_aside"]; n > 0 {
		i.report.Notes = append(i.report.Notes, fmt.Sprintf("%d records were set aside before: see the table set_aside", n))
	}
	var err error
	if i.report.Waiting, err = dbfile.Int(i.conn, `SELECT count(*) FROM deliveries WHERE state < 4`); err != nil || i.report.Schema < 3 {
		return err
	}
	kept, err := dbfile.Int(i.conn, dbfile.CountCalls)
	if n := i.report.Rows["calls"]; err == nil && kept != n {
		i.report.find("the number of calls that is kept is wrong", 1, fmt.Sprintf("%d is kept, there are %d", kept, n), remedySalvage)
	}
	return errors.Join(err, i.shares())
}

// shares compares what sources hold with the sums that are kept.
func (i *inspector) shares() error {
	if i.report.Schema < 6 {
		return nil
	}
	n, example := int64(0), ""
	err := dbfile.Query(i.conn, dbfile.WrongShares, func(r *sqlite.Stmt) error {
		n, example = n+1, fmt.Sprintf("%s: %d is kept, there are %d", r.ColumnText(0), r.ColumnInt64(1), r.ColumnInt64(2))
		return nil
	})
	if n > 0 {
		i.report.find("the sums of what sources hold are wrong", n, example, remedySalvage)
	}
	return err
}

// relation is a rule about rows; the query returns those that break it, with a
// text that names each.
type relation struct{ what, broken string }

func relations() []relation {
	const (
		place  = `'call ' || d.call_seq || ' in lane ' || d.lane FROM deliveries d WHERE `
		letter = `id FROM dead_letters d WHERE `
	)
	return []relation{
		{"deliveries whose call is not there", place + `NOT EXISTS (SELECT 1 FROM calls WHERE seq = d.call_seq)`},
		{"deliveries in a state that does not exist", place + `d.state NOT BETWEEN -1 AND 7`},
		{"deliveries in a lane that does not exist", place + `NOT EXISTS (SELECT 1 FROM lanes WHERE id = d.lane)`},
		{"deliveries that ended as a dead letter which is not there", place + `d.state = 5 AND NOT EXISTS (
			SELECT 1 FROM dead_letters l WHERE l.call_seq = d.call_seq AND l.lane = d.lane)`},
		{"dead letters whose delivery is not there, or has not ended so", letter + `stage = 'delivery' AND NOT EXISTS (
			SELECT 1 FROM deliveries o WHERE o.call_seq = d.call_seq AND o.lane = d.lane AND o.state = 5)`},
		{"dead letters of stage intake without a body", letter + `stage = 'intake' AND body IS NULL AND body_hash IS NULL`},
		{"dead letters of a stage that does not exist", letter + `stage NOT IN ('intake', 'delivery')`},
		{"fresh deliveries that are not in the order of acceptance", place + `d.state = 0 AND d.due <> 0`},
		{"deliveries held behind an older revision that does not wait, or does not know", place + `d.state = 3 AND NOT EXISTS (
			SELECT 1 FROM calls this JOIN calls c ON c.call_id = this.call_id AND c.revision < this.revision
			JOIN deliveries o ON o.call_seq = c.seq
			WHERE this.seq = d.call_seq AND o.lane = d.lane AND o.state < 4 AND (o.successor = 1 OR o.state = 3))`},
		{"search keys of calls that are not there", `digits FROM number_keys d WHERE NOT EXISTS (SELECT 1 FROM calls WHERE seq = d.call_seq)`},
	}
}

// relations looks for rows that contradict each other.
func (i *inspector) relations() error {
	for _, rule := range relations() {
		n, example := int64(0), ""
		err := dbfile.Query(i.conn, `SELECT `+rule.broken, func(r *sqlite.Stmt) error {
			if n++; n == 1 {
				example = r.ColumnText(0)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if n > 0 {
			i.report.find(rule.what, n, example, remedySalvage)
		}
	}
	return nil
}

// records reads each record, and looks whether it is found by its numbers. One
// of which no delivery waits was seen before and is kept: it does no harm.
func (i *inspector) records() error {
	var bad, lost int64
	var badExample, lostExample string
	sum := "ifnull(checksum, -1)"
	if i.report.Schema < 4 {
		sum = "-1"
	}
	indexed, err := i.indexed()
	if err != nil {
		return err
	}
	err = dbfile.Query(i.conn, `SELECT seq, call_id, content, record, EXISTS (SELECT 1 FROM deliveries d WHERE d.call_seq = c.seq AND d.state < 4), `+sum+`
		FROM calls c`, func(r *sqlite.Stmt) error {
		id := r.ColumnText(1)
		record, _, err := dbfile.DecodeRecord(dbfile.Bytes(r, 2), dbfile.Bytes(r, 3), r.ColumnInt64(5))
		if err != nil {
			if r.ColumnBool(4) {
				bad, badExample = bad+1, id
			}
			return nil
		}
		seq := r.ColumnInt64(0)
		if seq > indexed {
			return nil
		}
		for _, digits := range dbfile.NumberKeys(record) {
			n, err := dbfile.Int(i.conn, `SELECT count(*) FROM number_keys WHERE block = ? AND digits = ? AND call_seq = ?`, seq>>dbfile.BlockBits, digits, seq)
			if err != nil {
				return err
			}
			if n == 0 {
				lost, lostExample = lost+1, id
			}
		}
		return nil
	})
	if bad > 0 {
		i.report.find("records of calls that cannot be read, although deliveries wait", bad, badExample,
			"start the server: it sets each aside in the table set_aside and goes on")
	}
	if lost > 0 {
		i.report.find("calls that are not found by their number", lost, lostExample, "run `cdrelay spool salvage --force`, after which the server makes the search keys anew")
	}
	return err
}

// indexed returns the last call that must be found by its numbers. Keys of older
// versions are made anew.
func (i *inspector) indexed() (int64, error) {
	if i.report.Schema < 5 {
		return 0, nil
	}
	return dbfile.Int(i.conn, dbfile.IndexedTo)
}
