package call

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// sorted writes a JSON text again, compact, with the members of each object in
// the order of their names and without the volatile ones. It writes what
// sortedQuickly writes of the texts that both take, and takes any text.
func sorted(text []byte, volatile []string) ([]byte, error) {
	c := canonical{
		from:     jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		volatile: volatile,
	}
	out, err := c.value(make([]byte, 0, len(text)), "")
	if err != nil {
		return nil, err
	}
	if _, err := c.from.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return out, nil
}

// canonical reads values and writes them sorted. A place is the names that lead to
// a value, each with a dot behind it; a list adds nothing.
type canonical struct {
	from     *jsontext.Decoder
	volatile []string
}

func (c *canonical) value(out []byte, place string) ([]byte, error) {
	switch c.from.PeekKind() {
	case '{':
		return c.object(out, place)
	case '[':
		return c.list(out, place)
	}
	value, err := c.from.ReadValue()
	return appendScalar(out, value), err
}

func (c *canonical) list(out []byte, place string) ([]byte, error) {
	if _, err := c.from.ReadToken(); err != nil {
		return nil, err
	}
	out = append(out, '[')
	for i := 0; c.from.PeekKind() != ']'; i++ {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = c.value(out, place); err != nil {
			return nil, err
		}
	}
	_, err := c.from.ReadToken()
	return append(out, ']'), err
}

// nameAndValue is a member of an object: its decoded name, and both as written.
type nameAndValue struct {
	name    string
	written []byte
}

func (c *canonical) object(out []byte, place string) ([]byte, error) {
	if _, err := c.from.ReadToken(); err != nil {
		return nil, err
	}
	var members []nameAndValue
	for c.from.PeekKind() != '}' {
		m, err := c.member(place)
		if err != nil {
			return nil, err
		}
		if !c.isVolatile(place + m.name) {
			members = append(members, m)
		}
	}
	slices.SortStableFunc(members, func(a, b nameAndValue) int { return strings.Compare(a.name, b.name) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, m.written...)
	}
	_, err := c.from.ReadToken()
	return append(out, '}'), err
}

func (c *canonical) member(place string) (m nameAndValue, err error) {
	name, err := c.from.ReadValue()
	if err != nil {
		return m, err
	}
	// Half a surrogate pair decodes to U+FFFD with an error; it is written as it came.
	decoded, _ := jsontext.AppendUnquote(nil, name)
	m.name = string(decoded)
	m.written = append(appendScalar(nil, name), ':')
	m.written, err = c.value(m.written, place+m.name+".")
	return m, err
}

// isVolatile reports whether a field is named as volatile, in any case.
func (c *canonical) isVolatile(field string) bool {
	return slices.ContainsFunc(c.volatile, func(name string) bool { return strings.EqualFold(name, field) })
}

// appendScalar writes a scalar: a string as encoding/json spells it, anything else
// as it is. A string with half a surrogate pair has no such spelling and stays as
// it is; no other string is ever spelled so.
func appendScalar(out, scalar []byte) []byte {
	if len(scalar) == 0 || scalar[0] != '"' {
		return append(out, scalar...)
	}
	decoded, err := jsontext.AppendUnquote(nil, scalar)
	if err != nil {
		return append(out, scalar...)
	}
	return appendSpelled(out, decoded, special|markup)
}
