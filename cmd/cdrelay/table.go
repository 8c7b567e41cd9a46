package main

import (
	"io"
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

// number is a telephone number in a table.
func (o *operator) number(text string) string {
	if o.numbers {
		return text
	}
	return call.Mask(text)
}

// masked hides the telephone numbers in a text about a call.
func (o *operator) masked(m call.Masker, text string) string {
	if o.numbers {
		return text
	}
	return m.Text(text)
}

// maskedBody does the same in a body.
func (o *operator) maskedBody(m call.Masker, body string) string {
	if o.numbers {
		return body
	}
	return m.Body(body)
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
