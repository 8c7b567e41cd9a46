package loosejson

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// Object is a parsed JSON object.
type Object struct {
	raw        []byte
	text       string // raw once more, and decoded names: what is read are substrings
	members    []member
	usual      [usualMembers]member // what members is at first
	complaints []string
}

// Raw is the whole object: compact, valid UTF-8, keys in their order, numbers as
// spelled. The caller must not change it.
func (o *Object) Raw() json.RawMessage { return o.raw }

// Complaints says, once for each value, what could not be read as it was asked
// for.
func (o *Object) Complaints() []string { return o.complaints }

// Complain adds a complaint of the reader's own about a value.
func (o *Object) Complain(key, problem string) {
	o.complain(fmt.Sprintf("%s %s %s", key, quote(o.value(key)), problem))
}

func (o *Object) complain(text string) {
	if !slices.Contains(o.complaints, text) {
		o.complaints = append(o.complaints, text)
	}
}

// Has says that there is a value other than null under any of the keys.
func (o *Object) Has(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		v := o.value(k)
		return v != "" && v != "null"
	})
}

// Text is a scalar as text, without white space around it: a string decoded, a
// number as spelled, a boolean as true or false; "" for null and for no such key.
func (o *Object) Text(key string) string { return o.textOf(key, o.value(key)) }

func (o *Object) textOf(key, v string) string {
	if v == "" || v == "null" {
		return ""
	}
	switch v[0] {
	case '"':
		return strings.TrimSpace(unquote(v))
	case '{', '[':
		o.complain(fmt.Sprintf("%s is %s, not a text or number", key, kindOf(v[0])))
		return ""
	}
	return v
}

// Int is a whole number, also when it came as a string or with a fraction, which
// is cut off. It is not ok where there is none.
func (o *Object) Int(key string) (n int64, ok bool) {
	s := o.Text(key)
	if s == "" {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) >= math.MaxInt64 {
		o.Complain(key, "is not a whole number")
		return 0, false
	}
	return int64(f), true
}

// Bool is a truth value: true, false, 1 or 0, also as a string. It is not ok
// where there is none.
func (o *Object) Bool(key string) (v, ok bool) {
	switch s := o.Text(key); strings.ToLower(s) {
	case "":
		return false, false
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	o.Complain(key, "is neither true nor false")
	return false, false
}

// Objects are the objects of a list, or the one that is there instead of a list,
// also where the list comes as a text. Anything else among them is left out.
func (o *Object) Objects(key string) []*Object {
	value := o.value(key)
	if strings.HasPrefix(value, `"`) {
		value = unquote(value)
	}
	if strings.HasPrefix(value, "{") {
		value = "[" + value + "]"
	}
	var elements []json.RawMessage
	if value == "" || json.Unmarshal([]byte(value), &elements) != nil {
		return nil
	}
	var found []*Object
	for _, element := range elements {
		if object, err := Parse(element); err == nil {
			found = append(found, object)
		}
	}
	return found
}

// value is the JSON text of a value, "" where there is none. The scan from the
// end makes the last of two equal keys win; for the few dozen keys of a callback
// it costs less than a map would to build.
func (o *Object) value(key string) string {
	for i := len(o.members) - 1; i >= 0; i-- {
		if m := &o.members[i]; int(m.keyEnd-m.key) == len(key) && strings.EqualFold(o.text[m.key:m.keyEnd], key) {
			return o.text[m.value:m.end]
		}
	}
	return ""
}

// unquote decodes a string that the parser has found valid; half a surrogate pair
// becomes U+FFFD, which is no error here.
func unquote(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	decoded, _ := jsontext.AppendUnquote(make([]byte, 0, len(quoted)), quoted)
	return string(decoded)
}

// quote shows a value in a message: a string in its quotes, anything else bare.
func quote(value string) string {
	if strings.HasPrefix(value, `"`) {
		return strconv.Quote(plaintext.ClipRunes(unquote(value), clipped))
	}
	return plaintext.ClipRunes(value, clipped)
}
