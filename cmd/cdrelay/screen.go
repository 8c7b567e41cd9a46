package main

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cdrelay/cdrelay/internal/call"
)

// screen is where a command prints for people.
type screen struct {
	w io.Writer
	// width is that of the terminal; 0 where there is none.
	width  int
	colour bool
}

// isTerminal reports whether a stream is a person's.
func isTerminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// screenOf looks at what is written to. Colours are for terminals that know them,
// unless NO_COLOR is set (https://no-color.org).
func screenOf(w io.Writer) screen {
	s := screen{w: w}
	if !isTerminal(w) {
		return s
	}
	s.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		s.width, _, _ = term.GetSize(int(f.Fd())) // without a size nothing is cut
	}
	return s
}

// paint colours a text by its tone: good, wait or bad; others have none.
func (s screen) paint(tone, text string) string {
	code := map[string]string{"good": "32", "wait": "33", "bad": "31"}[tone]
	if !s.colour || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// stamp is how commands print a time: it can be read back by --since.
const stamp = "2006-01-02 15:04:05Z07:00"

// when prints a time in the zone of the terminal, with its offset; nothing where there
// is none.
func (o *operator) when(t call.Time) string { return stampIn(o.zone, t.Time) }

// zoneOf returns the zone of the terminal, or UTC where that is asked for.
func zoneOf(utc bool) *time.Location {
	if utc {
		return time.UTC
	}
	return time.Local
}

func stampIn(zone *time.Location, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(stamp)
}

// flagText returns the value of a flag that the command or one above it has.
func flagText(cmd *cobra.Command, name string) string { return cmd.Flag(name).Value.String() }

// configPath returns the file of the configuration.
func configPath(cmd *cobra.Command) string { return flagText(cmd, "config") }
