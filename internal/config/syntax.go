package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// addSyntax notes that a text is not YAML: at the line where the cause is, in
// words that say what to write. The parser names the line where it gave up, which
// may be that of the enclosing list or the end of the file.
func (p *Problems) addSyntax(text []byte, err error) {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line, words := firstBadLine(text), ""
	if line == 0 { // the file is too long to look for it
		if m := yamlPlace.FindStringSubmatch(reason); m != nil {
			line, _ = strconv.Atoi(m[1]) // digits by the pattern
		}
	}
	if lines := bytes.Split(text, []byte("\n")); line > 0 && line <= len(lines) {
		words = strings.TrimRight(string(lines[line-1]), "\r")
	}
	p.add(line, "", syntaxWords(yamlPlace.ReplaceAllString(reason, ""), words))
}

// maxParsed bounds the bytes that are parsed to find a line.
const maxParsed = 16 << 20

// firstBadLine returns the line behind the longest beginning of the text that is
// YAML: from there on nothing that follows makes it right. A quote or a bracket
// that is never closed so leads to the line where it opens. It returns 0 where
// the text is too long to look.
func firstBadLine(text []byte) int {
	parsed := 0
	end := bytes.LastIndexByte(bytes.TrimRight(text, "\r\n"), '\n') + 1
	for parsed < maxParsed {
		parsed += end
		if parses(text[:end]) {
			return bytes.Count(text[:end], []byte("\n")) + 1
		}
		end = bytes.LastIndexByte(text[:end-1], '\n') + 1
	}
	return 0
}

func parses(text []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

var (
	yamlPlace = regexp.MustCompile(`^line (\d+): `)
	keyAndRun = regexp.MustCompile(`^\s*(?:- )?[A-Za-z_]\w*(?::\S|\s+[^:\s])`)
	barePlace = regexp.MustCompile(`[:,{\[]\s*(\$\{|\{\{)`)
)

// syntaxWords says what is wrong with a line of the file, and what to write. The
// parser's own words close the rarer ones.
func syntaxWords(text, line string) string {
	bare := strings.TrimLeft(line, " -")
	_, value, _ := strings.Cut(bare, ": ")
	value = strings.TrimSpace(value)
	const quoteIt = ": put quotes around the text"
	switch {
	case strings.Contains(strings.TrimLeft(line, " "), "\t") && strings.TrimLeft(line, " ")[0] == '\t',
		strings.Contains(text, "tab character"):
		return "the line is indented with a tab character: indent with spaces"
	case barePlace.MatchString(line):
		return "a { of a template opens a mapping here" + quoteIt + `, as in "${call.id}"`
	case value != "" && strings.ContainsRune("@`%*&", rune(value[0])):
		return strconv.Quote(value[:1]) + " begins something else in YAML" + quoteIt
	case strings.Contains(text, "UTF-8"), strings.Contains(text, "control characters"), strings.Contains(text, "UTF-16"):
		return "the line holds control characters, or bytes that are not UTF-8: save the file as UTF-8"
	case strings.Contains(text, "comment or line break"):
		return "the text begins with > or |, which opens a block in YAML" + quoteIt
	case strings.Contains(text, "block sequence entries"):
		return `the text begins with "- ", which is a list in YAML` + quoteIt
	case strings.Contains(text, "mapping values are not allowed"):
		return "a second colon stands in the line, or it is indented deeper than the one above" + quoteIt + " that holds \": \", or indent the line as its neighbours"
	case strings.Contains(text, "unknown escape"), strings.Contains(text, "hexdecimal"):
		return `in double quotes \ begins an escape: write it twice (\\), or use single quotes`
	case strings.Contains(text, "unexpected end of stream"), openQuote(value):
		return "a quote that opens here is not closed, or closes too early: put the text in the other kind of quotes, or write a single quote twice"
	case strings.Contains(text, "',' or '"):
		return "a [ or { that opens here is not closed, or something stands between its items: close it, or add quotes or a comma"
	case strings.Contains(text, "expected ':'") && keyAndRun.MatchString(line):
		return "there is no colon followed by a space behind the key: write `key: value`"
	case strings.Contains(text, "did not find expected"):
		return "the line fits to nothing above it: indent it as its neighbours, with `key: value` or `- item`"
	}
	return "this is not YAML (" + text + "): look at quotes, colons and indentation"
}

// openQuote reports whether a text begins with a quote that ends before the text
// does, or never.
func openQuote(value string) bool {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return false
	}
	end := strings.IndexByte(value[1:], value[0])
	rest := strings.TrimSpace(value[1+end+1:])
	return end < 0 || rest != "" && rest[0] != '#'
}
