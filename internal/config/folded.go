package config

import (
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// columnPlace is how expr words a place within the text of one scalar.
var columnPlace = regexp.MustCompile(`^column (\d+): `)

// unfold moves problems within a text that YAML folds from several lines into one
// to the line of the file where they are.
func (p *Problems) unfold(t *tree) {
	for i, one := range p.List {
		m := columnPlace.FindStringSubmatch(one.Text)
		if m == nil {
			continue
		}
		column, _ := strconv.Atoi(m[1]) // digits by the pattern
		for _, n := range scalarsAt(t.root, one.Line) {
			if line, at, ok := t.place(n, column-1); ok && line > one.Line {
				p.List[i].Line = line
				p.List[i].Text = "column " + strconv.Itoa(at+1) + ": " + one.Text[len(m[0]):]
				break
			}
		}
	}
}

// scalarsAt returns the scalars that begin in a line.
func scalarsAt(n *yaml.Node, line int) []*yaml.Node {
	if n.Kind == yaml.ScalarNode && n.Line == line {
		return []*yaml.Node{n}
	}
	var all []*yaml.Node
	for _, child := range n.Content {
		all = append(all, scalarsAt(child, line)...)
	}
	return all
}

// place returns the line of the file, and the column behind its indentation, of a
// character of a scalar, both counted from 0 in characters; false where the text
// in the file cannot be followed, as behind an escape.
func (t *tree) place(n *yaml.Node, offset int) (line, column int, ok bool) {
	line, column = n.Line, n.Column-1
	switch {
	case n.Style&(yaml.FoldedStyle|yaml.LiteralStyle) != 0:
		line, column = line+1, 0 // the text begins below its > or |
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		column++
	}
	text, indent := t.runes(line)
	column = max(column, indent)
	for i, want := range []rune(n.Value) {
		if want == ' ' && strings.TrimSpace(string(text[min(column, len(text)):])) == "" {
			if i == offset {
				return line, column - indent, true
			}
			line++
			text, indent = t.runes(line)
			column = indent
			continue
		}
		if column >= len(text) || text[column] != want {
			return 0, 0, false
		}
		if i == offset {
			return line, column - indent, true
		}
		column++
	}
	return 0, 0, false
}

// runes returns the characters of a line of the file and the width of its
// indentation.
func (t *tree) runes(line int) (text []rune, indent int) {
	if line < 1 || line > len(t.lines) {
		return nil, 0
	}
	text = []rune(strings.TrimRight(t.lines[line-1], "\r"))
	for indent < len(text) && text[indent] == ' ' {
		indent++
	}
	return text, indent
}
