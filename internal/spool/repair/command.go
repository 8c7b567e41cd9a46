package repair

import (
	"github.com/oklog/ulid/v2"
	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// byCommand is what a salvage by a command knows besides the damaged file: that it was
// one. The new file has it as an event.
type byCommand struct{ kept string }

// Write writes nothing: a salvage that was cut short begins again.
func (byCommand) Write(*sqlite.Conn) error { return nil }

// WriteLeases writes the event.
func (b byCommand) WriteLeases(c *sqlite.Conn) error {
	return dbfile.Execute(c, `INSERT INTO events(id, action, token, address, via, sinks, call_id, count, detail) VALUES (?, ?, 'command', '', 'command', '', '', 0, ?)`,
		ulid.Make().String(), string(spool.ActionSalvage), "the file as it was is kept as "+b.kept)
}
