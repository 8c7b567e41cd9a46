package repair

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// A salvage may take minutes, and whoever waits for the start may lose patience:
// it commits what it has saved several times a second, and with it how far it has
// come, so that the next start goes on there.

const (
	// paceRows is after how many rows the time is looked at.
	paceRows = 256
	// paceCommit is how often what was saved is committed.
	paceCommit = 200 * time.Millisecond
	// paceTell is how often the log tells how far a salvage has come.
	paceTell = 5 * time.Second
	// progressName is the name of it in the table kept of the new file, under no lane.
	progressName = "salvage"
)

// The passes over a source: from both ends towards the damage, then what lies
// between.
const (
	forwards = iota
	backwards
	between
)

// progress is how far a salvage has come.
type progress struct {
	// Of is the damaged file, as it was when the salvage began.
	Of string
	// Source is the one that is read, Pass how, and Row the last row that is done.
	Source int
	Pass   int
	Row    rowKey
	Found  rescue
	// Now is what was done of the present source; Broke says that reading broke off.
	Now   TableRescue
	Broke bool
}

// rowKey is the key of a row, column by column, or the number of one; nil is none.
type rowKey []keyColumn

type keyColumn struct {
	Int  *int64  `json:",omitempty"`
	Text *string `json:",omitempty"`
}

// keyOf returns nil for a key that damage made senseless: the rows before it are
// read again.
func keyOf(values ...any) (k rowKey) {
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			k = append(k, keyColumn{Int: &v})
		case string:
			k = append(k, keyColumn{Text: &v})
		default:
			return nil
		}
	}
	return k
}

// values are what SQL compares.
func (k rowKey) values() (all []any) {
	for _, c := range k {
		if c.Int != nil {
			all = append(all, *c.Int)
		} else if c.Text != nil {
			all = append(all, *c.Text)
		}
	}
	return all
}

// number is how many rows are done; 0 for none.
func (k rowKey) number() int64 {
	if len(k) == 0 || k[0].Int == nil {
		return 0
	}
	return *k[0].Int
}

// next goes on to another source.
func (p *progress) next() {
	p.Source++
	p.Pass, p.Row, p.Now, p.Broke = forwards, nil, TableRescue{}, false
}

// describeDamaged tells a damaged file from another one that has its name.
func describeDamaged(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	wal := int64(0) // an empty one comes and goes with a reader
	if w, err := os.Stat(path + "-wal"); err == nil {
		wal = w.Size()
	}
	return fmt.Sprintf("%d bytes of %s, %d bytes of WAL", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano), wal), nil
}

// openFresh opens the new file. Where a salvage of the same damaged file was cut
// short, it finds how far that had come; one of another file is removed.
func openFresh(ctx context.Context, cfg spool.Config, of string) (*sqlite.Conn, progress, error) {
	if there, err := dbfile.IsThere(cfg.Path); err == nil && there {
		if conn, err := dbfile.OpenWriter(ctx, cfg); err == nil {
			if p, err := readProgress(conn); err == nil && p.Of == of {
				return conn, p, nil
			}
			_ = conn.Close() // it goes
		}
	}
	if err := dbfile.RemoveCompanions(cfg.Path); err != nil {
		return nil, progress{}, err
	}
	conn, err := dbfile.OpenWriter(ctx, cfg)
	return conn, progress{Of: of}, err
}

func readProgress(c *sqlite.Conn) (p progress, err error) {
	err = dbfile.Query(c, dbfile.ReadNamed, func(r *sqlite.Stmt) error { return json.Unmarshal(dbfile.Bytes(r, 0), &p) }, 0, progressName)
	return p, err
}

// pace commits what a salvage does, with its progress, and tells how far it has come.
type pace struct {
	to        *sqlite.Conn
	progress  *progress
	tell      func(progress) // may be nil
	every     int            // a test commits, and is told, after so many rows
	rows      int
	committed time.Time
	told      time.Time
}

// row notes that a row is done, and commits now and then.
func (p *pace) row(key rowKey) error {
	p.progress.Row = key
	p.rows++
	if p.every > 0 && p.rows%p.every == 0 || p.rows%paceRows == 0 && time.Since(p.committed) >= paceCommit {
		return p.commit()
	}
	return nil
}

// commit keeps what was saved, and begins the next transaction.
func (p *pace) commit() error {
	b, err := plainjson.Marshal(p.progress)
	if err != nil {
		return err
	}
	if err := dbfile.Execute(p.to, dbfile.KeepNamed, 0, progressName, b); err != nil {
		return err
	}
	if err := dbfile.Execute(p.to, `COMMIT`); err != nil {
		return err
	}
	p.committed = time.Now()
	if p.tell != nil && (p.every > 0 || time.Since(p.told) >= paceTell) {
		p.told = p.committed
		p.tell(*p.progress)
	}
	return dbfile.Execute(p.to, `BEGIN IMMEDIATE`)
}

// end commits the last of it, without the progress.
func (p *pace) end() error {
	if err := dbfile.Execute(p.to, dbfile.ForgetNamed, 0, progressName); err != nil {
		return err
	}
	return dbfile.Execute(p.to, `COMMIT`)
}
