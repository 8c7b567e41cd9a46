package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/spelling"
)

// TableFile is where a table is read from.
type TableFile struct {
	File string `yaml:"file" jsonschema:"required" example:"owners.csv" doc:"A .csv file of two columns, key and value, without a heading; else a YAML mapping. In UTF-8, at most 4 MiB, read again when it changes."`
}

// maxTables bounds the files of all tables together.
const maxTables = 8 << 20

// Tables are all that the tables of a configuration hold. They do not change.
type Tables map[string]expr.Table

// Lookup implements expr.Lookup.
func (t Tables) Lookup(table, key string) (string, bool) {
	value, found := t[table][key]
	return value, found
}

// readTables reads the files and reports what is wrong in them.
func (c Config) readTables(report reporter) Tables {
	tables := Tables{}
	left := int64(maxTables)
	for _, name := range slices.Sorted(maps.Keys(c.Tables)) {
		at := "tables." + name
		if !namePattern.MatchString(name) {
			report(at, notAName(name))
		}
		file := c.Tables[name].File
		if file == "" {
			report(at+".file", "is missing: name the .csv or YAML file of the table")
			continue
		}
		content, err := readTable(file, min(left, expr.MaxTable))
		if err == nil {
			left -= int64(len(content))
			tables[name], err = expr.ParseTable(file, content)
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				report(at+".file", fmt.Sprintf("%s: %s", file, line))
			}
		}
	}
	return tables
}

func readTable(path string, limit int64) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, errors.Unwrap(err)
	case !st.Mode().IsRegular():
		return nil, errors.New("is not a file: name a .csv or YAML file")
	case st.Size() > limit:
		return nil, fmt.Errorf("is too large: a table has at most %d MiB, and all together %d", expr.MaxTable>>20, maxTables>>20)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer func() { _ = f.Close() }() // only read from
	return io.ReadAll(io.LimitReader(f, limit))
}

// unknownTable words the error of an expression that looks into a table that is
// not configured.
func unknownTable(name string, known []string) string {
	text := fmt.Sprintf("there is no table %q", name)
	if near, ok := spelling.Nearest(name, known); ok {
		return text + fmt.Sprintf(": did you mean %q?", near)
	}
	return text + ": add it under `tables`"
}
