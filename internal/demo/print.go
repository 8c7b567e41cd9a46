package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	// width is how many columns the trace takes at most.
	width = 100
	// indent is where labels begin, labelled where what they label does.
	indent   = 4
	labelled = 18
)

// The colours, as ANSI codes.
const (
	plain  = ""
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// printer writes the trace. The first error of its writer is kept and ends the
// writing.
type printer struct {
	w      io.Writer
	colour bool
	err    error
}

func newPrinter(w io.Writer) *printer {
	return &printer{w: w, colour: isTerminal(w) && os.Getenv("NO_COLOR") == ""}
}

// isTerminal reports whether a person may be reading: colours in a file are noise.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *printer) write(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

// paint puts the text into a colour where there are any.
func (p *printer) paint(colour, text string) string {
	if !p.colour || colour == plain || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// gap leaves a line free.
func (p *printer) gap() { p.write("\n") }

// line writes a line as it is.
func (p *printer) line(format string, args ...any) { p.write(fmt.Sprintf(format, args...) + "\n") }

// heading begins a part.
func (p *printer) heading(text string) { p.write(p.paint(bold, text) + "\n") }

// text writes a paragraph, wrapped, at an indentation.
func (p *printer) text(at int, colour, text string) {
	for _, line := range wrap(text, width-at) {
		p.write(strings.Repeat(" ", at) + p.paint(colour, line) + "\n")
	}
}

// fact writes a label and what it labels, wrapped beside it. Without a label it
// goes on with the fact before.
func (p *printer) fact(label, colour, text string) {
	left := strings.Repeat(" ", indent) + pad(label, labelled-indent)
	for _, line := range wrap(plaintext.Blank(text), width-labelled) {
		p.write(p.paint(dim, left) + p.paint(colour, line) + "\n")
		left = strings.Repeat(" ", labelled)
	}
}

func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(1, columns-utf8.RuneCountInString(text)))
}

// unbroken is a space at which no line ends.
const unbroken = "\u00a0"

// wrap breaks a text at spaces into lines of at most so many columns. A word that
// is longer is a line of its own and is not cut, so that it can be copied.
func wrap(text string, columns int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' }) {
		word = strings.ReplaceAll(word, unbroken, " ")
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= columns:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
