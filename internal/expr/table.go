package expr

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"gopkg.in/yaml.v3"
)

// MaxTable bounds the file of a table, in bytes.
const MaxTable = 4 << 20

const tableName = "table"

// Table is a lookup: keys and their values.
type Table map[string]string

// Lookup returns what a table has for a key, and whether it has it.
type Lookup func(table, key string) (value string, found bool)

// tableFunction declares table(name, key), whose tables come with each view.
func tableFunction() cel.EnvOption {
	return cel.Function(tableName, cel.Overload("table_string_string",
		[]*cel.Type{cel.StringType, cel.StringType}, cel.StringType, cel.LateFunctionBinding()))
}

// ResolveFunction implements cel.FunctionActivation.
func (v *view) ResolveFunction(name string) (functions.LateBoundOp, bool) {
	if name != tableName || v.lookup == nil {
		return nil, false
	}
	return func(_ string, args ...ref.Val) ref.Val {
		value, _ := v.lookup(textArg(args, 0), textArg(args, 1))
		return types.String(value)
	}, true
}

// ParseTable reads a table: CSV of two columns where the file's name ends in .csv,
// else a YAML mapping of texts. Its error names every line that is wrong.
func ParseTable(file string, content []byte) (Table, error) {
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	switch {
	case len(content) > MaxTable:
		return nil, fmt.Errorf("the table is larger than %d bytes", MaxTable)
	case !utf8.Valid(content):
		return nil, errors.New("the table is not in UTF-8: save it so")
	case strings.HasSuffix(strings.ToLower(file), ".csv"):
		return parseCSV(content)
	}
	return parseMapping(content)
}

// tableParser gathers rows and what is wrong with them.
type tableParser struct {
	rows  Table
	lines map[string]int
	wrong []error
}

// maxTableErrors bounds how many errors of one table are told.
const maxTableErrors = 20

func (p *tableParser) fail(line int, format string, args ...any) {
	if len(p.wrong) < maxTableErrors {
		p.wrong = append(p.wrong, fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...)))
	}
}

func (p *tableParser) add(line int, key, value string) {
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch first, twice := p.lines[key]; {
	case key == "":
		p.fail(line, "the key is empty")
	case twice:
		p.fail(line, "the key %q is already there on line %d: keep one", key, first)
	default:
		p.rows[key], p.lines[key] = value, line
	}
}

func (p *tableParser) result() (Table, error) {
	if len(p.wrong) > 0 {
		return nil, errors.Join(p.wrong...)
	}
	return p.rows, nil
}

func newTableParser() *tableParser { return &tableParser{rows: Table{}, lines: map[string]int{}} }

func parseCSV(content []byte) (Table, error) {
	p := newTableParser()
	r := csv.NewReader(bytes.NewReader(content))
	r.FieldsPerRecord = -1
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return p.result()
		}
		if malformed, ok := errors.AsType[*csv.ParseError](err); ok {
			p.fail(malformed.Line, "%v", malformed.Err)
			return p.result()
		}
		line, _ := r.FieldPos(0)
		if len(row) != 2 {
			p.fail(line, "there are %d columns where 2 are expected, key and value, with a comma between", len(row))
			continue
		}
		p.add(line, row[0], row[1])
	}
}

func parseMapping(content []byte) (Table, error) {
	p := newTableParser()
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return p.rows, nil
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("a second YAML document begins, or the file is no YAML there: keep one, without ---")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: a table is a mapping of keys to values, or a .csv file of two columns", root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
			p.fail(key.Line, "a row is a text for a text")
			continue
		}
		p.add(key.Line, key.Value, value.Value)
	}
	return p.result()
}
