package main

import (
	"io"
	"net/netip"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// maxCell is the longest text in a cell of a table.
const maxCell = 72

// table writes aligned columns for people.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer, heads ...string) table {
	t := table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.row(heads...)
	return t
}

// row adds a row. Cells come from elsewhere: nothing in them may move the cursor.
func (t table) row(cells ...string) {
	for i, c := range cells {
		if cells[i] = plaintext.ClipRunes(plaintext.Line(c), maxCell); cells[i] == "" {
			cells[i] = "-"
		}
	}
	_, _ = io.WriteString(t.w, strings.Join(cells, "\t")+"\n") // an error comes back from end
}

func (t table) end() error { return t.w.Flush() }

// when is a time in a table; the head says UTC.
func when(t call.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateTime)
}

var (
	numberLike = regexp.MustCompile(`\+?[0-9][0-9 ().-]{5,}[0-9]`)
	dateLike   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}`)
)

// number is a telephone number in a table.
func (o *operator) number(text string) string {
	if o.numbers {
		return text
	}
	return call.Mask(text)
}

// masked hides what looks like a telephone number in a text. An IP address stays:
// it is what an operator needs of a connection that failed.
func (o *operator) masked(text string) string {
	if o.numbers {
		return text
	}
	return numberLike.ReplaceAllStringFunc(text, func(n string) string {
		if _, err := netip.ParseAddr(n); err == nil || dateLike.MatchString(n) {
			return n
		}
		return call.Mask(n)
	})
}

// party is one end of a call.
func (o *operator) party(p call.Party) string {
	for _, text := range []string{p.Number, p.SIP, p.Raw} {
		if text != "" {
			return o.number(text)
		}
	}
	return p.Extension
}
