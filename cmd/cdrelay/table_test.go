package main

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// drawn is a table of rows of texts.
func drawn(t *testing.T, to screen, output string, columns []column, rows ...[]cell) string {
	t.Helper()
	var b strings.Builder
	to.w = &b
	table := (&operator{screen: to, output: output}).table(columns...)
	for _, row := range rows {
		table.row(row)
	}
	if err := table.end(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCellsAreHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b[2Jb": "a [2Jb", "a\nb\tc": "a b c", " a ": "a", "\u202eabc": "abc", "": "-", strings.Repeat("x", 100): strings.Repeat("x", maxCell-1) + "…",
	} {
		if got := drawn(t, screen{}, "table", []column{{"HEAD", 0, 0}}, cells(text)); got != "HEAD\n"+want+"\n" {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

var (
	someColumns = []column{{"TIME", 4, 0}, {"ID", 0, 0}, {"KIND", 1, 0}, {"STATE", 3, 6}, {"NOTE", 2, 4}}
	someRows    = [][]cell{
		{{text: "12:00"}, {text: "call-1"}, {text: "in"}, {"crm: delivered", "good"}, {text: "转人工成功转人工成功"}},
		{{text: "12:01"}, {text: "call-22"}, {text: "out"}, {"crm: dead letter", "bad"}, {}},
	}
)

// TestTableFits: columns shrink or go in their turns until nothing wraps.
func TestTableFits(t *testing.T) {
	for width, want := range map[int]string{
		0:  "TIME   ID       KIND  STATE             NOTE\n12:00  call-1   in    crm: delivered    转人工成功转人工成功\n12:01  call-22  out   crm: dead letter  -\n",
		60: "TIME   ID       KIND  STATE             NOTE\n12:00  call-1   in    crm: delivered    转人工成功转人工成功\n12:01  call-22  out   crm: dead letter  -\n",
		50: "TIME   ID       STATE             NOTE\n12:00  call-1   crm: delivered    转人工成功转人…\n12:01  call-22  crm: dead letter  -\n",
		30: "TIME   ID       STATE     NOTE\n12:00  call-1   crm: de…  转…\n12:01  call-22  crm: de…  -\n",
		20: "ID       STATE\n",
		9:  "ID\ncall-1\ncall-22\n",
		5:  "ID\ncall…\ncall…\n",
		1:  "…\n…\n…\n",
	} {
		got := drawn(t, screen{width: width}, "table", someColumns, copied(someRows)...)
		if !strings.HasPrefix(got, want) {
			t.Errorf("width %d:\n%swant\n%s", width, got, want)
		}
	}
	for width := 1; width < 70; width++ {
		for line := range strings.Lines(drawn(t, screen{width: width}, "table", someColumns, copied(someRows)...)) {
			if line = strings.TrimSuffix(line, "\n"); runewidth.StringWidth(line) > width {
				t.Errorf("width %d: %q is wider", width, line)
			}
		}
	}
}

// copied keeps the rows of one table out of the next one.
func copied(rows [][]cell) [][]cell {
	var out [][]cell
	for _, row := range rows {
		out = append(out, append([]cell(nil), row...))
	}
	return out
}

func TestTableColours(t *testing.T) {
	got := drawn(t, screen{width: 80, colour: true}, "table", someColumns, copied(someRows)...)
	for _, want := range []string{"  \x1b[32mcrm: delivered\x1b[0m    转", "  \x1b[31mcrm: dead letter\x1b[0m  -"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if got := drawn(t, screen{width: 80}, "table", someColumns, copied(someRows)...); strings.Contains(got, "\x1b") {
		t.Errorf("colours unasked: %q", got)
	}
}

// TestCSV: cells are whole, and no spreadsheet takes one for a formula.
func TestCSV(t *testing.T) {
	long := strings.Repeat("x", 100)
	got := drawn(t, screen{width: 10, colour: true}, "csv", []column{{"DEAD LETTERS", 1, 0}, {"NOTE", 0, 0}},
		cells("1", long), cells("", "a \"b\", c\nd"), cells("+62812****", "=1+1"), cells("-5", "@x"), cells("-", "+x"), []cell{{"a", "bad"}, {"b", "good"}})
	want := "dead_letters,note\n1," + long + "\n,\"a \"\"b\"\", c d\"\n+62812****,'=1+1\n-5,'@x\n-,'+x\na,b\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := drawn(t, screen{}, "csv", []column{{"A", 0, 0}}); got != "a\n" {
		t.Errorf("without rows: %q", got)
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		tones []string
		want  string
	}{{nil, ""}, {[]string{"calm"}, ""}, {[]string{"good", "calm"}, "good"}, {[]string{"good", "wait"}, "wait"}, {[]string{"wait", "bad", "good"}, "bad"}} {
		if got := worst(c.tones...); got != c.want {
			t.Errorf("%v: %q, want %q", c.tones, got, c.want)
		}
	}
}
