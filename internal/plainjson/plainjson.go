// Package plainjson writes JSON as encoding/json does, except that `<`, `>` and
// `&` stand for themselves. encoding/json spells each of them in six bytes, which
// makes a megabyte of markup into six, and what people read unreadable.
//
// It is for everything that is stored, sent or shown; a test of internal/house
// looks for encoders beside it. It has no state.
package plainjson

import (
	"bytes"
	"encoding/json"
)

// Marshal returns the JSON of a value in one line.
func Marshal(v any) ([]byte, error) { return encode(v, "") }

// Indented returns the JSON of a value with two spaces for each level.
func Indented(v any) ([]byte, error) { return encode(v, "  ") }

func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
