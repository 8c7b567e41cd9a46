package dbfile

import (
	"log/slog"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// Damaged is a damaged file that is to be set aside.
type Damaged struct {
	// Config is that of the file.
	Config spool.Config
	// Damage is what was found.
	Damage error
	// Known is what the store knows without the file; may be nil.
	Known Known
	// Log gets what was saved and what was lost.
	Log *slog.Logger
	// Tell is told how far it has come, in words.
	Tell func(what string)
}

// Known is what a store that works knows without its file, and writes into the one
// that takes its place.
type Known interface {
	// Write comes before what is saved of the damaged file.
	Write(c *sqlite.Conn) error
	// WriteLeases comes after it: what is on its way and was lost with its row.
	WriteLeases(c *sqlite.Conn) error
}
