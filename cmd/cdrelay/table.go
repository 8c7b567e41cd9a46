package main

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	// maxCell is the longest text in a cell of a table that no terminal bounds.
	maxCell = 72
	// gap is the room between two columns.
	gap = 2
)

// column is one column of a table.
type column struct {
	head string
	// turn is when the column shrinks or goes on a narrow terminal: 1 first;
	// 0 for one that stays.
	turn int
	// least is the width down to which it shrinks; 0 for one that goes as a whole.
	least int
}

// cell is a text in a table; its tone is that in which a terminal shows it, empty for
// no colour.
type cell struct{ text, tone string }

// cells returns cells without a colour.
func cells(texts ...string) []cell {
	out := make([]cell, len(texts))
	for i, text := range texts {
		out[i].text = text
	}
	return out
}

// table writes columns for people, aligned and no wider than the terminal, or CSV.
type table struct {
	to      screen
	csv     bool
	columns []column
	rows    [][]cell
}

func (o *operator) table(columns ...column) *table {
	return &table{to: o.screen, csv: o.output == "csv", columns: columns}
}

// row adds a row, with a cell for each column. Cells come from elsewhere: nothing in
// them may move the cursor.
func (t *table) row(row []cell) {
	for i := range row {
		row[i].text = plaintext.Line(row[i].text)
		if t.csv {
			continue
		}
		row[i].text = cmp.Or(row[i].text, "-")
		if t.to.width == 0 {
			row[i].text = plaintext.ClipRunes(row[i].text, maxCell)
		}
	}
	t.rows = append(t.rows, row)
}

// end writes the table.
func (t *table) end() error {
	if t.csv {
		return t.writeCSV()
	}
	var heads []string
	for _, c := range t.columns {
		heads = append(heads, c.head)
	}
	rows := slices.Insert(t.rows, 0, cells(heads...))
	widths := make([]int, len(t.columns))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(c.text))
		}
	}
	if t.to.width > 0 {
		fit(t.columns, widths, t.to.width)
	}
	var b strings.Builder
	for _, row := range rows {
		t.line(&b, row, widths)
	}
	_, err := io.WriteString(t.to.w, b.String())
	return err
}

// line writes a row. Nothing follows its last cell: blanks would wrap.
func (t *table) line(b *strings.Builder, row []cell, widths []int) {
	pad := 0
	for i, c := range row {
		if widths[i] == 0 {
			continue
		}
		text := runewidth.Truncate(c.text, widths[i], plaintext.Ellipsis)
		b.WriteString(strings.Repeat(" ", pad) + t.to.paint(c.tone, text))
		pad = widths[i] - runewidth.StringWidth(text) + gap
	}
	b.WriteByte('\n')
}

// fit makes columns narrower, and those that go 0, until a row has room. In their
// turns, columns first shrink or go; then those that have shrunk go as well. At last
// the rightmost of those that stay is cut.
func fit(columns []column, widths []int, room int) {
	need := -gap - room
	var turns []int
	for i, w := range widths {
		need += w + gap
		if columns[i].turn > 0 {
			turns = append(turns, i)
		}
	}
	slices.SortFunc(turns, func(a, b int) int { return cmp.Compare(columns[a].turn, columns[b].turn) })
	for _, shrink := range []bool{true, false} {
		for _, i := range turns {
			switch least := columns[i].least; {
			case need <= 0:
				return
			case widths[i] == 0:
			case shrink && least > 0:
				cut := min(need, max(widths[i]-least, 0))
				widths[i] -= cut
				need -= cut
			default:
				need -= widths[i] + gap
				widths[i] = 0
			}
		}
	}
	for i, w := range slices.Backward(widths) {
		if w > 0 && need > 0 {
			widths[i] = max(w-need, 1)
			need -= w - widths[i]
		}
	}
}

// writeCSV writes what the cells hold, whole. A cell that a spreadsheet would take for
// a formula begins with an apostrophe.
func (t *table) writeCSV() error {
	w := csv.NewWriter(t.to.w)
	var heads []string
	for _, c := range t.columns {
		heads = append(heads, strings.ReplaceAll(strings.ToLower(c.head), " ", "_"))
	}
	_ = w.Write(heads) // an error comes back from Flush
	for _, row := range t.rows {
		var texts []string
		for _, c := range row {
			texts = append(texts, noFormula(c.text))
		}
		_ = w.Write(texts)
	}
	w.Flush()
	return w.Error()
}

// noFormula leaves telephone numbers and negative numbers as they are.
func noFormula(text string) string {
	if text == "" || !strings.ContainsRune("=@+-", rune(text[0])) {
		return text
	}
	if strings.ContainsRune("+-", rune(text[0])) && strings.Trim(text[1:], "0123456789*") == "" {
		return text
	}
	return "'" + text
}

// worst returns the tone of several states together.
func worst(tones ...string) string {
	for _, tone := range []string{"bad", "wait", "good"} {
		if slices.Contains(tones, tone) {
			return tone
		}
	}
	return ""
}

// state is a cell with the words of a code and its tone.
func state(code string) cell {
	return cell{strings.ReplaceAll(code, "_", " "), operate.Tone(code)}
}
