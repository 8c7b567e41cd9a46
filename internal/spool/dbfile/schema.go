package dbfile

import (
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"
)

// applicationID marks a SQLite file as a spool ("cdrl").
const applicationID = 0x6364726c

// SchemaVersion is the version that this binary writes.
const SchemaVersion = 8

// migration brings a file from the version before it to its own, inside one
// transaction.
type migration []string

// migrations lists the steps; step i leads from version i to i+1.
func migrations() []migration {
	return []migration{version1(), version2(), version3(), version4(), version5(), version6(), version7(), version8()}
}

// version1 makes the tables; the order is that of their roots in the file, which a
// salvage relies on.
func version1() migration {
	return slices.Concat(callTables(), letterTables(), migration{fmt.Sprintf(`PRAGMA application_id = %d`, applicationID)})
}

func callTables() migration {
	return migration{
		`CREATE TABLE lanes (
			id INTEGER PRIMARY KEY,
			name TEXT NOT NULL UNIQUE,
			give_up INTEGER NOT NULL DEFAULT 0,
			paused_until INTEGER NOT NULL DEFAULT 0,
			paused_by TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE TABLE calls (
			seq INTEGER PRIMARY KEY AUTOINCREMENT,
			call_id TEXT NOT NULL,
			revision INTEGER NOT NULL,
			content BLOB NOT NULL,
			source TEXT NOT NULL,
			outcome TEXT NOT NULL,
			received_at INTEGER NOT NULL,
			record BLOB NOT NULL
		)`,
		`CREATE UNIQUE INDEX calls_identity ON calls(call_id, revision)`,
		`CREATE TABLE number_keys (
			digits TEXT NOT NULL,
			call_seq INTEGER NOT NULL,
			PRIMARY KEY (digits, call_seq)
		) WITHOUT ROWID`,
		`CREATE TABLE deliveries (
			call_seq INTEGER NOT NULL,
			lane INTEGER NOT NULL,
			state INTEGER NOT NULL,
			due INTEGER NOT NULL,
			since INTEGER NOT NULL,
			tries INTEGER NOT NULL DEFAULT 0,
			attempts BLOB,
			successor INTEGER NOT NULL DEFAULT 0,
			ended_at INTEGER NOT NULL DEFAULT 0,
			PRIMARY KEY (call_seq, lane)
		) WITHOUT ROWID`,
		`CREATE INDEX waiting ON deliveries(lane, state, due, call_seq, since) WHERE state < 4`,
	}
}

func letterTables() migration {
	return migration{
		`CREATE TABLE dead_letters (
			id TEXT PRIMARY KEY,
			stage TEXT NOT NULL,
			lane INTEGER NOT NULL DEFAULT 0,
			source TEXT NOT NULL,
			call_id TEXT NOT NULL DEFAULT '',
			reason TEXT NOT NULL,
			detail TEXT NOT NULL,
			tries INTEGER NOT NULL,
			created_at INTEGER NOT NULL,
			call_seq INTEGER,
			body_hash BLOB,
			body BLOB
		) WITHOUT ROWID`,
		`CREATE UNIQUE INDEX dead_delivery ON dead_letters(call_seq, lane) WHERE call_seq IS NOT NULL`,
		`CREATE UNIQUE INDEX dead_body ON dead_letters(source, body_hash) WHERE body_hash IS NOT NULL`,
		`CREATE INDEX dead_place ON dead_letters(stage, lane, reason, id)`,
		`CREATE TABLE set_aside (
			id INTEGER PRIMARY KEY AUTOINCREMENT,
			at INTEGER NOT NULL,
			call_seq INTEGER NOT NULL,
			lane INTEGER NOT NULL,
			reason TEXT NOT NULL,
			bytes BLOB
		)`,
	}
}

// version2 keeps the trace context that a callback came with.
func version2() migration {
	return migration{`ALTER TABLE calls ADD COLUMN trace TEXT NOT NULL DEFAULT ''`}
}

// version3 lets a replay begin the retry schedule anew, and keeps the number of
// calls, so that no start has to count them all.
func version3() migration {
	return migration{
		`ALTER TABLE deliveries ADD COLUMN tries_before INTEGER NOT NULL DEFAULT 0`,
		`CREATE TABLE counted (calls INTEGER NOT NULL, up_to INTEGER NOT NULL)`,
		`INSERT INTO counted(calls, up_to) SELECT count(*), ` + LastSeq + ` FROM calls`,
	}
}

// version4 lets damage be noticed that leaves a record readable. Calls of before
// have no checksum and are taken as they are.
func version4() migration {
	return migration{`ALTER TABLE calls ADD COLUMN checksum INTEGER`}
}

// version5 has search keys in blocks, written behind the calls; those of before
// are made anew.
func version5() migration {
	return migration{
		`DROP TABLE number_keys`,
		`CREATE TABLE number_keys (
			block INTEGER NOT NULL,
			digits TEXT NOT NULL,
			call_seq INTEGER NOT NULL,
			PRIMARY KEY (block, digits, call_seq)
		) WITHOUT ROWID`,
		`CREATE TABLE indexed (up_to INTEGER NOT NULL)`,
		`INSERT INTO indexed(up_to) VALUES (0)`,
	}
}

// version6 counts the attempts of a delivery beside its wire tries, which it
// estimates for those that wait: the last try of an attempt says when the next one
// is planned. It keeps what decides whether a delivery is doubtful, what a
// callback that could not be understood came with, and what sinks keep.
func version6() migration {
	return migration{
		`ALTER TABLE deliveries RENAME COLUMN tries_before TO spent`,
		`UPDATE deliveries SET spent = max(0, min(tries - spent, ifnull(nullif(
			(SELECT count(*) FROM json_each(CASE WHEN json_valid(CAST(attempts AS TEXT)) THEN CAST(attempts AS TEXT) ELSE '[]' END)
				WHERE value ->> '$.next_at' IS NOT NULL), 0), tries)))
			WHERE state < 4 AND (tries > 0 OR spent > 0)`,
		`ALTER TABLE deliveries ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE deliveries ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0`,
		`ALTER TABLE dead_letters ADD COLUMN request TEXT NOT NULL DEFAULT ''`,
		`CREATE TABLE kept (
			lane INTEGER NOT NULL,
			name TEXT NOT NULL,
			value BLOB NOT NULL,
			gone INTEGER NOT NULL DEFAULT 0,
			PRIMARY KEY (lane, name)
		) WITHOUT ROWID`,
		`CREATE TABLE shares (source TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID`,
		CountShares,
	}
}

// version7 keeps what operators did, why they paused a sink, and which rules decided.
// The statements are short because all of the schema is on the first page, which
// a salvage relies on.
func version7() migration {
	return migration{
		`CREATE TABLE events (id TEXT PRIMARY KEY, action TEXT, token TEXT, address TEXT, via TEXT, sinks TEXT, call_id TEXT, count INTEGER, detail TEXT) WITHOUT ROWID`,
		`CREATE TABLE event_calls (call_seq INTEGER, event TEXT, PRIMARY KEY (call_seq, event)) WITHOUT ROWID`,
		`ALTER TABLE lanes ADD COLUMN paused_for TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE calls ADD COLUMN rules TEXT NOT NULL DEFAULT ''`,
	}
}

// version8 keeps what attempts have to remember.
func version8() migration {
	return migration{`ALTER TABLE deliveries ADD COLUMN remembered TEXT NOT NULL DEFAULT ''`}
}

// errOtherProgram refuses a database that is no spool.
var errOtherProgram = errors.New("the file is a SQLite database of another program: choose another spool.path")

// Identify refuses a file of another program or of a newer cdrelay before
// anything is changed in it, and returns the version of its schema.
func Identify(c *sqlite.Conn) (version int64, err error) {
	version, err = Int(c, `PRAGMA user_version`)
	if err != nil {
		return 0, err
	}
	app, err := Int(c, `PRAGMA application_id`)
	if err != nil {
		return 0, err
	}
	tables, err := Int(c, `SELECT count(*) FROM sqlite_schema`)
	switch {
	case err != nil:
		return 0, err
	case app != applicationID && IsSpool(c):
		return 0, &DamagedError{Found: "the file's header is damaged: it does not say that this is a spool"}
	case app != applicationID && (app != 0 || version != 0 || tables != 0):
		return 0, errOtherProgram
	case version > SchemaVersion:
		return 0, fmt.Errorf("the file has schema version %d and this cdrelay knows versions up to %d: start a newer cdrelay, or choose another spool.path", version, SchemaVersion)
	default:
		return version, nil
	}
}

// Migrate brings the file from a version to schemaVersion in one transaction.
func Migrate(c *sqlite.Conn, from int64) error {
	if from == SchemaVersion {
		return nil
	}
	return Transact(c, func() error {
		for _, step := range migrations()[from:] {
			if err := ExecuteAll(c, step...); err != nil {
				return err
			}
		}
		return Execute(c, fmt.Sprintf(`PRAGMA user_version = %d`, SchemaVersion))
	})
}
