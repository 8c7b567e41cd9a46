package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
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
	says := func(phrases ...string) bool {
		return slices.ContainsFunc(phrases, func(phrase string) bool { return strings.Contains(text, phrase) })
	}
	for _, cause := range []struct {
		holds bool
		words string
	}{
		{
			strings.HasPrefix(strings.TrimLeft(line, " "), "\t") || says("tab character"),
			"the line is indented with a tab character: indent with spaces",
		},
		{barePlace.MatchString(line), "a { of a template opens a mapping here" + quoteIt + `, as in "${call.id}"`},
		{
			value != "" && strings.ContainsAny(value[:min(len(value), 1)], "@`%*&"),
			strconv.Quote(value[:min(len(value), 1)]) + " begins something else in YAML" + quoteIt,
		},
		{
			says("UTF-8", "control characters", "UTF-16"),
			"the line holds control characters, or bytes that are not UTF-8: save the file as UTF-8",
		},
		{says("comment or line break"), "the text begins with > or |, which opens a block in YAML" + quoteIt},
		{says("block sequence entries"), `the text begins with "- ", which is a list in YAML` + quoteIt},
		{
			says("mapping values are not allowed"),
			"a second colon stands in the line, or it is indented deeper than the one above" + quoteIt + " that holds \": \", or indent the line as its neighbours",
		},
		{says("unknown escape", "hexdecimal"), `in double quotes \ begins an escape: write it twice (\\), or use single quotes`},
		{
			says("unexpected end of stream") || openQuote(value),
			"a quote that opens here is not closed, or closes too early: put the text in the other kind of quotes, or write a single quote twice",
		},
		{
			says("',' or '"),
			"a [ or { that opens here is not closed, or something stands between its items: close it, or add quotes or a comma",
		},
		{
			says("expected ':'") && keyAndRun.MatchString(line),
			"there is no colon followed by a space behind the key: write `key: value`",
		},
		{
			says("did not find expected"),
			"the line fits to nothing above it: indent it as its neighbours, with `key: value` or `- item`",
		},
	} {
		if cause.holds {
			return cause.words
		}
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
